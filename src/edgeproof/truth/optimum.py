"""The best that positions -1, 0, 1 can earn after costs where signal and volatility are known: dynamic programming.

Average reward per bar, by relative value iteration over (position held, signal s, volatility bin v):

    h(w', s, v) <- max_w [ r(w, s, v) - c |w - w'| + E h(w, s+, v+) ] - h(0, 0, v0),   gain = what is taken off
    r(w, s, v)  =  w kappa g(s) sigma_v - w^2 sigma2_v (1 + delta) / 2,   g(s) = s clipped

r is log growth to second order; without its second term a risk-neutral account's mean. s+ = phi s + sqrt(1 - phi^2) x.
Signal and volatility move by the same bar: a long wick (large |x|) leaves a short body, so that volatility falls. So x
comes in classes, each with its own move of volatility. More than the gain, in the long run, is a leak (`check_gain`).
Puterman, M. (1994), Markov Decision Processes, 8.5.
"""

# A positions, N nodes of the signal, V volatility bins, C equally likely classes of shock, T bars

from dataclasses import dataclass

import numpy as np

from edgeproof.core.finding import Finding

__all__ = ["Chain", "Optimum", "Reward", "check_gain", "nodes", "optimum", "signal_kernel"]

REACH = 5.0  # the grid of the signal ends there, in standard deviations
TOLERANCE = 1e-10  # of the span of one sweep's change, in units of the largest reward
SWEEPS = 20_000
BLOCKS = 50


@dataclass(frozen=True)
class Chain:
    """How the state moves when nobody trades.

    Attributes:
        signal: f64[N] nodes of the signal, rising.
        signal_kernel: f64[N, N], or f64[C, N, N] by class of shock; rows sum to 1.
        volatility_kernel: f64[V, V] or f64[C, V, V], rows sum to 1; [[1]] where volatility is constant.
    """

    signal: np.ndarray
    signal_kernel: np.ndarray
    volatility_kernel: np.ndarray


@dataclass(frozen=True)
class Reward:
    """What holding earns and trading costs.

    Attributes:
        positions: f64[A], rising.
        held: f64[A, N, V] expected reward of a bar at a position.
        cost: of one unit of position bought or sold, in the same unit.
    """

    positions: np.ndarray
    held: np.ndarray
    cost: float


@dataclass(frozen=True)
class Optimum:
    """The best policy and what it earns.

    Attributes:
        gain: expected reward per bar in the long run; no policy has a higher one.
        positions: f64[A].
        signal: f64[N] nodes.
        choice: i8[A, N, V] index of the position to take, by position held, signal, volatility bin.
        threshold: signal at which a holder of the lowest position leaves it, by volatility bin, f64[V]; NaN: never.
        sweeps: sweeps that the iteration took.
    """

    gain: float
    positions: np.ndarray
    signal: np.ndarray
    choice: np.ndarray
    threshold: np.ndarray
    sweeps: int

    @property
    def flat(self) -> bool:
        """Whether it never leaves position 0."""
        zero = int(np.argmin(np.abs(self.positions)))
        return bool(self.positions[zero] == 0.0 and (self.choice[zero] == zero).all())


def nodes(count: int = 201) -> np.ndarray:
    """Even nodes of a signal of unit variance, f64[count], from -5 to 5."""
    return np.linspace(-REACH, REACH, count)


def signal_kernel(signal_N: np.ndarray, memory: float, shock_Q: np.ndarray) -> np.ndarray:
    """Transitions of s+ = memory s + sqrt(1 - memory^2) x, x equally likely any of the shocks.

    A value between two nodes goes to both, so that the mean is kept; one beyond the grid goes to its end.

    Returns:
        f64[N, N], rows sum to 1.
    """
    N = len(signal_N)
    after_NQ = memory * signal_N[:, None] + np.sqrt(1.0 - memory * memory) * shock_Q[None, :]
    place = np.interp(after_NQ, signal_N, np.arange(N, dtype=np.float64))
    below = np.minimum(place.astype(np.int64), N - 2)
    share, row = place - below, np.repeat(np.arange(N), len(shock_Q))
    flat = np.bincount(row * N + below.ravel(), (1.0 - share).ravel(), N * N)
    flat += np.bincount(row * N + below.ravel() + 1, share.ravel(), N * N)
    return (flat / len(shock_Q)).reshape(N, N)


