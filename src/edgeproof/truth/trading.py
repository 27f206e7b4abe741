"""The optimal policy of a known-truth market after costs, and what any policy earns there without the return's noise.

Known for the kinds whose signal has a law of its own (`noise`, `linear`, `costly`, `dead`): its wick asymmetry does not
depend on the return's sign, so signal and volatility bin are the state. `UNKNOWN` says of the others what is missing.
"""

# S symbols, T bars, V volatility bins

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from edgeproof.core.errors import OptionError
from edgeproof.truth.optimum import Chain, Optimum, Reward, nodes, optimum, signal_kernel
from edgeproof.truth.stated import Stated

__all__ = ["OPTIMUM_KINDS", "UNKNOWN", "MarketOptimum", "PolicyFigures", "evaluate_policy", "market_optimum"]

OPTIMUM_KINDS = ("noise", "linear", "costly", "dead")
UNKNOWN = {
    "nonlinear": "the signal is made of RSI and the level of volume, and RSI feeds on the returns that it moves: "
    "where it goes next takes 14 bars of prices and 168 of volume, more than a grid can hold",
    "temporal": "the signal is made of RSI and 24 bars of volume in their order, and RSI feeds on the returns that it "
    "moves: where it goes next takes the whole window, more than a grid can hold",
    "regime": "whether the signal counts hangs on two moving variances of the whole market and on the switch before: "
    "all symbols move them together, so no symbol has a small state of its own",
    "decaying": "the strength falls with the clock, so there is no long run: every bar has a best policy of its own, "
    "and the gain of the first is no bound for the last",
}
POSITIONS = np.array([-1.0, 0.0, 1.0])
SHOCKS = 300
CLASSES = 6  # of |x|: more change the gain by less than a thousandth
LATTICE = 48  # midpoints a dimension of (|body|, upper, lower wick): 110,592 bars stand for the law of x
BPS = 1e-4


@dataclass(frozen=True)
class MarketOptimum:
    """The best policy of a market and how to look it up.

    Attributes:
        best: gain per bar and policy.
        edges: f64[V - 1] volatilities between bins.
        strength: kappa.
        cost_bps: cost a side that it was solved for.
    """

    best: Optimum
    edges: np.ndarray
    strength: float
    cost_bps: float

    def weights(self, stated: Stated, gap: float = 0.02) -> np.ndarray:
        """Positions of the best policy along a market, f64[S, T], flat before the first bar and where nothing is known.

        Args:
            stated: the market's law; the decision at a bar reads that bar's entry alone.
            gap: delta of the market's law.
        """
        (S, T), signal_ST = stated.mean.shape, _signal(stated, self.strength, gap)
        count = len(self.best.signal)
        node_ST = np.rint(np.interp(signal_ST, self.best.signal, np.arange(count))).astype(np.int64)
        bin_ST = np.searchsorted(self.edges, stated.volatility)
        zero = int(np.argmin(np.abs(self.best.positions)))
        held_S, out = np.full(S, zero), np.zeros((S, T))
        for t in range(T):
            taken = self.best.choice[held_S, node_ST[:, t], bin_ST[:, t]]
            held_S = np.where(stated.known[:, t], taken, zero)
            out[:, t] = self.best.positions[held_S]
        return out


@dataclass(frozen=True)
class PolicyFigures:
    """What a policy earns a bar and symbol, the return's noise integrated out.

    Attributes:
        gain: mean of w mu - w^2 vol^2 / 2 - c |dw| (without the second term if risk-neutral).
        turnover: mean |dw|.
        active: mean |w|.
        per_bar: f64[T] gain of each bar, mean over symbols.
    """

    gain: float
    turnover: float
    active: float
    per_bar: np.ndarray


def _wick_shocks() -> np.ndarray:
    """The law of x, the wick asymmetry over its spread, as equally likely values f64[SHOCKS].

    From the bars' own law at small volatility, where it has no scale: body a Student t_5 of unit variance, wicks
    (sqrt(b^2 + 2 E) - |b|) / 2 with E exponential; midpoints of quantiles in three dimensions, no random numbers.
    """
    middle = (np.arange(LATTICE) + 0.5) / LATTICE
    body = student.ppf(0.5 + 0.5 * middle, 5) * np.sqrt(3.0 / 5.0)
    wick = 0.5 * (np.sqrt(body[:, None] ** 2 - 2.0 * np.log(middle)[None, :]) - body[:, None])
    lower, upper = wick[:, :, None], wick[:, None, :]
    x = (lower - upper) / (body[:, None, None] + lower + upper)
    x = np.sort(x.ravel())
    shock = np.quantile(x, (np.arange(SHOCKS) + 0.5) / SHOCKS)
    shock = 0.5 * (shock - shock[::-1])  # symmetric, to the last bit
    return shock / np.sqrt(np.mean(shock**2))


