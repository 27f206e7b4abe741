"""What a market's open bars are like, and the samples that a config makes of them; the sealed ones are not shown.

No figure, finding or picture here comes from a sealed bar; what the import said of the file is kept as it said it.
Looking at bars is a use of them: in a workspace that does not know the market yet, the first look fixes the seal.
"""

# S symbols, T bars

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.core.clock import HOUR_NS, interval_text, iso
from edgeproof.core.errors import DataError
from edgeproof.core.finding import LEVELS
from edgeproof.data.panel import Panel, build_panel
from edgeproof.data.store import Market, open_market
from edgeproof.ledger.span import Span
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.workspace import find_workspace
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.defects import bar_findings, defects, gap_calendar, longest_gaps
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.sampled import samples_body
from edgeproof.report.chart import thin
from edgeproof.simulator.costs import CostsConfig
from edgeproof.stats.dependence import autocorrelation
from edgeproof.verdict.ready import json_ready

__all__ = ["survey"]

BINS = 80
MOST_RUNS = 400  # stretches of coverage kept for a symbol: more cannot be told apart on a page
TAIL = 0.002  # share of returns at each side that the last bins hold
INDEX_POINTS = 900
CLOSE, VOLUME = 3, 4


@dataclass(frozen=True)
class _Returns:
    """Log returns f64[S, T] from close to close of neighbouring bars, and where both bars are there."""

    value: np.ndarray
    known: np.ndarray


def survey(
    market: Market | Path | str,
    *,
    config: Path | str | Mapping[str, Any] | RunConfig | None = None,
    workspace: Path | str | None = None,
) -> dict[str, Any]:
    """Describe a market's open bars as plain data, thinned for a page.

    Args:
        market: a market or its folder.
        config: of a run: its samples are described too, under `samples`; default: bars alone.
        workspace: folder whose ledger holds the market's seal; default: see `ledger.workspace`.

    Raises:
        EdgeproofError: no market there, no bar is open, or the config makes no samples of them.
    """
    opened = market if isinstance(market, Market) else open_market(Path(market))
    settings = RunConfig(costs=CostsConfig.free()) if config is None else load_run_config(config)
    ledger = Ledger(find_workspace(None if workspace is None else Path(workspace), opened.path))
    span = open_bars(settings, opened, ledger)
    panel = build_panel(opened, span, settings.quality)
    if not panel.present.any():
        raise DataError(f"{opened.path}: no usable bar before its seal; `edgeproof market check` names the reasons")
    body = _bars(settings, opened, span, panel)
    if config is not None:
        body["samples"] = samples_body(settings, prepare(settings, opened, span, cache=ledger.folder / "cache"))
    return json_ready(body)


def _bars(config: RunConfig, market: Market, span: Span, panel: Panel) -> dict[str, Any]:
    """Everything on bars: what is there, how it moved, what is wrong with it and where."""
    returns, year = _returns(panel), market.bars_per_year
    series = [bars for bars in (market.bars(symbol, span) for symbol in panel.symbols) if len(bars)]
    findings = bar_findings(market, series, panel.open_time, universe=config.universe or market.manifest.universe)
    return {
        "market": _market(market),
        "open": _open(panel, market),
        "symbols": [_symbol(panel, returns, row, year) for row in range(len(panel.symbols))],
        "coverage": {name: _runs(panel, row) for row, name in enumerate(panel.symbols)},
        "index": _index(panel, returns),
        "histogram": _histogram(returns),
        "by_hour": _by_hour(panel, returns) if panel.interval_ns <= HOUR_NS else [],
        "counts": {level: sum(finding.level == level for finding in findings) for level in LEVELS},
        "findings": [finding.to_json() for finding in findings],
        "calendar": gap_calendar(series, panel.open_time, panel.interval_ns),
        "gaps": longest_gaps(findings),
        "defects": defects(findings, series, config.quality),
    }


def _market(market: Market) -> dict[str, Any]:
    manifest = market.manifest
    return {
        "hash": manifest.hash,
        "kind": manifest.kind,
        "universe": manifest.universe,
        "symbols": list(market.symbols),
        "bars": sum(entry.bars for entry in manifest.symbols),
        "start": iso(market.start_ns),
        "end": iso(market.end_ns),
        "interval": interval_text(manifest.interval_ns),
        "calendar": manifest.calendar,
        "source": manifest.source,
    }


def _open(panel: Panel, market: Market) -> dict[str, Any]:
    start, end = int(panel.open_time[0]), int(panel.close_time[-1])
    return {
        "start": iso(start),
        "end": iso(end),
        "slots": len(panel.close_time),
        "bars": int(panel.present.sum()),
        "share": (end - start) / max(1, market.end_ns - start),
    }