def optimum(chain: Chain, reward: Reward) -> Optimum:
    """Solve the chain for the highest long-run reward.

    Raises:
        ValueError: the iteration does not settle: the chain is periodic or falls apart.
    """
    A, N, V = reward.held.shape
    cost_AA = reward.cost * np.abs(reward.positions[:, None] - reward.positions[None, :])  # held, taken
    h_ANV, zero = np.zeros((A, N, V)), int(np.argmin(np.abs(reward.positions)))
    moves = list(zip(chain.signal_kernel.reshape(-1, N, N), chain.volatility_kernel.reshape(-1, V, V), strict=True))
    scale = max(float(np.abs(reward.held).max()), reward.cost, 1e-300)
    for sweep in range(1, SWEEPS + 1):
        taken_ANV = reward.held + sum(signal @ (h_ANV @ vol.T) for signal, vol in moves) / len(moves)
        value_ANV = (taken_ANV[None] - cost_AA[:, :, None, None]).max(axis=1)
        change = value_ANV - h_ANV
        gain = 0.5 * float(change.max() + change.min())
        settled = float(change.max() - change.min()) < TOLERANCE * scale
        h_ANV = value_ANV - value_ANV[zero, N // 2, 0]
        if settled:
            return _policy(chain, reward, taken_ANV, cost_AA, gain=gain, sweeps=sweep)
    raise ValueError(f"no optimum after {SWEEPS} sweeps: the chain is periodic or falls into parts")


def _policy(
    chain: Chain, reward: Reward, taken_ANV: np.ndarray, cost_AA: np.ndarray, *, gain: float, sweeps: int
) -> Optimum:
    """The choices that the last sweep made; a tie keeps the position held."""
    worth = taken_ANV[None] - cost_AA[:, :, None, None]
    A = len(reward.positions)
    stay = np.stack([taken_ANV[a] for a in range(A)])
    best = worth.max(axis=1)
    tie = 1e-9 * max(float(np.abs(reward.held).max()), reward.cost)
    choice = np.where(stay >= best - tie, np.arange(A)[:, None, None], worth.argmax(axis=1)).astype(np.int8)
    others = (taken_ANV[1:] - cost_AA[0, 1:, None, None]).max(axis=0)
    return Optimum(gain, reward.positions, chain.signal, choice, _crossing(chain.signal, others - stay[0]), sweeps)


def _crossing(signal_N: np.ndarray, better_NV: np.ndarray) -> np.ndarray:
    """Signal at which leaving becomes better than staying, between two nodes by straight line."""
    out = np.full(better_NV.shape[1], np.nan)
    for v, better in enumerate(better_NV.T):
        above = np.flatnonzero(better > 0.0)
        if len(above) and above[0] > 0:
            low, high = better[above[0] - 1], better[above[0]]
            out[v] = np.interp(0.0, [low, high], signal_N[above[0] - 1 : above[0] + 1])
    return out


def check_gain(realised_T: np.ndarray, best: float, *, errors: float = 3.0) -> Finding:
    """Whether a policy earned more than the best possible: then it saw the future, or costs were forgotten.

    The standard error is that of the mean of 50 consecutive blocks, so that dependence within a block does no harm.

    Args:
        realised_T: f64[T] reward of each bar (mean over symbols), realised or with the return noise integrated out.
        best: gain per bar of the optimum, in the same unit.
        errors: standard errors above the best that are still chance.

    Returns:
        `truth.gain`: `error` beyond, `info` otherwise; `warning` below 5,000 bars, where nothing can be said.
    """
    T = len(realised_T)
    if T < 100 * BLOCKS:
        return Finding(
            "truth.gain",
            "warning",
            f"{T} bars are too few to compare a gain with the optimum",
            {"bars": T},
            remedy="evaluate on 5,000 bars or more",
        )
    blocks = realised_T[: T // BLOCKS * BLOCKS].reshape(BLOCKS, -1).mean(axis=1)
    mean, error = float(blocks.mean()), float(blocks.std(ddof=1) / np.sqrt(BLOCKS))
    evidence = {"gain": mean, "standard_error": error, "optimum": best, "bars": T}
    if mean > best + errors * error + 1e-12:
        claim = f"earned {mean:.3g} a bar where no policy can earn more than {best:.3g} (standard error {error:.1g})"
        remedy = "look for a value that is known too late, or a cost that is not charged"
        return Finding("truth.gain", "error", claim, evidence, remedy=remedy)
    return Finding("truth.gain", "info", f"earned {mean:.3g} a bar, at most {best:.3g} can be earned", evidence)
