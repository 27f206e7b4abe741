"""Any label's truth by simulation: futures drawn from the generator's state, each labelled by the label's own code.

A chosen decision bar gets M futures of all symbols together. They are put behind the bars up to it that the label
reads, and `label(panel, decide)` says what each would have been labelled. Half of the futures (A) fit the score, the
other half (B) judge it, and the other way round: on the same draws a noisy score looks good where nothing is known.
"""

# K decision bars, M futures of each, S symbols, R bars that a label reads, N = K M S rows, D regressors

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from edgeproof.core.clock import HOUR_NS
from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel
from edgeproof.data.synthetic.paths import States, follow, futures
from edgeproof.labels.label import Labels

__all__ = ["LabelRule", "Simulated", "Size", "choose_size", "simulate_label"]

CHUNK_CELLS = 600_000  # rows x bars labelled at once: 24 MB of prices
BUDGET = 5_000_000  # symbol-bars of all futures: 1.5 s on one core
FEWEST_PATHS, MOST_PATHS = 4, 64
VOLATILITY_BARS = 24


class LabelRule(Protocol):
    """A label config: what it says of a panel."""

    def label(self, panel: Panel, decide: np.ndarray | None = None) -> Labels:
        """The label of every bar."""
        ...


@dataclass(frozen=True)
class Size:
    """How much is simulated: K of the decision bars, M futures of each."""

    bars: int
    paths: int


@dataclass(frozen=True)
class Simulated:
    """What futures said of a label at chosen bars.

    Attributes:
        at: i64[K] decision bars.
        share: f64[2, K, S] share of positives among the futures of each half.
        known: bool[K, S] the label of every future is known.
        states: the generator's state at these bars.
        paths: M.
    """

    at: np.ndarray
    share: np.ndarray
    known: np.ndarray
    states: States
    paths: int

    def summary(self, ohlcv_ST5: np.ndarray) -> np.ndarray:
        """f64[K, S, D]: the states', and the last 24 bars' volatility, in which thresholds are often measured."""
        main, level, *others = np.moveaxis(self.states.summary(), -1, 0)
        back = np.maximum(self.at[:, None] + np.arange(-VOLATILITY_BARS, 1), 0)
        close = ohlcv_ST5[:, back, 3].swapaxes(0, 1)  # [K, S, 25]
        seen = np.log(np.diff(np.log(close), axis=2).std(axis=2) + 1e-12)
        return np.stack([main, level, seen - level, *others], axis=-1)


def choose_size(decision_bars: int, symbols: int, horizon_bars: int, budget: int = BUDGET) -> Size:
    """As many decision bars as the budget allows with 4 futures each, then as many futures as are left, 64 at most."""
    one = symbols * (horizon_bars + 1)
    bars = max(1, min(decision_bars, budget // (FEWEST_PATHS * one)))
    paths = int(np.clip(budget // (bars * one), FEWEST_PATHS, MOST_PATHS))
    return Size(bars, paths - paths % 2)


def simulate_label(
    truth: Mapping[str, Any],
    ohlcv_ST5: np.ndarray,
    rule: LabelRule,
    at_K: np.ndarray,
    *,
    spans: tuple[int, int, int],
    rng: Rng,
) -> Simulated:
    """Label futures of chosen bars.

    Args:
        truth: the market's truth parameters.
        ohlcv_ST5: its bars from the first one on; none after the last chosen bar is read.
        rule: the label.
        at_K: i64[K] chosen bars, rising, each with the bars before it that the label reads.
        spans: bars before the decision that the label reads, its horizon, and futures of each bar (even).
        rng: of the futures.
    """
    reach, horizon, paths = spans
    states, S = follow(truth, ohlcv_ST5, at_K), len(ohlcv_ST5)
    per_bar = paths * S * (reach + 2 + horizon)
    step = max(1, CHUNK_CELLS // per_bar)
    share, known = np.zeros((2, len(at_K), S)), np.zeros((len(at_K), S), dtype=bool)
    for first in range(0, len(at_K), step):
        chosen = slice(first, min(first + step, len(at_K)))
        ahead = futures(states, chosen, paths, horizon + 1, rng.child("futures", first))
        y, there = _labelled(rule, ohlcv_ST5, states.at[chosen], ahead, reach)
        known[chosen] = there.all(axis=1)
        share[0, chosen], share[1, chosen] = y[:, : paths // 2].mean(axis=1), y[:, paths // 2 :].mean(axis=1)
    return Simulated(states.at, share, known, states, paths)


def _labelled(
    rule: LabelRule, ohlcv_ST5: np.ndarray, at_K: np.ndarray, ahead: np.ndarray, reach: int
) -> tuple[np.ndarray, np.ndarray]:
    """Y and known, [K, M, S] each, of the decision at the last bar before the futures; a row of the panel is a symbol.

    The label must say the same of a symbol whatever other symbols there are and whatever the clock says.
    """
    K, M, S, H = ahead.shape[:4]
    past = ohlcv_ST5[:, at_K[:, None] + np.arange(-reach, 1)].swapaxes(0, 1)  # [K, S, R + 1, 5]
    whole = np.empty((K, M, S, reach + 1 + H, 5))
    whole[:, :, :, : reach + 1], whole[:, :, :, reach + 1 :] = past[:, None], ahead
    T, N = reach + 1 + H, K * M * S
    opened = HOUR_NS * np.arange(T, dtype=np.int64)
    names = tuple(map(str, range(N)))
    rows = Panel(
        whole.reshape(N, T, 5),
        np.ones((N, T), dtype=bool),
        opened,
        opened + HOUR_NS,
        names,
        HOUR_NS,
        "continuous",
        "futures",
    )
    decide = np.arange(T) == reach
    made = rule.label(rows, decide)
    return made.y[:, reach].reshape(K, M, S).astype(np.float64), made.known[:, reach].reshape(K, M, S)