def _returns(panel: Panel) -> _Returns:
    close, there = panel.prices[:, :, CLOSE], panel.present & (panel.prices[:, :, CLOSE] > 0)
    known = np.zeros_like(there)
    known[:, 1:] = there[:, 1:] & there[:, :-1]
    level = np.log(np.where(there, close, 1.0))
    value = np.zeros_like(level)
    value[:, 1:] = np.where(known[:, 1:], np.diff(level, axis=1), 0.0)
    return _Returns(value, known)


def _symbol(panel: Panel, returns: _Returns, row: int, bars_per_year: float) -> dict[str, Any]:
    """One symbol's figures; those of returns are None below three of them."""
    there = np.flatnonzero(panel.present[row])
    body: dict[str, Any] = {"symbol": panel.symbols[row], "bars": len(there)}
    if not len(there):
        return body
    first, last = int(there[0]), int(there[-1])
    moved, volume = returns.value[row, returns.known[row]], panel.prices[row, there, VOLUME]
    body |= {
        "first": iso(int(panel.open_time[first])),
        "last": iso(int(panel.close_time[last])),
        "missing": 1 - len(there) / (last - first + 1),
        "no_volume": float((volume <= 0).mean()),
        "change": float(panel.prices[row, last, CLOSE] / panel.prices[row, first, CLOSE]) - 1,
    }
    return body | (_moments(moved, bars_per_year) if len(moved) > 2 else {})


def _moments(moved: np.ndarray, bars_per_year: float) -> dict[str, Any]:
    spread, lag = float(moved.std(ddof=1)), autocorrelation(moved, 1)
    scaled = (moved - moved.mean()) / spread if spread > 0 else np.zeros_like(moved)
    return {
        "volatility": spread * float(np.sqrt(bars_per_year)),
        "worst": float(np.expm1(moved.min())),
        "best": float(np.expm1(moved.max())),
        "skew": float((scaled**3).mean()),
        "kurtosis": float((scaled**4).mean()) - 3 if spread > 0 else None,
        "lag_one": None if lag is None else float(lag[0]),
        "unchanged": float((moved == 0).mean()),
    }


def _runs(panel: Panel, row: int) -> list[list[int]]:
    """Stretches of present bars, [first open, last close] in ms; holes shorter than a page can show are closed."""
    edge = np.flatnonzero(np.diff(np.r_[False, panel.present[row], False].astype(np.int8)))
    start, stop = edge[::2], edge[1::2] - 1
    hole = max(1, len(panel.open_time) // MOST_RUNS)
    apart = np.r_[True, start[1:] - stop[:-1] > hole]
    begin, end = start[apart[: len(start)]], stop[np.r_[apart[1:], True][: len(stop)]]
    ms = 1_000_000
    return [[int(panel.open_time[a]) // ms, int(panel.close_time[b]) // ms] for a, b in zip(begin, end, strict=True)]


def _index(panel: Panel, returns: _Returns) -> dict[str, list[float]]:
    """Equal-weight market from 1: the mean simple return of the symbols that have one, compounded."""
    count = returns.known.sum(axis=0)
    mean = np.divide(
        (np.expm1(returns.value) * returns.known).sum(axis=0), count, where=count > 0, out=np.zeros(len(count))
    )
    when, level = thin(panel.close_time // 1_000_000, np.cumprod(1 + mean), INDEX_POINTS)
    return {"time_ms": when.tolist(), "level": [float(f"{value:.6g}") for value in level]}


def _histogram(returns: _Returns) -> dict[str, Any]:
    moved = returns.value[returns.known] * 1e4
    if len(moved) < 10 or not np.ptp(moved):
        return {}
    low, high = np.quantile(moved, [TAIL, 1 - TAIL])
    ends = (float(low), float(high)) if high > low else (float(moved.min()), float(moved.max()))
    counts, edges = np.histogram(np.clip(moved, *ends), bins=BINS, range=ends)
    return {
        "edges_bps": edges.tolist(),
        "counts": counts.tolist(),
        "returns": len(moved),
        "unchanged": float((moved == 0).mean()),
        "deviation_bps": float(moved.std(ddof=1)),
        "median_bps": float(np.median(moved)),
    }


def _by_hour(panel: Panel, returns: _Returns) -> list[float | None]:
    """Root mean square return in bps of bars that open in each hour of the day, UTC; None where there is none."""
    hour = (panel.open_time // HOUR_NS) % 24
    found = []
    for each in range(24):
        moved = returns.value[:, hour == each][returns.known[:, hour == each]]
        found.append(float(np.sqrt((moved**2).mean())) * 1e4 if len(moved) else None)
    return found
