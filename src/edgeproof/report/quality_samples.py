"""Sample quality on the data page: parts and labels, samples to look at, features by class, drift, and copies."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgeproof.core.finding import Finding
from edgeproof.gates.samples_drift import LEAST_WORTH
from edgeproof.report.chart import plot, points
from edgeproof.report.data import findings_block
from edgeproof.report.number import chance_words, clip, show, time_ms
from edgeproof.report.part import Block, Cell, Figure, Grid, Section, Stat, Stats, Table, Text, Tile, Tiles
from edgeproof.report.quality_sketch import heat_map, overlay, window

__all__ = ["sample_sections"]

KINDS = {
    "typical": ("Typical", "Outcome and features near the middle of the class."),
    "boundary": ("At the boundary", "Outcomes closest to the other class: the label hangs on a hair."),
    "outlier": ("Outliers", "Features farthest from the middle, in robust standard deviations."),
}
MOST_PAIRS, MOST_ROWS = 8, 12


def sample_sections(body: Mapping[str, Any]) -> list[Section]:
    """The chapters on the samples that a config makes of the open bars.

    Args:
        body: `samples` of `recipe.survey`.
    """
    findings = {each["check"].removeprefix("samples."): Finding.from_json(each) for each in body["findings"]}
    worth = [finding for finding in findings.values() if finding.level != "info"]
    said = [Text("Every check of the samples passed.", "strong")] if not worth else [findings_block(worth)]
    whole: list[Block] = [
        _stats(body),
        _parts(body),
        Text(f"{show(body['purged'], 'count')} samples were purged between the parts.", "note"),
        *said,
    ]
    sections = [
        Section("Samples", "What a run with this config would learn from, and be judged on.", whole),
        _labels(body, findings),
        _gallery(body),
        _features(body, findings),
        _correlations(body, findings),
        _outliers(findings),
        _drift(body, findings),
        _copies(findings),
    ]
    return [section for section in sections if section is not None]


def _stats(body: Mapping[str, Any]) -> Stats:
    total = sum(part["samples"] for part in body["parts"])
    parts = ", ".join(f"{part['part']} {show(part['samples'], 'count')}" for part in body["parts"])
    return Stats(
        [
            Stat("Samples", show(total, "count"), parts),
            Stat("Window", show(body["window"], "bars"), f"of {len(body['features'])} features"),
            Stat("Label", clip(body["label"].replace("_", " "), 24), "the class that is forecast"),
            Stat("Split", clip(body["split"].replace("_", " "), 24), _folds_told(len(body["folds"]))),
        ]
    )


def _folds_told(count: int) -> str:
    return "one fold" if count == 1 else f"{count} folds, the last is shown"


def _said(claim: str) -> str:
    """A finding's claim as a sentence."""
    return f"{claim[:1].upper()}{claim[1:]}."


def _parts(body: Mapping[str, Any]) -> Table:
    rows = [
        (
            Cell(part["part"]),
            Cell(show(part["samples"], "count")),
            Cell(show(part["moments"], "count")),
            Cell(part["start"][:10]),
            Cell(part["end"][:10]),
        )
        for part in body["parts"]
    ]
    return Table(("Part", "samples", "moments", "from", "to"), rows, even=True)


def _labels(body: Mapping[str, Any], findings: Mapping[str, Finding]) -> Section | None:
    if not body["shares"]:
        return None
    rows = [
        (
            Cell(f"{row['part']}, class {row['class']}"),
            Cell(show(row["count"], "count")),
            Cell(show(row["share"], "percent")),
            Cell(f"{show(row['low'], 'percent')} to {show(row['high'], 'percent')}"),
        )
        for row in body["shares"]
    ]
    caption = "95% interval by Clopper and Pearson, as if samples were independent; labels that overlap vary more."
    table = Table(("Part and class", "samples", "share", "interval"), rows, caption=caption, even=True)
    return Section("Labels", _said(findings["labels"].claim), (Grid([table, _by_month(body, findings)]),))


