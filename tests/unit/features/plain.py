"""All 23 features once more, each as a plain loop that recomputes its whole window: the second witness."""

# S symbols, T bars

import math

import numpy as np

from edgeproof.data.panel import Panel

NAN = math.nan


def ratio(a: float, b: float) -> float:
    return a / b if b != 0.0 else NAN


def log(x: float) -> float:
    return math.log(x) if x > 0.0 else NAN


def deviation(x: list[float], ddof: int) -> float:
    mean = math.fsum(x) / len(x)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in x) / (len(x) - ddof)) if len(x) > ddof else NAN


class Run:
    """Bars of one symbol without a long gap, by slot."""

    def __init__(self, slots: list[int], prices: np.ndarray, market: list[float]) -> None:
        self.slots = slots
        self.o, self.h, self.l, self.c, self.v = ([float(prices[t, k]) for t in slots] for k in range(5))
        self.r = [NAN] + [math.log(self.c[i] / self.c[i - 1]) for i in range(1, len(slots))]
        self.market = market


def market_returns(panel: Panel, max_gap: int) -> list[float]:
    S, T = panel.present.shape
    out = []
    last = None
    for t in range(T):
        here = [s for s in range(S) if panel.present[s, t]]
        if not here:
            out.append(0.0)
            continue
        moves = []
        if last is not None and t - last - 1 <= max_gap:
            moves = [math.log(panel.prices[s, t, 3] / panel.prices[s, last, 3]) for s in here if panel.present[s, last]]
        out.append(math.fsum(moves) / len(moves) if moves else NAN)
        last = t
    return out


def runs(panel: Panel, s: int, max_gap: int, market: list[float]) -> list[Run]:
    groups: list[list[int]] = []
    for t in np.flatnonzero(panel.present[s]).tolist():
        if groups and t - groups[-1][-1] - 1 <= max_gap:
            groups[-1].append(t)
        else:
            groups.append([t])
    return [Run(group, panel.prices[s], market) for group in groups]


def wilder(x: list[float], period: int) -> list[float]:
    """Running mean of the first `period` values after the first, then a step of 1 / period."""
    out = [0.0]
    for i in range(1, len(x)):
        out.append(out[-1] + (x[i] - out[-1]) / min(i, period))
    return out


def ema(x: list[float], span: int) -> list[float]:
    out = [x[0]]
    for value in x[1:]:
        out.append(out[-1] + 2.0 / (span + 1) * (value - out[-1]))
    return out


def rsi(run: Run) -> list[float]:
    moves = [0.0] + [run.c[i] - run.c[i - 1] for i in range(1, len(run.c))]
    up = wilder([max(move, 0.0) for move in moves], 14)
    down = wilder([max(-move, 0.0) for move in moves], 14)
    moved = [any(moves[max(i - 13, 1) : i + 1]) for i in range(len(moves))]
    return [up[i] / (up[i] + down[i]) if moved[i] else NAN for i in range(len(moves))]


def true_range(run: Run) -> list[float]:
    return [0.0] + [
        max(run.h[i] - run.l[i], abs(run.h[i] - run.c[i - 1]), abs(run.l[i] - run.c[i - 1]))
        for i in range(1, len(run.c))
    ]


def macd(run: Run) -> list[float]:
    line = [a - b for a, b in zip(ema(run.c, 12), ema(run.c, 26), strict=True)]
    signal = ema(line, 9)
    ranges = true_range(run)
    atr = wilder(ranges, 14)
    return [(line[i] - signal[i]) / atr[i] if any(ranges[max(i - 13, 1) : i + 1]) else NAN for i in range(len(line))]


def adx(run: Run) -> list[float]:
    plus, minus = [0.0], [0.0]
    for i in range(1, len(run.h)):
        rise, fall = run.h[i] - run.h[i - 1], run.l[i - 1] - run.l[i]
        plus.append(rise if rise > max(fall, 0.0) else 0.0)
        minus.append(fall if fall > max(rise, 0.0) else 0.0)
    p, m = wilder(plus, 14), wilder(minus, 14)
    out, seen, mean = [NAN], 0, 0.0
    for i in range(1, len(p)):
        if p[i] + m[i] > 0.0:
            seen += 1
            mean += (abs(p[i] - m[i]) / (p[i] + m[i]) - mean) / min(seen, 14)
        moved = any(plus[max(i - 13, 1) : i + 1]) or any(minus[max(i - 13, 1) : i + 1])
        out.append(mean if moved else NAN)
    return out


