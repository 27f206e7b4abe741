"""The published size and power tables of the verdict's rule, and their simulation with the product's own functions.

Published: derivation of the rule by simulation, 2026-11-21, with the repetitions stated at each table. A share p from
R repetitions has a standard error of sqrt(p (1 - p) / R); `beyond` asks for three of them, of ours and theirs together,
plus half a unit of the last printed digit.
"""

# R repetitions, T bars, N trials

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtr

from edgeproof.evaluate.regimes import regime_tests
from edgeproof.stats.blocks import BLOCKS, BlockTest, alpha, block_t
from edgeproof.stats.compare import maximum_test
from edgeproof.verdict.guards import guards, sealed_test
from edgeproof.verdict.judge import decide
from edgeproof.verdict.limit import detection_limit
from edgeproof.verdict.selection import select
from tests.unit.verdict.cases import YEAR, evidence, span

NOMINAL = 0.05
DAY_OF_SHORT = 4  # spans of 1,400 bars then have 350 units, as 8,760 hourly bars have 365
BASE = evidence(sealed=None, sealed_bars=8760)
SELECTION = select(BASE.trials, BASE.rng)


@dataclass(frozen=True)
class Table:
    """One published table: its cells, the repetitions behind them, half a unit of their last digit, our simulation."""

    published: Mapping[str, float]
    repetitions: int
    rounding: float
    simulate: Callable[[np.random.Generator, int], Mapping[str, float]]


def beyond(published: float, found: float, table: Table, repetitions: int) -> float:
    """How far apart both are, in units of what is allowed: at most 1 is agreement."""
    centre = min(max(published, found, 1 / repetitions), 1 - 1 / repetitions)
    error = (centre * (1 - centre) * (1 / repetitions + 1 / table.repetitions)) ** 0.5
    return abs(found - published) / (3 * error + table.rounding)


def tested(net: np.ndarray, held: np.ndarray) -> BlockTest:
    return block_t(net, held, bars_per_day=24)


def share(claims: list[bool]) -> float:
    return float(np.mean(claims))


# --- section 1.1: one series of each law; plain t of 14 blocks at 5%, then lowered for skew (the shipped test) ---


def normal(g: np.random.Generator, bars: int) -> np.ndarray:
    return g.standard_normal(bars)


def autoregressive(g: np.random.Generator, bars: int) -> np.ndarray:
    from scipy.signal import lfilter

    return np.asarray(lfilter([1.0], [1.0, -0.1], g.standard_normal(bars + 50)))[50:]


def overlapping(g: np.random.Generator, bars: int) -> np.ndarray:
    total = np.cumsum(g.standard_normal(bars + 24))
    return total[24:] - total[:-24]


def student(g: np.random.Generator, bars: int) -> np.ndarray:
    return g.standard_t(4, bars)


def garch_tracks(g: np.random.Generator, repetitions: int, bars: int) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """GARCH(1,1) with t6 innovations: h = 0.05 + 0.1 r^2 + 0.85 h."""
    z = g.standard_t(6, (bars + 200, repetitions)) * (4 / 6) ** 0.5
    h, out = np.ones(repetitions), np.empty_like(z)
    for t, row in enumerate(z):
        out[t] = np.sqrt(h) * row
        h = 0.05 + 0.1 * out[t] ** 2 + 0.85 * h
    for net in out[200:].T:
        yield net, np.ones(bars, bool), bars**0.5


def dense_tracks(draw: Callable[[np.random.Generator, int], np.ndarray], long_run: float) -> Callable:
    """In the market at every bar; `long_run` is the standard deviation of the sum over sqrt(T)."""

    def tracks(g: np.random.Generator, repetitions: int, bars: int) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
        for _ in range(repetitions):
            yield draw(g, bars), np.ones(bars, bool), long_run * bars**0.5

    return tracks


