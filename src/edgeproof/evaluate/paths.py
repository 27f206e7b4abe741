"""Out-of-sample paths: blocks that different models traded, put end to end, and how the paths differ. No judgement.

Every block is an account of its own, flat at its first bar and marked at its last; a path compounds its blocks. A
walk-forward has one path, combinatorial splits have several (López de Prado 2018, Advances in Financial Machine
Learning, 12.4), whose spread is that of the choice of training bars: they share bars and models, so it is no standard
error of the future.
"""

# B bars of a block, P paths

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeproof.core.rng import Rng
from edgeproof.evaluate.figures import in_market
from edgeproof.simulator.track import Track
from edgeproof.stats.bootstrap import sharpe_interval
from edgeproof.stats.performance import performance

__all__ = ["Block", "block_of", "distribution", "joined", "path_figures"]

_QUANTILES = {"min": 0.0, "low": 0.25, "median": 0.5, "high": 0.75, "max": 1.0}


@dataclass(frozen=True)
class Block:
    """One fold's model on one out-of-sample block.

    Attributes:
        fold: number of the fold.
        start, stop: bars [start, stop) of the clock.
        net, gross: f64[B] return per bar.
        hold: f64[B] return of holding the block's own average weights, free of cost.
        exposure: f64[B] gross weight at the close.
        traded: f64[B] notional as a share of equity.
        active: bool[B] bars with a position or a trade.
        trades: round trips.
    """

    fold: int
    start: int
    stop: int
    net: np.ndarray
    gross: np.ndarray
    hold: np.ndarray
    exposure: np.ndarray
    traded: np.ndarray
    active: np.ndarray
    trades: int


def block_of(fold: int, bars: tuple[int, int], track: Track, hold_return: np.ndarray) -> Block:
    """A block from the track of its bars."""
    return Block(
        fold=fold,
        start=bars[0],
        stop=bars[1],
        net=track.net_return,
        gross=track.gross_return,
        hold=hold_return,
        exposure=np.abs(track.weights).sum(axis=1),
        traded=track.traded,
        active=in_market(track),
        trades=len(track.trades),
    )


def joined(blocks: Sequence[Block], name: str) -> np.ndarray:
    """One series of all blocks, end to end."""
    return np.concatenate([getattr(block, name) for block in blocks])


def path_figures(blocks: Sequence[Block], *, bars_per_year: float, rng: Rng) -> dict[str, Any]:
    """Figures of one path: those of `stats.performance` after costs, and what belongs beside them.

    Args:
        blocks: in the order of time, no bar twice.
        bars_per_year: annualises.
        rng: of the interval of the Sharpe ratio.

    Returns:
        The keys of `stats.performance`, and bars, trades, turnover, exposure, time_in_market, gross_total_return,
        gross_sharpe, hold_sharpe, timing_sharpe (net minus holding one's own average weights), and sharpe_low and
        sharpe_high (95%, stationary bootstrap, None below 20 bars).
    """
    net, gross, hold = (joined(blocks, name) for name in ("net", "gross", "hold"))
    plain = performance(gross, bars_per_year=bars_per_year)
    interval = sharpe_interval(net, rng.numpy())
    year = float(np.sqrt(bars_per_year))
    return performance(net, bars_per_year=bars_per_year) | {
        "bars": len(net),
        "trades": sum(block.trades for block in blocks),
        "turnover": float(joined(blocks, "traded").mean() * bars_per_year),
        "exposure": float(joined(blocks, "exposure").mean()),
        "time_in_market": float(joined(blocks, "active").mean()),
        "gross_total_return": plain["total_return"],
        "gross_sharpe": plain["sharpe"],
        "hold_sharpe": performance(hold, bars_per_year=bars_per_year)["sharpe"],
        "timing_sharpe": performance(net - hold, bars_per_year=bars_per_year)["sharpe"],
        "sharpe_low": None if interval is None else interval.sharpe_low * year,
        "sharpe_high": None if interval is None else interval.sharpe_high * year,
    }


def distribution(paths: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any]:
    """How one figure is spread over the paths.

    Returns:
        count (paths that have the figure), mean, sd (ddof 1; None for one), min, low and high (quartiles), median,
        max, and below_zero, the share of them below zero; None throughout where no path has it.
    """
    known = np.array([path[key] for path in paths if path.get(key) is not None], dtype=np.float64)
    if not len(known):
        return {"count": 0} | dict.fromkeys(("mean", "sd", *_QUANTILES, "below_zero"))
    spread = {name: float(np.quantile(known, share)) for name, share in _QUANTILES.items()}
    sd = float(known.std(ddof=1)) if len(known) > 1 else None
    return {
        "count": len(known),
        "mean": float(known.mean()),
        "sd": sd,
        **spread,
        "below_zero": float((known < 0).mean()),
    }