def bollinger(c: list[float]) -> float:
    if min(c) == max(c):
        return NAN
    mean, half = math.fsum(c) / len(c), 2 * deviation(c, 0)
    return (c[-1] - (mean - half)) / (2 * half)


def volume_z(v: list[float]) -> float:
    traded = [math.log(x) for x in v if x > 0.0]
    if 2 * len(traded) < len(v) or v[-1] <= 0.0 or min(traded) == max(traded):
        return NAN
    return (traded[-1] - math.fsum(traded) / len(traded)) / deviation(traded, 1)


def amihud(r: list[float], c: list[float], v: list[float]) -> float:
    traded = [abs(r[i]) / (c[i] * v[i]) for i in range(len(r)) if v[i] > 0.0]
    return log(math.fsum(traded) / len(traded)) if 2 * len(traded) >= len(r) else NAN


def strength(run: Run, i: int) -> float:
    slots = range(run.slots[i - 24] + 1, run.slots[i] + 1)
    return math.fsum(run.r[i - 23 : i + 1]) - math.fsum(run.market[t] for t in slots)


def row(run: Run, i: int) -> dict[str, float]:
    """Every feature that is no recursion at row i, which has at least 168 rows before it."""
    o, h, low, c = run.o[i], run.h[i], run.l[i], run.c[i]
    r24, r168 = run.r[i - 23 : i + 1], run.r[i - 167 : i + 1]
    v24 = run.v[i - 23 : i + 1]
    signed = [math.copysign(1.0, x) * y if x else 0.0 for x, y in zip(r24, v24, strict=True)]
    top, bottom = max(run.h[i - 13 : i + 1]), min(run.l[i - 13 : i + 1])
    ranges = [math.log(a / b) ** 2 for a, b in zip(run.h[i - 23 : i + 1], run.l[i - 23 : i + 1], strict=True)]
    return {
        **{f"log_return_{k}": math.log(c / run.c[i - k]) for k in (1, 3, 6, 12, 24, 72)},
        "log_volatility_24": log(deviation(r24, 1)),
        "log_volatility_ratio_24_168": log(ratio(deviation(r24, 1), deviation(r168, 1))),
        "parkinson_24": math.sqrt(math.fsum(ranges) / 24 / (4 * math.log(2))),
        "log_range": math.log(h / low),
        "body_share": ratio(c - o, h - low),
        "close_location": ratio(c - low, h - low),
        "bollinger_position_20": bollinger(run.c[i - 19 : i + 1]),
        "stochastic_k_14": ratio(c - bottom, top - bottom),
        "log_distance_sma_168": math.log(c / (math.fsum(run.c[i - 167 : i + 1]) / 168)),
        "log_volume_z_168": volume_z(run.v[i - 167 : i + 1]),
        "signed_volume_share_24": ratio(math.fsum(signed), math.fsum(v24)),
        "log_amihud_24": amihud(r24, run.c[i - 23 : i + 1], v24),
        "market_return_1": run.market[run.slots[i]],
        "relative_strength_24": strength(run, i),
    }


def plain_features(panel: Panel, max_gap: int) -> dict[str, np.ndarray]:
    """Each feature f64[S, T], NaN where it has no value or fewer than 300 rows of its run lie before."""
    market = market_returns(panel, max_gap)
    S, T = panel.present.shape
    out: dict[str, np.ndarray] = {}
    for s in range(S):
        for run in runs(panel, s, max_gap, market):
            recursive = {"rsi_14": rsi(run), "macd_histogram_atr": macd(run), "adx_14": adx(run)}
            for i in range(300, len(run.slots)):
                values = row(run, i) | {name: column[i] for name, column in recursive.items()}
                for name, value in values.items():
                    out.setdefault(name, np.full((S, T), np.nan))[s, run.slots[i]] = value
    return out
