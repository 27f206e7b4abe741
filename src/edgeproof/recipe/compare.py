"""Several runs on the bars that all of them traded: figures, paired differences to the first, and what was set apart.

The difference of two runs is taken bar by bar, so that the market's own movement cancels out. It says nothing about
whether either has an edge: that is the verdict's question.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from edgeproof.core.clock import iso
from edgeproof.core.errors import DataError
from edgeproof.core.files import write_json, write_text
from edgeproof.core.rng import Rng
from edgeproof.evaluate.difference import paired_difference
from edgeproof.recipe.folder import RunFolder
from edgeproof.recipe.series import shared_losses, shared_returns
from edgeproof.report.comparison import comparison_page
from edgeproof.report.run import RunData
from edgeproof.report.settings import settings_of
from edgeproof.stats.multiple import holm
from edgeproof.stats.performance import performance
from edgeproof.verdict.ready import json_ready

__all__ = ["MOST_RUNS", "Comparison", "compare"]

MOST_RUNS = 8  # colours that can be told apart
SPANS = ("validation", "sealed")
FIGURES = ("total_return", "annual_return", "sharpe", "volatility", "max_drawdown", "profit_factor", "consistency")


@dataclass(frozen=True)
class Comparison:
    """A finished comparison: its folder and the content of comparison.json."""

    folder: Path
    body: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """What `compare --json` prints."""
        return self.body

    def report(self) -> Path:
        """The page."""
        return self.folder / "report.html"


def compare(runs: Sequence[Path | str], *, out: Path | str = "comparison") -> Comparison:
    """Compare finished runs of one market, each with the first.

    Args:
        runs: two to eight folders of finished runs.
        out: folder of report.html and comparison.json; an earlier comparison there is replaced.

    Raises:
        DataError: too few or too many runs, one that is unfinished or no run, different markets, no bar in common, or
            `out` holds something else.
    """
    folders = _folders(runs)
    place = _place(Path(out))
    names = _names([folder.path for folder in folders])
    data = [folder.data(name) for folder, name in zip(folders, names, strict=True)]
    body = json_ready(_comparison_body(data, [str(folder.path) for folder in folders]))
    write_text(place / "report.html", comparison_page(data, body))
    write_json(place / "comparison.json", body)
    return Comparison(place, body)


def _folders(runs: Sequence[Path | str]) -> list[RunFolder]:
    folders = [RunFolder(Path(run)) for run in runs]
    if not 2 <= len(folders) <= MOST_RUNS:
        raise DataError(f"{len(folders)} runs given: a comparison takes two to {MOST_RUNS}; name further runs or fewer")
    places = [folder.path.resolve() for folder in folders]
    twice = next((folder.path for folder, place in zip(folders, places, strict=True) if places.count(place) > 1), None)
    if twice is not None:
        raise DataError(f"{twice}: named twice; a run equals itself, name another one")
    markets = [(folder, _market(folder)) for folder in folders]
    for folder, market in markets[1:]:
        if market != markets[0][1]:
            raise DataError(f"{folder.path}: its market is not that of {folders[0].path}; compare runs of one market")
    return folders


def _market(folder: RunFolder) -> str:
    state = folder.state()
    if not (folder.path / "verdict.json").is_file():
        raise DataError(f"{folder.path}: the run is not finished; run `edgeproof run` again to resume it")
    return str(state["identity"].get("market"))


def _place(out: Path) -> Path:
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / "comparison.json").is_file())):
        raise DataError(f"{out}: already there and not a comparison; choose another --out")
    return out


def _names(paths: Sequence[Path]) -> list[str]:
    """The last parts of each path that tell the runs apart."""
    parts = [path.resolve().parts for path in paths]
    for depth in range(1, max(map(len, parts))):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def _track(data: RunData, span: str) -> pl.DataFrame:
    return data.track.filter(pl.col("span") == span)


def _shared(data: Sequence[RunData], span: str) -> pl.DataFrame:
    return shared_returns([_track(run, span) for run in data])


def _forecast_difference(first: RunData, other: RunData, span: str, rng: Rng) -> dict[str, Any] | None:
    """Difference of log losses, bar by bar, on forecasts that both made of the same label; None where none is."""
    bars, forecasts = shared_losses([first.predictions, other.predictions], span)
    if not forecasts:
        return None
    found = paired_difference(bars["1"].to_numpy(), bars["0"].to_numpy(), rng.numpy())
    return found.to_json() | {"forecasts": forecasts}


def _span_body(data: Sequence[RunData], span: str, year: float) -> dict[str, Any] | None:
    shared, own = _shared(data, span), [_track(run, span)["close_time"].n_unique() for run in data]
    if not len(shared):
        return None
    returns = [shared[str(number)].to_numpy() for number in range(len(data))]
    figures = [performance(values, bars_per_year=year) for values in returns]
    times = shared["close_time"].dt.epoch("ns").to_numpy()
    rng = Rng(0).child("compare", span)
    differences = []
    for number in range(1, len(data)):
        found = paired_difference(returns[number], returns[0], rng.child("returns", number).numpy()).to_json()
        ends = {f"annual_{key}": None if found[key] is None else found[key] * year for key in ("mean", "low", "high")}
        loss = _forecast_difference(data[0], data[number], span, rng.child("losses", number))
        differences.append({"run": data[number].title, "against": data[0].title, **found, **ends, "log_loss": loss})
    for row, p in zip(differences, holm([row["p"] for row in differences]), strict=True):
        row["p_holm"] = p
    return {
        "bars": len(shared),
        "start": iso(int(times[0])),
        "end": iso(int(times[-1])),
        "left_out": {run.title: int(count - len(shared)) for run, count in zip(data, own, strict=True)},
        "figures": [{name: figure.get(name) for name in FIGURES} for figure in figures],
        "differences": differences,
    }


def _settings(data: Sequence[RunData]) -> list[dict[str, Any]]:
    """Every key of the configs whose value is not the same in all runs."""
    flat = [_flat(settings_of(run.config_yaml)) for run in data]
    keys = dict.fromkeys(key for body in flat for key in body if key != "market")
    rows = [{"key": key, "values": [body.get(key) for body in flat]} for key in keys]
    return [row for row in rows if any(value != row["values"][0] for value in row["values"])]


def _flat(body: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in body.items():
        found |= _flat(value, f"{above}{key}.") if isinstance(value, Mapping) else {f"{above}{key}": value}
    return found


def _stranger(data: Sequence[RunData], paths: Sequence[str]) -> str:
    """The first run whose bars have nothing left in common with those before it."""
    together = (any(len(_shared(data[:count], span)) for span in SPANS) for count in range(2, len(data) + 1))
    return next(path for path, any_left in zip(paths[1:], together, strict=True) if not any_left)


def _comparison_body(data: Sequence[RunData], paths: Sequence[str]) -> dict[str, Any]:
    """The content of comparison.json.

    Raises:
        DataError: the runs share no bar that they traded.
    """
    year = float(data[0].verdict["annualisation"])
    spans = {span: body for span in SPANS if (body := _span_body(data, span, year)) is not None}
    if not spans:
        raise DataError(f"{_stranger(data, paths)}: traded no bar that {paths[0]} and the others did; leave it out")
    rows = [
        {"name": run.title, "path": path, "verdict": run.verdict["verdict"], "span": run.verdict["span"]}
        | {key: run.verdict.get(key) for key in ("trials", "openings", "seconds")}
        for run, path in zip(data, paths, strict=True)
    ]
    return {"runs": rows, "annualisation": year, "spans": spans, "settings": _settings(data)}
