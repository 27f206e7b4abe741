"""What needs no model, in the same account under the same costs: holding, simple rules, and one's own trades by chance.

None of them is fitted or chosen, so they are no trials, and none of them decides.
"""

# S symbols, T bars of the span, D draws

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgeproof.backtest.run import Replay
from edgeproof.core.lately import last_index, last_known
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate_many
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import Track

__all__ = ["BASELINES", "DRAWS", "RandomEntries", "baselines", "random_entries", "rotated", "without_exits"]

DRAWS = 1000
MOMENTUM_BARS = 24  # a day of hourly bars; the label's horizon where that is longer
CELLS_AT_ONCE = 4_000_000  # draws x symbols x bars: about 0.2 GB


@dataclass(frozen=True)
class RandomEntries:
    """What the model's own trades bring at random times.

    Attributes:
        growth: f64[D] net growth of each draw over the span.
        model: net growth of the model itself.
        p_value: (1 + number of draws that grow at least as much as the model) / (1 + D).
    """

    growth: np.ndarray
    model: float
    p_value: float

    def figures(self) -> dict[str, float]:
        """Draws, the p-value, and the total return of the middle draw and of those that leave 5% at either side."""
        low, middle, high = (float(value) for value in np.quantile(self.growth, [0.05, 0.5, 0.95]))
        return {
            "draws": float(len(self.growth)),
            "p_value": self.p_value,
            "total_return": middle,
            "total_return_low": low,
            "total_return_high": high,
        }


def _flat(replay: Replay, short: bool) -> np.ndarray:
    """Never in the market."""
    return np.zeros(replay.present.shape)


def _buy_and_hold(replay: Replay, short: bool) -> np.ndarray:
    """Equal weights, bought once."""
    return np.full(replay.present.shape, 1.0 / len(replay.present))


def _momentum(replay: Replay, short: bool) -> np.ndarray:
    """On the side of the change over 24 bars, or over the label's horizon where that is longer."""
    return _following(replay, max(MOMENTUM_BARS, replay.horizon_bars), short)


def _persistence(replay: Replay, short: bool) -> np.ndarray:
    """On the side of the last bar's change."""
    return _following(replay, 1, short)


BASELINES: dict[str, Callable[[Replay, bool], np.ndarray]] = {
    "flat": _flat,
    "buy_and_hold": _buy_and_hold,
    "momentum": _momentum,
    "persistence": _persistence,
}


def baselines(replay: Replay, costs: CostsConfig, options: Options, *, short: bool) -> dict[str, Track]:
    """The track of each baseline over a span.

    Args:
        replay: the span; its forecasts are not read. The account starts flat, and rules wait for bars of the span.
            Its exposure is that of the rules too.
        costs: those of the model.
        options: those of the model; targets and stops are taken off, since no baseline has them.
        short: whether the rules may be short, as the model may; else they are flat instead.
    """
    weights = replay.exposure * np.stack([rule(replay, short) for rule in BASELINES.values()])
    every, held = np.ones(len(replay.decide), dtype=bool), without_exits(options)
    tracks = simulate_many(replay.prices, replay.present, weights, every, costs, options=held)
    return dict(zip(BASELINES, tracks, strict=True))


def without_exits(options: Options) -> Options:
    """The same account for what has no target and no stop."""
    exits = ("stop_loss", "take_profit", "stop_volatilities", "take_volatilities", "bracket_bars")
    return options.model_copy(update=dict.fromkeys(exits, 0))


def _following(replay: Replay, bars: int, short: bool) -> np.ndarray:
    """The sign of each symbol's change over `bars` bars at the last decision, 1/S each, f64[S, T].

    Closes are the last valid ones. Without a change that is known, nothing is held.
    """
    S, T = replay.present.shape
    close = last_known(replay.prices[:, :, 3], replay.present, np.nan)
    side = np.zeros((S, T))
    side[:, bars:] = np.nan_to_num(np.sign(close[:, bars:] - close[:, :-bars]))
    decided = last_index(replay.decide)
    side = np.where(decided >= 0, side[:, np.maximum(decided, 0)], 0.0)
    return (side if short else np.maximum(side, 0.0)) / S


def rotated(weights: np.ndarray, present: np.ndarray, share: float) -> np.ndarray:
    """The same targets, begun elsewhere: each symbol's own bars are turned by `share` of their number, f64[S, T].

    Of n bars they are turned by 1 + share x (n - 1), rounded down, so by one bar at least and never once around.

    Order, length and side of every trade stay, and so does what is held at the same time in symbols whose bars are the
    same; a trade across the turning point is cut in two. Between bars of a symbol its target stays.

    Args:
        weights: f64[S, T] targets.
        present: bool[S, T].
        share: at least 0, below 1.
    """
    T = weights.shape[1]
    if present.all():
        return np.roll(weights, _turn(share, T), axis=1)
    out = np.zeros_like(weights)
    for s in range(len(weights)):
        bars = np.flatnonzero(present[s])
        if len(bars):
            turned = np.roll(weights[s, bars], _turn(share, len(bars)))
            out[s, bars[0] :] = np.repeat(turned, np.diff(bars, append=T))
    return out


def _turn(share: float, bars: int) -> int:
    return 1 + int(share * (bars - 1))


def random_entries(
    weights: np.ndarray,
    replay: Replay,
    costs: CostsConfig,
    options: Options,
    generator: np.random.Generator,
    *,
    growth: float,
    draws: int = DRAWS,
) -> RandomEntries | None:
    """The model's own trades at random times, each draw in the same account; None for a model that never trades.

    A draw turns all targets by one random share of the span (`rotated`): number, length, sides and turnover of the
    trades are the model's own, and what symbols hold together stays together. Where the model knows nothing of the
    next bar, its place among the draws is as likely as any other: p is uniform. (Turning each symbol by itself would
    take away what the positions have in common, and with it most of the variance of a model that is long or short
    everywhere at once.) At the turning point a draw pays up to two sides a symbol more than the model does.

    Args:
        weights: f64[S, T] targets of the model, each bar decided.
        replay: the span.
        costs: those of the model.
        options: those of the model, its targets and stops included.
        generator: of the draws.
        growth: net growth of the model over the span.
        draws: D.
    """
    if not weights.any():
        return None
    shares, found = generator.random(draws), np.empty(draws)
    every, outside = np.ones(weights.shape[1], dtype=bool), replay.outside(options)
    step = max(1, CELLS_AT_ONCE // weights.size)
    for first in range(0, draws, step):
        some = np.stack([rotated(weights, replay.present, share) for share in shares[first : first + step]])
        tracks = simulate_many(replay.prices, replay.present, some, every, costs, options=options, outside=outside)
        found[first : first + step] = [track.equity[-1] / track.equity[0] - 1.0 for track in tracks]
    return RandomEntries(found, growth, float((1 + np.count_nonzero(found >= growth)) / (1 + draws)))
