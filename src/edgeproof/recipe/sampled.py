"""A market's samples: plain arrays for the checks of sample quality, plain data for the page that shows them."""

# S symbols, T bars, N samples, F features

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from edgeproof.core.clock import iso
from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.gates.samples import check_samples
from edgeproof.gates.samples_drift import drift_between
from edgeproof.gates.samples_labels import label_shares
from edgeproof.gates.samples_table import PARTS, SampleTable, some_moments
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.gallery import gallery
from edgeproof.recipe.learn import proven_folds
from edgeproof.recipe.prepare import Prepared
from edgeproof.samples.split.fold import Fold
from edgeproof.stats.classify import auc

__all__ = ["sample_table", "samples_body"]

BINS = 24
TAIL = 0.005  # of training samples at each side that the first and the last bin hold
MOST = 24_000  # samples, about, that distributions are drawn from
MOST_MOVERS = 6
DIGITS = 4


def sample_table(config: RunConfig, prepared: Prepared, fold: Fold) -> SampleTable:
    """The samples of a fold as the model will be shown them, features not yet scaled.

    Args:
        config: the run's config.
        prepared: the open span.
        fold: one of `learn.proven_folds`; what it purged is left out.
    """
    bars, parts = prepared.table.ready.shape[1], (fold.train, fold.validation, fold.test)
    index = np.concatenate(parts)
    part = np.repeat(np.arange(len(PARTS), dtype=np.int8), [len(each) for each in parts])
    order = np.lexsort((index // bars, index % bars))
    index, part = index[order], part[order]
    return SampleTable(
        rows=prepared.table.x.reshape(-1, prepared.table.x.shape[2]),
        ends=index,
        y=prepared.labels.y.reshape(-1)[index],
        part=part,
        time=prepared.panel.close_time[index % bars],
        names=prepared.table.names,
        window=config.window,
        source=index // bars,
        sources=prepared.panel.symbols,
    )


def samples_body(config: RunConfig, prepared: Prepared) -> dict[str, Any]:
    """What a config makes of the open bars, as plain data: parts, labels, features, drift, copies, and a gallery.

    The parts are those of the last fold; `folds` tells how far features move in each of them.

    Raises:
        SplitError: the span is too short for the split.
    """
    folds = proven_folds(config, prepared)
    table, rng = sample_table(config, prepared, folds[-1]), Rng(config.seed).child("gates")
    findings = check_samples(table, rng)
    some = some_moments(table, MOST, rng.child("drawn").numpy())
    return {
        "window": config.window,
        "split": config.split.model_dump()["name"],
        "label": config.label.model_dump()["name"],
        "parts": _parts(table),
        "purged": folds[-1].purged + folds[-1].embargoed,
        "folds": _folds(config, prepared, folds),
        "shares": label_shares(table),
        "months": _months(table),
        "features": _features(some),
        "correlation": _correlation(some),
        "movers": _movers(some, findings),
        "gallery": gallery(table, prepared) if len(table.classes) else [],
        "findings": [finding.to_json() for finding in findings],
    }


def _parts(table: SampleTable) -> list[dict[str, Any]]:
    found = []
    for name in PARTS:
        inside = table.inside(name)
        if inside.any():
            time = table.time[inside]
            found.append(
                {"part": name, "samples": int(inside.sum()), "moments": len(np.unique(time))}
                | {"symbols": len(np.unique(table.source[inside]))}
                | {"start": iso(int(time.min())), "end": iso(int(time.max()))}
            )
    return found


def _folds(config: RunConfig, prepared: Prepared, folds: Sequence[Fold]) -> list[dict[str, Any]]:
    """How far the features of each fold's validation samples lie from those of its training samples."""
    rows = []
    for fold in folds:
        whole = sample_table(config, prepared, fold)
        table = some_moments(whole, MOST, Rng(config.seed).child("folds", fold.number).numpy())
        moved = drift_between(table, table.inside("train"), table.inside("validation"))
        time = whole.time[whole.inside("validation")]
        rows.append(
            {"fold": fold.number + 1, "train": len(fold.train), "validation": len(fold.validation)}
            | {"start": iso(int(time.min())), "end": iso(int(time.max()))}
            | {"share": float(whole.y[whole.inside("validation")].mean())}
            | {"moved": [asdict(each) for each in moved[:3]]}
        )
    return rows


def _months(table: SampleTable) -> list[dict[str, Any]]:
    """Share of each class by month, the smallest class left out where there are two."""
    month = table.time.astype("datetime64[ns]").astype("datetime64[M]")
    of, place = np.unique(month, return_inverse=True)
    place = place.reshape(-1)
    count = np.bincount(place)
    top = np.bincount(place, table.y == table.classes.max()) if len(table.classes) else np.bincount(place, table.y)
    part = np.array([np.bincount(table.part[place == number]).argmax() for number in range(len(of))])
    return [
        {"month": str(of[n]), "samples": int(count[n]), "share": float(top[n] / count[n]), "part": PARTS[part[n]]}
        for n in range(len(of))
    ]


def _features(table: SampleTable) -> list[dict[str, Any]]:
    """One row a feature: its distribution in training by class, and how well it alone tells the class there."""
    train = table.take(table.inside("train"))
    rows = []
    for number, name in enumerate(table.names):
        column = train.last[:, number].astype(np.float64)
        edges = _edges(column)
        by = {f"{value:g}": _share(column[train.y == value], edges) for value in train.classes[:4]}
        rows.append(
            {"name": name, "edges": [_short(edge) for edge in edges], "classes": by or {"all": _share(column, edges)}}
            | {"auc": auc(column, train.y == train.classes.max()) if len(train.classes) == 2 else None}
        )
    return rows


def _edges(column: np.ndarray) -> np.ndarray:
    low, high = np.quantile(column, [TAIL, 1 - TAIL])
    low, high = (low, high) if high > low else (low - 0.5, low + 0.5)
    return np.linspace(low, high, BINS + 1)


def _share(column: np.ndarray, edges: np.ndarray) -> list[float]:
    counts, _ = np.histogram(np.clip(column, edges[0], edges[-1]), edges)
    return [_short(share) for share in counts / max(1, len(column))]


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _correlation(table: SampleTable) -> list[list[float]]:
    """f[F][F] of training; 0 where a column is constant."""
    x = table.last[table.inside("train")].astype(np.float64)
    spread = x.std(axis=0)
    z = (x - x.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    return np.round(z.T @ z / max(1, len(z)), 2).tolist()


def _movers(table: SampleTable, findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The features that move most after training, with their distribution in each part."""
    rows = next(each for each in findings if each.check == "samples.drift").evidence.get("columns", [])
    names = list(dict.fromkeys(row["name"] for row in rows))[:MOST_MOVERS]
    movers = []
    for name in names:
        column = table.last[:, table.names.index(name)].astype(np.float64)
        edges = _edges(column[table.inside("train")])
        parts = {part: _share(column[table.inside(part)], edges) for part in PARTS if table.inside(part).any()}
        row = next(row for row in rows if row["name"] == name)
        movers.append(
            {"name": name, "edges": [_short(edge) for edge in edges], "parts": parts}
            | {key: row[key] for key in ("distance", "p", "worth", "part")}
        )
    return movers