def _by_month(body: Mapping[str, Any], findings: Mapping[str, Finding]) -> Figure:
    months = body["months"]
    traces = []
    for part, color in (("train", "@gross"), ("validation", "@net"), ("test", "@hold")):
        rows = [row for row in months if row["part"] == part]
        share = np.array([row["share"] for row in rows])
        error = 1.96 * np.sqrt(share * (1 - share) / np.array([row["samples"] for row in rows]))
        when = np.array([time_ms(f"{row['month']}-01") for row in rows], np.int64)
        traces += [points(when, share, name=part, color=color, spread=error, size=6)] if rows else []
    level = _overall(body["shares"])
    line = {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": level, "y1": level}
    drawn = plot(
        traces,
        x={"type": "date", "nticks": 6},
        y={"title": "share of the upper class", "tickformat": ".0%"},
        shapes=[line | {"line": {"color": "@muted", "width": 1, "dash": "dot"}}],
        hovermode="closest",
    )
    low, high = (pick(months, key=lambda row: row["share"]) for pick in (min, max))
    words = (
        f"From {show(low['share'], 'percent')} in {low['month']} to {show(high['share'], 'percent')} in "
        f"{high['month']}; {show(level, 'percent')} of training, the dotted line."
    )
    caption = f"By month, with 95% as if samples were independent. {_said(findings['label_drift'].claim)}"
    return Figure("Labels over time", drawn, caption, words, height=260)


def _overall(shares: Sequence[Mapping[str, Any]]) -> float:
    """Share of the last class in training."""
    return [row["share"] for row in shares if row["part"] == "train"][-1]


def _gallery(body: Mapping[str, Any]) -> Section | None:
    tiles = body["gallery"]
    if not tiles:
        return None
    lead = (
        "Training samples as the model meets them. Blue line: closes of the window, in percent of the decision's "
        "close; behind the dashed line: what decided the label, which no model sees. Below: one row a feature, in the "
        "order of the chapter Features, blue above and red below its median, dark from three robust deviations."
    )
    blocks: list[Block] = []
    for value in dict.fromkeys(tile["class"] for tile in tiles):
        for kind, (head, said) in KINDS.items():
            here = [tile for tile in tiles if (tile["class"], tile["kind"]) == (value, kind)]
            if here:
                blocks.append(Tiles([_sample(tile) for tile in here], f"Class {value}: {head.lower()}", said, "small"))
    return Section("Gallery", lead, blocks)


def _sample(tile: Mapping[str, Any]) -> Tile:
    outcome = show(tile["outcome_bps"], "bps")
    far = f"; {clip(tile['column'], 40)} at {show(tile['z'], 'tenth')}" if tile["kind"] == "outlier" else ""
    title = f"{clip(tile['source'], 16)} {tile['time']}"
    return Tile(title, window(tile, f"{title}, class {tile['class']}"), f"outcome {outcome}{far}")


def _features(body: Mapping[str, Any], findings: Mapping[str, Finding]) -> Section:
    shapes = {row["name"]: row for row in findings["distributions"].evidence["columns"]}
    tiles = []
    for number, row in enumerate(body["features"], 1):
        shape = shapes[row["name"]]
        alone = f"alone AUC {show(row['auc'], 'score')}; " if row["auc"] is not None else ""
        note = (
            f"{alone}median {show(shape['quantiles']['0.5'])}, skew {show(shape['skew'], 'tenth')}, "
            f"{show(max(shape['at_low'], shape['at_high']), 'percent')} at an end"
        )
        drawn = overlay(row["edges"], row["classes"], f"{row['name']} by class")
        tiles.append(Tile(f"{number} {clip(row['name'], 40)}", drawn, note))
    told = [row for row in body["features"] if row["auc"] is not None]
    best = max(told, key=lambda row: abs(row["auc"] - 0.5), default=None)
    lead = "Each feature's training samples by class; the outermost half percent lies in the end bins."
    if best is not None:
        lead += (
            f" {clip(best['name'], 40)} alone tells the class best, AUC {show(best['auc'], 'score')} "
            "(0.5 is coin flipping)."
        )
    return Section("Features", lead, (Tiles(tiles, size="medium"),))


def _correlations(body: Mapping[str, Any], findings: Mapping[str, Finding]) -> Section:
    names, matrix = [row["name"] for row in body["features"]], body["correlation"]
    pairs = findings["correlations"].evidence.get("pairs", [])[:MOST_PAIRS]
    rows = [(Cell(f"{row['one']}, {row['other']}"), Cell(show(row["correlation"], "ratio"))) for row in pairs]
    note = "Blue: together; red: against each other. The numbers on the diagonal count the rows and name the columns."
    picture = Tile(
        "Correlation of features, training samples", heat_map(names, matrix, "correlation of features"), note
    )
    table = Table(("Closest pairs", "correlation"), rows, even=True)
    return Section(
        "Correlations", _said(findings["correlations"].claim), (Grid([Tiles([picture], size="wide"), table]),)
    )


def _outliers(findings: Mapping[str, Finding]) -> Section:
    finding = findings["outliers"]
    rows = [
        (
            Cell(clip(row["source"], 24)),
            Cell(row["time"]),
            Cell(clip(row["column"], 40)),
            Cell(show(row["value"])),
            Cell(show(row["z"], "tenth")),
        )
        for row in finding.evidence["worst"][:MOST_ROWS]
    ]
    caption = "The farthest samples, one row each; robust deviations are 1.4826 median absolute deviations."
    table = Table(
        ("Symbol", "decided at the close", "feature", "value", "robust deviations"), rows, caption=caption, even=True
    )
    blocks: list[Block] = [table] if rows else []
    columns = finding.evidence["columns"]
    if columns:
        cells = [
            (Cell(row["name"]), Cell(show(row["far"], "count")), Cell(show(row["share_of_variance"], "percent")))
            for row in columns[:MOST_ROWS]
        ]
        caption = (
            "How much of a feature's variance its most extreme 0.1% of samples hold; from 50% on they set its scale."
        )
        blocks.append(Table(("Feature", "beyond 10", "share of variance"), cells, caption=caption, even=True))
    return Section("Outliers", _said(finding.claim), blocks)


def _drift(body: Mapping[str, Any], findings: Mapping[str, Finding]) -> Section:
    finding = findings["drift"]
    tiles = [
        Tile(
            clip(row["name"], 40),
            overlay(row["edges"], row["parts"], f"{row['name']} by part"),
            f"{show(row['distance'], 'percent')} of {row['part']} lies elsewhere, {_chance(row)}",
        )
        for row in body["movers"]
    ]
    folds = [
        (
            Cell(f"{row['fold']}: {row['start'][:10]} to {row['end'][:10]}"),
            Cell(show(row["validation"], "count")),
            Cell(show(row["share"], "percent")),
            Cell(clip(row["moved"][0]["name"], 40) if row["moved"] else "too few samples"),
            Cell(show(row["moved"][0]["distance"] if row["moved"] else None, "percent")),
            Cell(_chance(row["moved"][0]) if row["moved"] else ""),
        )
        for row in body["folds"]
    ]
    heads = ("Fold: validation", "samples", "upper class", "moves most", "lies elsewhere", "by chance")
    caption = (
        "Training against validation of each fold. The share that lies elsewhere is Kolmogorov and Smirnov's distance "
        "at the deciles; p allows for dependence and for all features."
    )
    return Section(
        "Drift",
        _said(finding.claim),
        (Tiles(tiles, "The features that move most", size="medium"), Table(heads, folds, caption=caption, even=True)),
    )


def _chance(row: Mapping[str, Any]) -> str:
    """How likely such a distance is without drift, where that can be said."""
    return "too slow to be judged" if row["worth"] < LEAST_WORTH else f"p {chance_words(row['p'])}"


def _copies(findings: Mapping[str, Finding]) -> Section:
    finding = findings["duplicates"]
    rows = [
        (
            Cell(f"{row['source']}, {row['part']}"),
            Cell(str(row["when"])),
            Cell(f"{row['train_source']}, {row['train_when']}"),
        )
        for row in finding.evidence.get("examples", [])
    ]
    table = [Table(("Held out", "at", "equal to training's"), rows, numeric=False)] if rows else []
    return Section("Duplicates", _said(finding.claim), table)
