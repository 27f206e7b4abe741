"""A policy traded over a span of forecasts, its threshold chosen on validation, and what holding would have brought."""

# S symbols, T bars of the span, K thresholds

from dataclasses import dataclass

import numpy as np

from edgeproof.backtest.policy import ThresholdConfig
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate, simulate_many
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import Track

__all__ = ["Choice", "Replay", "choose_theta", "hold_return", "run_policy"]

PARALLEL_CELLS = 20_000_000  # thresholds x symbols x bars simulated at once: about 0.5 GB
DEFAULT = Options()


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
    """

    p: np.ndarray
    made: np.ndarray
    decide: np.ndarray
    prices: np.ndarray
    present: np.ndarray
    horizon_bars: int

    def cut(self, span: slice) -> "Replay":
        """The bars of `span` alone: nothing outside it is traded or read."""
        return Replay(
            self.p[:, span],
            self.made[:, span],
            self.decide[span],
            self.prices[:, span],
            self.present[:, span],
            self.horizon_bars,
        )


@dataclass(frozen=True)
class Choice:
    """Every threshold tried on validation, and the one that is kept.

    Attributes:
        theta: the threshold of the largest net growth; None if none grew: the model never trades.
        thetas: f64[K] all that were tried, each a trial.
        growth: f64[K] net growth of the account over the span, -1 is ruin.
        returns: f64[T, K] net return of each bar.
    """

    theta: float | None
    thetas: np.ndarray
    growth: np.ndarray
    returns: np.ndarray


def run_policy(
    policy: ThresholdConfig, replay: Replay, theta: float | None, costs: CostsConfig, options: Options = DEFAULT
) -> Track:
    """The track of a policy over a span; without a threshold it never trades."""
    weights = np.zeros(replay.p.shape) if theta is None else _weights(policy, replay, theta, options)
    every = np.ones(len(replay.decide), bool)
    return simulate(replay.prices, replay.present, weights, every, costs, options=options)


def choose_theta(policy: ThresholdConfig, replay: Replay, costs: CostsConfig, options: Options = DEFAULT) -> Choice:
    """Trade every candidate threshold, each in an account of its own, and keep the one that grew most.

    The first of equals is kept. A threshold is only kept if its account ends above its start.
    """
    thetas = policy.candidates(replay.p, replay.made & replay.decide)
    every = np.ones(len(replay.decide), bool)
    step = max(1, PARALLEL_CELLS // max(replay.p.size, 1))
    returns, growth = np.zeros((len(every), len(thetas))), np.zeros(len(thetas))
    for first in range(0, len(thetas), step):
        part = thetas[first : first + step]
        weights = np.stack([_weights(policy, replay, theta, options) for theta in part])
        tracks = simulate_many(replay.prices, replay.present, weights, every, costs, options=options)
        for k, track in enumerate(tracks, first):
            returns[:, k] = track.net_return
            growth[k] = track.equity[-1] / track.equity[0] - 1.0
    best = int(np.argmax(growth)) if len(thetas) else -1
    kept = float(thetas[best]) if len(thetas) and growth[best] > 0.0 else None
    return Choice(theta=kept, thetas=thetas, growth=growth, returns=returns)


def _weights(policy: ThresholdConfig, replay: Replay, theta: float, options: Options) -> np.ndarray:
    """Targets of a policy that forgets a symbol which has been closed as delisted: back in only on a new forecast."""
    weights = policy.weights(replay.p, replay.made, replay.decide, float(theta), replay.horizon_bars)
    for s, t in np.argwhere(_delisted(replay.present, options.delisting_bars)):
        rest = replay.cut(slice(t, None))
        row = slice(s, s + 1)
        later = policy.weights(rest.p[row], rest.made[row], rest.decide, float(theta), replay.horizon_bars)
        weights[s, t:] = later[0] / len(weights)
    return weights


def _delisted(present: np.ndarray, bars: int) -> np.ndarray:
    """bool[S, T] where a symbol that had a bar has now had none for exactly `bars` bars; nowhere if 0."""
    T = present.shape[1]
    last = np.maximum.accumulate(np.where(present, np.arange(T), -1), axis=1)
    return (last >= 0) & (np.arange(T) - last == bars) & (bars > 0)


def hold_return(track: Track, prices: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return of each bar of holding the track's own average weights, free of cost: what is drift, not timing.

    sum_i wbar_i (close_t / close_{t-1} - 1), over last valid closes; 0 in the first bar and before a first close.

    Args:
        track: of the span.
        prices: f64[S, T, 5] of the same span.
        present: bool[S, T].

    Returns:
        f64[T]
    """
    bars = present.shape[1]
    at = np.maximum.accumulate(np.where(present, np.arange(bars), -1), axis=1)
    close = np.take_along_axis(prices[:, :, 3], np.maximum(at, 0), axis=1)
    known = at[:, :-1] >= 0
    change = np.where(known, close[:, 1:] / np.where(known, close[:, :-1], 1.0) - 1.0, 0.0)
    return np.concatenate([[0.0], track.weights.mean(axis=0) @ change])