def _moments(stated: Stated, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges f64[V-1] of equally filled volatility bins, and mean volatility and its mean square in each, f64[2, V]."""
    seen = stated.volatility[stated.known]
    if bins > 1 and seen.size < 100 * bins:
        raise OptionError(f"bins {bins}: {seen.size} bars are fewer than 100 a bin; take bins=1 or a longer market")
    edges = np.quantile(seen, np.arange(1, bins) / bins)
    inside = np.searchsorted(edges, seen)
    count = np.bincount(inside, minlength=bins)
    return edges, np.stack([np.bincount(inside, seen**power, bins) / count for power in (1, 2)])


def _volatility_kernels(stated: Stated, edges: np.ndarray, signal_ST: np.ndarray, memory: float) -> np.ndarray:
    """f64[C, V, V]: counted moves between bins, by class of |x|, the shock that the signal took at the same bar."""
    bins = len(edges) + 1
    shock = np.abs(signal_ST[:, 1:] - memory * signal_ST[:, :-1])
    capped = np.abs(signal_ST) > 0.999 * np.abs(signal_ST).max()  # what lies beyond the cap is not stated
    both = stated.known[:, 1:] & stated.known[:, :-1] & ~(capped[:, 1:] | capped[:, :-1])
    place = np.searchsorted(edges, stated.volatility)
    number = np.searchsorted(np.quantile(shock[both], np.arange(1, CLASSES) / CLASSES), shock)
    flat = (number * bins + place[:, :-1]) * bins + place[:, 1:]
    moves = np.bincount(flat[both], minlength=CLASSES * bins * bins).reshape(CLASSES, bins, bins).astype(np.float64)
    total = moves.sum(axis=2, keepdims=True)
    return np.where(total > 0.0, moves / np.maximum(total, 1.0), np.eye(bins))


def _chain(truth: Mapping[str, Any], stated: Stated, edges: np.ndarray) -> Chain:
    """How signal and volatility move; one class of shocks where there is no signal or one volatility."""
    law, kappa = truth["law"], float(truth["strength"])
    signal_N, shocks = nodes(), _wick_shocks()
    if kappa == 0.0 or not len(edges):
        flat = np.zeros(stated.mean.shape)
        kernel = _volatility_kernels(stated, edges, flat, 0.0)[:1] if len(edges) else np.ones((1, 1))
        return Chain(signal_N, signal_kernel(signal_N, law["signal_memory"], shocks), kernel)
    signal_ST = _signal(stated, kappa, law["gap"])
    by_size = shocks[np.argsort(np.abs(shocks), kind="stable")].reshape(CLASSES, -1)
    kernels = np.stack([signal_kernel(signal_N, law["signal_memory"], some) for some in by_size])
    return Chain(signal_N, kernels, _volatility_kernels(stated, edges, signal_ST, law["signal_memory"]))


def _signal(stated: Stated, kappa: float, gap: float) -> np.ndarray:
    """f64[S, T] the signal g; 0 where nothing is known."""
    scale = np.where(stated.known, stated.volatility * kappa / np.sqrt(1.0 + gap), np.inf)
    return np.divide(stated.mean, scale, out=np.zeros(stated.mean.shape), where=scale > 0.0)


def market_optimum(
    truth: Mapping[str, Any],
    stated: Stated,
    *,
    cost_bps: float | None = None,
    growth: bool = True,
    bins: int = 12,
    short: bool = True,
) -> MarketOptimum:
    """Solve a known-truth market for the positions -1, 0, 1 that earn most after costs.

    Args:
        truth: the market's truth parameters (`market.manifest.truth`).
        stated: its law on the open span: where the volatility bins come from.
        cost_bps: cost a side; None takes the market's own, which `costly` and `dead` have.
        growth: log growth to second order; False for risk-neutral.
        bins: volatility bins; 1 for constant volatility.
        short: False for the positions 0 and 1.

    Raises:
        OptionError: a kind whose optimum is not known, no cost, or too few bars for the bins.
    """
    kind = truth.get("kind", "")
    if kind not in OPTIMUM_KINDS:
        raise OptionError(
            f"the optimum of kind {kind!r} is not known: {UNKNOWN.get(kind, 'the law is not stated')}; "
            f"ask for one of {', '.join(OPTIMUM_KINDS)}"
        )
    cost = truth.get("cost_bps") if cost_bps is None else cost_bps
    if cost is None or not 0.0 <= cost < np.inf:
        raise OptionError(f"cost_bps {cost!r}: kind {kind!r} needs a cost a side of 0 or more; 10 is usual")
    law, kappa = truth["law"], float(truth["strength"])
    edges, (vol_V, square_V) = _moments(stated, bins)
    chain = _chain(truth, stated, edges)
    drift = kappa * np.clip(chain.signal, -law["signal_cap"], law["signal_cap"])
    positions = POSITIONS if short else POSITIONS[1:]
    held = positions[:, None, None] * drift[None, :, None] * vol_V / np.sqrt(1.0 + law["gap"])
    if growth:
        held = held - 0.5 * positions[:, None, None] ** 2 * square_V
    return MarketOptimum(optimum(chain, Reward(positions, held, cost * BPS)), edges, kappa, float(cost))


def evaluate_policy(weights_ST: np.ndarray, stated: Stated, *, cost_bps: float, growth: bool = True) -> PolicyFigures:
    """What positions earn by the stated law; the same expectation as realised returns, a tenth of their error.

    Args:
        weights_ST: f64[S, T] position decided at each bar, held over the bar after it; the first is bought from flat.
        stated: the law of that bar.
        cost_bps: cost a side.
        growth: log growth to second order; False for risk-neutral.
    """
    traded = np.abs(np.diff(weights_ST, axis=1, prepend=0.0))
    earned = weights_ST * stated.mean - cost_bps * BPS * traded
    if growth:
        earned = earned - 0.5 * weights_ST**2 * stated.volatility**2
    per_bar = earned.mean(axis=0)
    return PolicyFigures(float(per_bar.mean()), float(traded.mean()), float(np.abs(weights_ST).mean()), per_bar)