def episodes(g: np.random.Generator, bars: int) -> np.ndarray:
    """Mask of 6-bar episodes in 5% of the bars: 73 of them in 8,760, 17 in 2,000."""
    starts = g.choice(bars // 12, round(bars / 120), replace=False) * 12
    held = np.zeros(bars, bool)
    held[(starts[:, None] + np.arange(6)).ravel()] = True
    return held


def sparse_student(g: np.random.Generator, repetitions: int, bars: int):
    for _ in range(repetitions):
        held = episodes(g, bars)
        yield student(g, bars) * held, held, (2.0 * held.sum()) ** 0.5


def sparse_overlap(g: np.random.Generator, repetitions: int, bars: int):
    for _ in range(repetitions):
        held = episodes(g, bars)
        each = np.convolve(held, np.ones(24))  # how often each innovation is in the sum
        yield overlapping(g, bars) * held, held, float(each @ each) ** 0.5


def sparse_skewed(g: np.random.Generator, repetitions: int, bars: int):
    """95% of the bars in the market win 1, 5% lose 19."""
    for _ in range(repetitions):
        held = episodes(g, bars)
        net = np.where(g.random(bars) < 0.05, -19.0, 1.0) * held
        yield net, held, (19.0 * held.sum()) ** 0.5


LAWS = {
    "iid dense": dense_tracks(normal, 1.0),
    "GARCH t6 dense": garch_tracks,
    "AR(1) .1 dense": dense_tracks(autoregressive, 1 / 0.9),
    "24-bar overlap dense": dense_tracks(overlapping, 24.0),
    "t4 sparse 5%": sparse_student,
    "24-bar overlap sparse": sparse_overlap,
    "skewed sparse": sparse_skewed,
}


def law_cells(g: np.random.Generator, law: str, repetitions: int, bars: int = 8760) -> dict[str, float]:
    """Plain size, plain power at 2.4865 standard errors, size of the shipped test."""
    plain, powerful, shipped = [], [], []
    for low in range(0, repetitions, 200):
        for net, held, deviation in LAWS[law](g, min(200, repetitions - low), bars):
            test = tested(net, held)
            plain.append(stdtr(BLOCKS - 1, -test.t) <= NOMINAL)
            shipped.append(test.p is not None and test.p <= NOMINAL)
            moved = tested(net + held * (2.4865 * deviation / held.sum()), held)
            powerful.append(stdtr(BLOCKS - 1, -moved.t) <= NOMINAL)
    return {f"{law}: size": share(plain), f"{law}: power": share(powerful), f"{law}: shipped": share(shipped)}


def laws(g: np.random.Generator, repetitions: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for law in LAWS:
        found |= law_cells(g, law, repetitions)
    return found


def few_trades(g: np.random.Generator, repetitions: int) -> dict[str, float]:
    found = {}
    for bars, count in ((2000, 17), (8760, 73), (17_520, 146)):
        cells = law_cells(g, "skewed sparse", repetitions, bars)
        found |= {f"{count} episodes: plain": cells["skewed sparse: size"]}
        found |= {f"{count} episodes: shipped": cells["skewed sparse: shipped"]}
    return found


# --- section 1.2: the best of 100 trials on validation, judged on a span of its own, p_max at most one half ---


def searched(g: np.random.Generator, good: int, trials: int = 100, bars: int = 168) -> bool:
    """Both spans of `bars` days, trials correlated by a half; `good` of them have a mean of 2.63 standard errors."""
    edge = np.where(np.arange(trials) < good, 2.63 / bars**0.5, 0.0)
    both = 0.5**0.5 * (g.standard_normal((2, bars, 1)) + g.standard_normal((2, bars, trials))) + edge
    best = maximum_test(both[0], g, repetitions=199, block_bars=4)
    if best is None or best.p > 0.5:
        return False
    found = block_t(both[1][:, best.best], np.ones(bars, bool), bars_per_day=1)
    return found.p is not None and found.p <= NOMINAL


def selection(g: np.random.Generator, repetitions: int) -> dict[str, float]:
    kinds = {"null": 0, "all good": 100, "tenth good": 10, "one good": 1}
    return {name: share([searched(g, good) for _ in range(repetitions)]) for name, good in kinds.items()}


# --- section 1.4: markets that rise, positions without timing skill ---


def both_tests(net: np.ndarray, hold: np.ndarray, held: np.ndarray) -> tuple[bool, bool]:
    """Claims at 5% of the net return alone, and of the larger p of net and timing (the shipped rule)."""
    p = [tested(x, held).p for x in (net, net - hold)]
    claims = [value is not None and value <= NOMINAL for value in p]
    return claims[0], all(claims)


def drifting(g: np.random.Generator, sharpe: float, long_share: float, bars: int = 8760) -> tuple[bool, bool]:
    side = np.repeat((g.random(bars // 12) < long_share).astype(float), 12)
    move = g.standard_normal(bars) + sharpe / YEAR**0.5
    return both_tests(side * move, side.mean() * move, side != 0)


def timed(g: np.random.Generator, bars: int = 8760) -> tuple[bool, bool]:
    side = np.repeat(g.choice([-1.0, 1.0], bars // 12), 12)
    move = g.standard_normal(bars) + side * 2.63 / bars**0.5
    return both_tests(side * move, side.mean() * move, side != 0)


def drift(g: np.random.Generator, repetitions: int) -> dict[str, float]:
    found = {}
    for name, sharpe, long_share in (("0", 0, 0.5), ("1.5", 1.5, 0.5), ("3.0", 3.0, 0.5), ("1.5, 90% long", 1.5, 0.9)):
        rows = np.array([drifting(g, sharpe, long_share) for _ in range(repetitions)]).mean(axis=0)
        found |= {f"Sharpe {name}: net alone": float(rows[0]), f"Sharpe {name}: shipped": float(rows[1])}
    rows = np.array([timed(g) for _ in range(repetitions)]).mean(axis=0)
    return found | {"timing edge: net alone": float(rows[0]), "timing edge: shipped": float(rows[1])}


# --- section 2: several openings of one span ---


def openings(g: np.random.Generator, repetitions: int, bars: int = 280) -> dict[str, float]:
    """Spans of `bars` days: with 14 alone Johnson's term would see skew in every sample, and the size be 3%."""
    held, counts = np.ones(bars, bool), (1, 2, 3, 10, 50)
    levels, found = np.array([alpha(k) for k in range(1, 51)]), {}
    for rho, name in ((0.0, "independent"), (0.5, "rho .5")):
        first = []
        for _ in range(repetitions):
            x = (1 - rho) ** 0.5 * g.standard_normal((50, bars)) + rho**0.5 * g.standard_normal(bars)
            p = np.array([float(block_t(row, held, bars_per_day=1).p or 1) for row in x])
            hits = np.flatnonzero(p <= levels)
            first.append(hits[0] + 1 if hits.size else 51)
        found |= {f"{name}, K={k}": float(np.mean(np.array(first) <= k)) for k in counts}
    return found


# --- section 3: the three answers, S* the detection limit ---


def answer(net: np.ndarray) -> str:
    """Of the shipped rule with every guard, on a track that is always in the market and owes nothing to drift."""
    sealed = span(net, np.zeros(len(net)), np.ones(len(net), bool), figures={"net": {}, "gross": {}})
    case = replace(BASE, sealed=sealed, opening=1, bars_per_day=DAY_OF_SHORT)
    test = sealed_test(case)
    return decide(test, guards(case, test, SELECTION), detection_limit(len(net), YEAR))


def answers(g: np.random.Generator, repetitions: int, bars: int = 1400) -> dict[str, float]:
    found = {}
    for delta in (-3, -1, 0, 1, 1.5, 2, 2.76, 3, 4):
        count = Counter(answer(g.standard_normal(bars) + delta / bars**0.5) for _ in range(repetitions))
        found |= {f"{delta}: {name}": count[name] / repetitions for name in ("edge", "no_edge", "inconclusive")}
    return found


# --- section 4: no regime significantly negative ---


def in_regimes(g: np.random.Generator, slots: list[int], mean_of: list[float], bars: int = 1400) -> tuple[bool, bool]:
    """Claims of the test at 5% alone, and with the guard of regimes; regimes change every 5 bars through `slots`."""
    code = np.array(slots)[np.arange(bars) // 5 % len(slots)].astype(np.int8)
    net, held = g.standard_normal(bars) + np.array(mean_of)[code], np.ones(bars, bool)
    p = block_t(net, held, bars_per_day=DAY_OF_SHORT).p
    losses = [test.p_loss for test in regime_tests(net, held, code, bars_per_day=DAY_OF_SHORT, horizon_bars=1)]
    claim = p is not None and p <= NOMINAL
    return claim, claim and min(losses) >= 0.05 / len(losses)


def regimes(g: np.random.Generator, repetitions: int) -> dict[str, float]:
    even = 2.63 / 1400**0.5
    shapes = {
        "equal": ([0, 1, 2, 3], [even] * 4),
        "unequal": ([0, 1, 0, 2, 1, 0, 3, 2, 1, 0], [even] * 4),
        "one": ([0, 1, 2, 3], [4 * even, 0.0, 0.0, 0.0]),
    }
    found = {}
    for name, (slots, means) in shapes.items():
        rows = np.array([in_regimes(g, slots, means) for _ in range(repetitions)]).mean(axis=0)
        found |= {f"{name}: test alone": float(rows[0]), f"{name}: shipped": float(rows[1])}
    return found


TABLES = {
    "1.1 laws": Table(
        {
            "iid dense: size": 0.051,
            "iid dense: power": 0.75,
            "GARCH t6 dense: size": 0.048,
            "GARCH t6 dense: power": 0.74,
            "AR(1) .1 dense: size": 0.049,
            "AR(1) .1 dense: power": 0.76,
            "24-bar overlap dense: size": 0.048,
            "24-bar overlap dense: power": 0.77,
            "t4 sparse 5%: size": 0.049,
            "t4 sparse 5%: power": 0.74,
            "24-bar overlap sparse: size": 0.045,
            "24-bar overlap sparse: power": 0.77,
            "skewed sparse: size": 0.080,
            "skewed sparse: power": 0.72,
            "skewed sparse: shipped": 0.034,
        },
        1500,
        0.005,
        laws,
    ),
    "1.1 skew with few trades": Table(
        {
            "17 episodes: plain": 0.105,
            "17 episodes: shipped": 0.010,
            "73 episodes: plain": 0.072,
            "73 episodes: shipped": 0.034,
            "146 episodes: shipped": 0.039,
        },
        1500,
        0.0005,
        few_trades,
    ),
    "1.2 selection over 100 trials": Table(
        {"null": 0.023, "all good": 0.798, "tenth good": 0.794, "one good": 0.601}, 40_000, 0.0005, selection
    ),
    "1.4 drift": Table(
        {
            "Sharpe 0: net alone": 0.052,
            "Sharpe 0: shipped": 0.019,
            "Sharpe 1.5: net alone": 0.262,
            "Sharpe 1.5: shipped": 0.046,
            "Sharpe 3.0: net alone": 0.642,
            "Sharpe 3.0: shipped": 0.052,
            "Sharpe 1.5, 90% long: net alone": 0.377,
            "Sharpe 1.5, 90% long: shipped": 0.030,
            "timing edge: net alone": 0.796,
            "timing edge: shipped": 0.792,
        },
        3000,
        0.0005,
        drift,
    ),
    "2 openings": Table(
        {
            "independent, K=1": 0.041,
            "independent, K=2": 0.045,
            "independent, K=3": 0.047,
            "independent, K=10": 0.049,
            "independent, K=50": 0.050,
            "rho .5, K=2": 0.043,
            "rho .5, K=3": 0.044,
            "rho .5, K=10": 0.045,
            "rho .5, K=50": 0.045,
        },
        200_000,
        0.0005,
        openings,
    ),
    "3 answers": Table(
        {
            "-3: no_edge": 1.0,
            "-1: no_edge": 0.983,
            "0: edge": 0.041,
            "0: no_edge": 0.874,
            "0: inconclusive": 0.086,
            "1: edge": 0.21,
            "1: no_edge": 0.57,
            "1: inconclusive": 0.22,
            "1.5: edge": 0.37,
            "1.5: no_edge": 0.38,
            "1.5: inconclusive": 0.25,
            "2: edge": 0.55,
            "2: no_edge": 0.22,
            "2: inconclusive": 0.23,
            "2.76: edge": 0.80,
            "2.76: no_edge": 0.064,
            "2.76: inconclusive": 0.135,
            "3: edge": 0.857,
            "3: no_edge": 0.039,
            "3: inconclusive": 0.104,
            "4: edge": 0.977,
            "4: no_edge": 0.003,
            "4: inconclusive": 0.020,
        },
        400_000,
        0.005,
        answers,
    ),
    "4 regimes": Table(
        {
            "equal: test alone": 0.803,
            "equal: shipped": 0.803,
            "unequal: test alone": 0.801,
            "unequal: shipped": 0.801,
            "one: test alone": 0.801,
            "one: shipped": 0.789,
        },
        200_000,
        0.0005,
        regimes,
    ),
}
