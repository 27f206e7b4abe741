"""A campaign as a page: each config over its seeds, its difference to the first, and what the seeds alone explain."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgeproof.report.chart import line, plot, points
from edgeproof.report.number import DASH, chance_words, clip, is_number, show
from edgeproof.report.page import render
from edgeproof.report.part import Banner, Block, Cell, Figure, Section, Stat, Table, Text
from edgeproof.report.together import COLOURS, differences_figure

__all__ = ["campaign_page"]

LEVEL = 0.05
SPANS = {"paths": "out of sample", "validation": "validation"}


def campaign_page(body: Mapping[str, Any], *, market: str) -> str:
    """The page of `campaign.json`.

    Args:
        body: the content of `campaign.json`.
        market: name of the market.
    """
    rows = body["configs"]
    title = f"{len(rows)} configs on {clip(market, 60)}"
    sections = [
        Section("Answer", "Which config is ahead, and whether luck explains it.", _answer(body)),
        Section("Differences", "What each earned beyond the first, bar by bar.", _differences(body)),
        Section("Configs", "Each over its seeds: mean, and spread where only the seed differs.", _table(rows)),
    ]
    seeds = f"{len(body['seeds'])} seeds each"
    subtitle = f"{seeds} · {body['bars']:,} shared bars, {SPANS[body['span']]} · {body['trials']:,} trials counted"
    return render(title, sections, subtitle=subtitle, footer="The same as data: campaign.json, beside this page.")


def _answer(body: Mapping[str, Any]) -> list[Block]:
    rows = body["configs"]
    first = clip(rows[0]["name"], 40)
    told = [row for row in rows[1:] if is_number(p := row["difference"]["net"]["p_holm"]) and p < LEVEL]
    ahead = [row for row in told if row["difference"]["net"]["mean"] > 0.0]
    if ahead:
        title = f"{clip(max(ahead, key=lambda row: row['difference']['net']['mean'])['name'], 40)} is ahead of {first}"
    else:
        title = f"{first} is ahead" if told and len(told) == len(rows) - 1 else f"None is ahead of {first}"
    many = len(rows) - 1
    counted = (
        f"{len(told)} of {many} {'are' if len(told) != 1 else 'is'} told apart from {first}"
        if many > 1
        else (f"{clip(rows[1]['name'], 40)} and {first} are {'' if told else 'not '}told apart")
    )
    sentence = f"{counted}, by the net return of single bars at 5% (Holm's rule)."
    if is_number(body["superior"]):
        p = chance_words(body["superior"])
        sentence += f" That any of them earns more has p {p} (superior predictive ability, one-sided)."
    stats = [Stat(clip(row["name"], 40), show(row["sharpe"], "ratio"), _spread(row)) for row in rows[:6]]
    notes: list[Block] = [Banner("neutral", title, sentence, stats)]
    if body["span"] == "validation":
        notes.append(
            Text(
                "These are validation bars, on which every run chose its epoch and its threshold. They compare, they "
                "prove no edge: each run's verdict does, and knows of the trials before it.",
                "note",
            )
        )
    return [*notes, _equity(body)]


def _spread(row: Mapping[str, Any]) -> str:
    by_seed = [show(value, "ratio") for value in row["sharpe_by_seed"]]
    return f"net Sharpe of the seeds' mean; each: {', '.join(by_seed)}"


def _equity(body: Mapping[str, Any]) -> Figure:
    traces, said = [], []
    for (name, curve), color in zip(body["curves"].items(), COLOURS * 4, strict=False):
        share = [100 * k / max(1, len(curve) - 1) for k in range(len(curve))]
        traces.append(line(share, curve, name=clip(name, 40), color=color, width=1.8))
        said.append(f"{clip(name, 40)} {show(curve[-1] - 1, 'percent')}")
    drawn = plot(traces, x={"title": "share of the span, %"}, y={"title": "equity, start 1", "tickformat": ",.3~f"})
    caption = "Net of every cost, the mean over a config's seeds, compounded, on the bars that all of them share."
    return Figure("Equity", drawn, caption, f"{'; '.join(said)}.", height=340)


def _differences(body: Mapping[str, Any]) -> list[Block]:
    rows, year = body["configs"], body["annualisation"]
    against = rows[0]["name"]
    known = []
    for row in rows[1:]:
        net = row["difference"]["net"]
        ends = {f"annual_{key}": None if net[key] is None else net[key] * year for key in ("mean", "low", "high")}
        known.append({"run": row["name"], "against": against, **net, **ends})
    cells = [[Cell(clip(row["name"], 60)), *_difference_cells(row["difference"])] for row in rows[1:]]
    heads = ("Config", "net, bps a bar", "95% interval", "p", "log loss gained", "95% interval", "p")
    caption = (
        f"Mean of config minus {clip(against, 40)} bar by bar; p is corrected for the number of configs by Holm's rule."
    )
    drawn = differences_figure(known)
    return [*([drawn] if drawn else []), Table(heads, cells, caption)]


def _difference_cells(difference: Mapping[str, Any]) -> list[Cell]:
    found = []
    for key, scale, form in (("net", 1e4, "{:+.3f}"), ("log_loss", 1.0, "{:+.5f}")):
        one = difference[key]
        if one["mean"] is None:
            found += [Cell(DASH, "an agent gives no probabilities to score"), Cell(DASH), Cell(DASH)]
            continue
        if one["low"] is None:
            found += [
                Cell(form.format(scale * one["mean"])),
                Cell(DASH, "equal on every bar, or too few bars"),
                Cell(DASH),
            ]
            continue
        ends = [form.format(scale * one[end]) for end in ("low", "high")]
        found += [
            Cell(form.format(scale * one["mean"])),
            Cell(f"{ends[0]} to {ends[1]}"),
            Cell(show(one["p_holm"], "chance")),
        ]
    return found


def _table(rows: Sequence[Mapping[str, Any]]) -> list[Block]:
    heads = (
        "Config",
        "model",
        "epochs",
        "log loss",
        "sd of seeds",
        "AUC",
        "net Sharpe, mean",
        "sd of seeds",
        "training",
    )
    cells = [
        [
            Cell(clip(row["name"], 60)),
            Cell(row["model"]),
            Cell(show(row["epochs"], "count")),
            Cell(show(row["log_loss"], "loss")),
            Cell(show(row["log_loss_sd"], "loss")),
            Cell(show(row["auc"], "score")),
            Cell(show(sum(row["sharpe_by_seed"]) / len(row["sharpe_by_seed"]), "ratio")),
            Cell(show(row["sharpe_sd"], "ratio")),
            Cell(show(row["seconds"], "seconds")),
        ]
        for row in rows
    ]
    caption = "Log loss and AUC at the kept epoch, on validation; training is the mean of a run's seconds."
    return [Table(heads, cells, caption), _seeds(rows)]


def _seeds(rows: Sequence[Mapping[str, Any]]) -> Figure:
    names = [clip(row["name"], 28) for row in rows for _ in row["sharpe_by_seed"]]
    values = [value for row in rows for value in row["sharpe_by_seed"]]
    dots = points(values, [0.0] * len(values), name="seeds", color="@net", size=9) | {"y": names, "showlegend": False}
    drawn = plot(
        [dots],
        x={"title": "net Sharpe of one seed", "showgrid": True},
        y={"type": "category", "autorange": "reversed", "showgrid": False},
        hovermode="closest",
    )
    spreads = [row["sharpe_sd"] for row in rows if is_number(row["sharpe_sd"])]
    said = f"Seeds of one config differ by {show(max(spreads), 'ratio')} (sd) at most." if spreads else ""
    return Figure(
        "Every seed", drawn, "One dot a run; only the seed differs within a row.", said, height=110 + 44 * len(rows)
    )
