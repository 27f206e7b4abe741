"""A policy traded over a span of forecasts, its threshold chosen on validation, and what holding would have brought."""

# S symbols, T bars of the span, K thresholds

from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgeproof.backtest.policies.policy import Policy, is_forgetful
from edgeproof.core.lately import last_index
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate, simulate_many
from edgeproof.simulator.feed import Outside
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import Track

__all__ = ["Choice", "Keep", "Replay", "choose_theta", "hold_return", "run_policy", "targets"]

PARALLEL_CELLS = 20_000_000  # thresholds x symbols x bars simulated at once: about 0.5 GB
DEFAULT = Options()
Keep = Literal["best", "median"]


@dataclass(frozen=True)
class Replay:
    """Forecasts and bars of one span; the account starts flat at its first bar and is marked at its last.

    Attributes:
        p: f64[S, T] forecast probabilities.
        made: bool[S, T] where there is a forecast.
        decide: bool[T] decision bars.
        prices: f64[S, T, 5].
        present: bool[S, T].
        horizon_bars: H of the label that was forecast.
        volatility: f64[S, T] of one bar, known at the close of t, for options that are measured in it.
        exposure: gross exposure, in equities, that the full weights of a policy or a baseline stand for.
    """

    p: np.ndarray
    made: np.ndarray
    decide: np.ndarray
    prices: np.ndarray
    present: np.ndarray
    horizon_bars: int
    volatility: np.ndarray | None = None
    exposure: float = 1.0

    def cut(self, span: slice) -> "Replay":
        """The bars of `span` alone: nothing outside it is traded or read."""
        return Replay(
            self.p[:, span],
            self.made[:, span],
            self.decide[span],
            self.prices[:, span],
            self.present[:, span],
            self.horizon_bars,
            None if self.volatility is None else self.volatility[:, span],
            self.exposure,
        )

    def outside(self, options: Options) -> Outside:
        """The series that the options read beside the bars."""
        return Outside(volatility=self.volatility if options.in_volatilities else None)


@dataclass(frozen=True)
class Choice:
    """Every threshold tried on validation, and the one that is kept.

    Attributes:
        theta: the threshold that is kept; None if none was worth it: the model never trades.
        thetas: f64[K] all that were tried, each a trial.
        growth: f64[K] net growth of the account over the span, -1 is ruin.
        returns: f64[T, K] net return of each bar.
    """

    theta: float | None
    thetas: np.ndarray
    growth: np.ndarray
    returns: np.ndarray

    @property
    def place(self) -> int:
        """Which of the thresholds is kept; where none is, the one that lost least."""
        return int(self.growth.argmax()) if self.theta is None else int((self.thetas == self.theta).argmax())


def run_policy(
    policy: Policy, replay: Replay, theta: float | None, costs: CostsConfig, options: Options = DEFAULT
) -> Track:
    """The track of a policy over a span; without a threshold it never trades."""
    weights, every = targets(policy, replay, theta, options), np.ones(len(replay.decide), bool)
    outside = replay.outside(options)
    return simulate(replay.prices, replay.present, weights, every, costs, options=options, outside=outside)


def choose_theta(
    policy: Policy, replay: Replay, costs: CostsConfig, options: Options = DEFAULT, *, keep: Keep = "best"
) -> Choice:
    """Trade every candidate threshold, each in an account of its own, and keep one.

    Args:
        policy: of the candidates.
        replay: the validation span.
        costs: of every trade.
        options: of every account.
        keep: `best`, the one that grew most, the first of equals, if its account ends above its start; or `median`,
            the middle of the candidates whatever it earned.
    """
    thetas = policy.candidates(replay.p, replay.made & replay.decide)
    every, outside = np.ones(len(replay.decide), bool), replay.outside(options)
    step = max(1, PARALLEL_CELLS // max(replay.p.size, 1))
    returns, growth = np.zeros((len(every), len(thetas))), np.zeros(len(thetas))
    for first in range(0, len(thetas), step):
        part = thetas[first : first + step]
        weights = np.stack([targets(policy, replay, float(theta), options) for theta in part])
        tracks = simulate_many(replay.prices, replay.present, weights, every, costs, options=options, outside=outside)
        for k, track in enumerate(tracks, first):
            returns[:, k] = track.net_return
            growth[k] = track.equity[-1] / track.equity[0] - 1.0
    return Choice(theta=_kept(thetas, growth, keep), thetas=thetas, growth=growth, returns=returns)


def _kept(thetas: np.ndarray, growth: np.ndarray, keep: Keep) -> float | None:
    if len(thetas) == 0:
        return None
    if keep == "median":
        return float(thetas[len(thetas) // 2])
    best = int(np.argmax(growth))
    return float(thetas[best]) if growth[best] > 0.0 else None


def targets(policy: Policy, replay: Replay, theta: float | None, options: Options) -> np.ndarray:
    """Target weights, f64[S, T], of a policy that forgets a symbol which has been closed as delisted.

    From then on nothing is asked for of the symbol, and the place that it held among others is free, until it is
    forecast again. A policy that cannot be told so is shown a half at every decision in between.
    """
    if theta is None:
        return np.zeros(replay.p.shape)
    gone, H = _delisted(replay.present, options.delisting_bars), replay.horizon_bars
    if is_forgetful(policy):
        weights = policy.weights(replay.p, replay.made, replay.decide, theta, H, forgotten=gone)
    else:
        silent = last_index(gone) > last_index(replay.made & replay.decide)
        told = silent & replay.decide
        p, made = np.where(told, 0.5, replay.p), replay.made | told
        weights = np.where(silent, 0.0, policy.weights(p, made, replay.decide, theta, H))
    return replay.exposure * weights


def _delisted(present: np.ndarray, bars: int) -> np.ndarray:
    """bool[S, T] where a symbol that had a bar has now had none for exactly `bars` bars; nowhere if 0."""
    T = present.shape[1]
    last = last_index(present)
    return (last >= 0) & (np.arange(T) - last == bars) & (bars > 0)


def hold_return(track: Track, prices: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return of each bar of holding the track's own average weights, free of cost: what is drift, not timing.

    sum_i wbar_i (close_t / close_{t-1} - 1), over last valid closes; 0 in the first bar. Weights are averaged over the
    bars from a symbol's first to its last one, and no others: averaged over bars in which it could not be held, a
    position that is always long would seem to time its listing, and drift would pass for skill.

    Args:
        track: of the span.
        prices: f64[S, T, 5] of the same span.
        present: bool[S, T].

    Returns:
        f64[T]
    """
    at = last_index(present)
    close = np.take_along_axis(prices[:, :, 3], np.maximum(at, 0), axis=1)
    known = at[:, :-1] >= 0
    change = np.where(known, close[:, 1:] / np.where(known, close[:, :-1], 1.0) - 1.0, 0.0)
    alive = (at >= 0) & (np.maximum.accumulate(present[:, ::-1], axis=1)[:, ::-1])
    average = (track.weights.T * alive).sum(axis=1) / np.maximum(alive.sum(axis=1), 1)
    return np.concatenate([[0.0], average @ (change * alive[:, 1:])])
