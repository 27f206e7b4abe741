"""Figures of a return series: what is undefined is None, never infinite, and `flag` says why.

No variation, no losing bar, no drawdown, ruin: each has a stated meaning below. A series that is zero throughout (a
model that never trades) has return, volatility, Sharpe and drawdown 0; a constant other than zero has no Sharpe.
"""

# T bars

import math

import numpy as np

__all__ = ["drawdowns", "equity_of", "performance"]

_STILL = 1e-12  # a spread below this share of the largest return is rounding, not variation
_TAIL = 5.0  # per cent
_ABSURD, _NOTHING = 1e50, 1e-50  # the fourth moment of larger returns overflows, of smaller ones vanishes


def performance(returns: np.ndarray, *, bars_per_year: float) -> dict[str, float | str | None]:
    """Trading figures that a series of simple returns per bar gives.

    Args:
        returns: f64[T] simple return of each bar on the equity before it.
        bars_per_year: annualises; the statistics are per bar inside.

    Returns:
        total_return: prod(1 + r) - 1.
        annual_return: (1 + total)^(bars_per_year / T) - 1; None where that overflows.
        volatility: sd (ddof 1) x sqrt(bars per year).
        sharpe: mean / sd x sqrt(bars per year).
        sortino: mean / sqrt(mean of min(r, 0)^2) x sqrt(bars per year); the root is over all bars (Sortino & Price
            1994). None without a loss.
        calmar: annual return / maximum drawdown of the whole span. None without a drawdown.
        max_drawdown: largest fall from a peak (the start included) as a share of the peak, 0 to 1.
        max_drawdown_bars: longest time from a peak until it is reached again, or until the end.
        profit_factor: sum of gains / sum of losses per bar. None without a loss.
        win_rate: share of winning bars among those that are not zero.
        payoff: mean gain / mean loss. None without either.
        expectancy: mean return of the bars that are not zero.
        consistency: share of whole months (12 a year, from the first bar) with a gain.
        skew: divisor T; kurtosis: excess, divisor T.
        var, cvar: the 5% quantile of the returns and the mean of those up to it (signed: a loss is negative).
        tail_ratio: |95% quantile| / |5% quantile|.
        flag: None, "short" (fewer than 2 bars), "flat" (all zero, or under 1e-50), "constant", "not_finite"
            (or a return above 1e50) or "ruin" (a bar lost everything).
    """
    r = np.asarray(returns, dtype=np.float64)
    figures: dict[str, float | str | None] = dict.fromkeys(_KEYS)
    figures["flag"] = _flag(r)
    if figures["flag"] in ("short", "not_finite"):
        return figures
    equity = equity_of(r)
    depth, bars = drawdowns(equity)
    annual = _annual_return(float(equity[-1]), r.size, bars_per_year)
    figures |= {
        "total_return": float(equity[-1] - 1),
        "annual_return": annual,
        "max_drawdown": depth,
        "max_drawdown_bars": float(bars),
        "calmar": _ratio(annual, depth),
        "consistency": _consistency(r, max(1, round(bars_per_year / 12))),
    }
    return _finite(figures | _moments(r, math.sqrt(bars_per_year)) | _gains(r) | _tails(r))


def equity_of(returns: np.ndarray) -> np.ndarray:
    """Equity from 1, f64[T+1]; it stays at 0 after a bar that lost everything."""
    growth = np.maximum(1 + np.asarray(returns, dtype=np.float64), 0.0)
    with np.errstate(over="ignore"):
        return np.minimum(np.r_[1.0, np.cumprod(growth)], np.finfo(np.float64).max)


def drawdowns(equity: np.ndarray) -> tuple[float, int]:
    """Largest fall from a peak as a share of it, and the longest time under water in bars (the last may go on)."""
    peak = np.maximum.accumulate(equity)
    at_peak = np.r_[np.flatnonzero(equity >= peak), len(equity)]
    longest = int(np.diff(at_peak).max(initial=1)) - 1
    return float((1 - equity / peak).max(initial=0.0)), longest


def _flag(r: np.ndarray) -> str | None:
    if r.size < 2:
        return "short"
    if not np.isfinite(r).all() or np.abs(r).max() > _ABSURD:
        return "not_finite"
    if _is_flat(r):
        return "flat"
    if _is_constant(r):
        return "constant"
    return "ruin" if r.min() <= -1 else None


def _is_flat(r: np.ndarray) -> bool:
    return bool(np.abs(r).max() < _NOTHING)


def _is_constant(r: np.ndarray) -> bool:
    return bool(np.ptp(r) <= max(_STILL * np.abs(r).max(), _NOTHING))


def _annual_return(growth: float, bars: int, bars_per_year: float) -> float | None:
    if growth <= 0:
        return -1.0
    exponent = math.log(growth) * bars_per_year / bars
    return math.expm1(exponent) if exponent < 700 else None


def _moments(r: np.ndarray, root: float) -> dict[str, float | None]:
    if _is_flat(r):
        return {"volatility": 0.0, "sharpe": 0.0}
    if _is_constant(r):
        return {"volatility": 0.0}
    centred, deviation = r - r.mean(), float(r.std(ddof=1))
    variance = float((centred**2).mean())
    downside = math.sqrt(float((np.minimum(r, 0.0) ** 2).mean()))
    return {
        "volatility": deviation * root,
        "sharpe": float(r.mean()) / deviation * root,
        "sortino": _ratio(float(r.mean()) * root, downside),
        "skew": float((centred**3).mean()) / variance**1.5,
        "kurtosis": float((centred**4).mean()) / variance**2 - 3,
    }


def _gains(r: np.ndarray) -> dict[str, float | None]:
    gain, loss = r[r > _NOTHING], r[r < -_NOTHING]
    count = gain.size + loss.size
    return {
        "profit_factor": _ratio(float(gain.sum()), -float(loss.sum())),
        "win_rate": _ratio(float(gain.size), float(count)),
        "payoff": _ratio(float(gain.mean()), -float(loss.mean())) if gain.size and loss.size else None,
        "expectancy": _ratio(float(r.sum()), float(count)),
    }


def _tails(r: np.ndarray) -> dict[str, float | None]:
    low, high = (float(value) for value in np.percentile(r, [_TAIL, 100 - _TAIL]))
    worst = np.sort(r)[: int((r.size - 1) * _TAIL / 100) + 1]
    return {"var": low, "cvar": float(worst.mean()), "tail_ratio": _ratio(abs(high), abs(low))}


def _consistency(r: np.ndarray, month: int) -> float | None:
    whole = r.size // month * month
    if whole == 0:
        return None
    growth = np.log1p(np.maximum(r[:whole], _STILL - 1)).reshape(-1, month).sum(axis=1)
    return float((growth > 0).mean())


def _ratio(above: float | None, below: float) -> float | None:
    return None if above is None or below <= 0 else above / below


def _finite(figures: dict[str, float | str | None]) -> dict[str, float | str | None]:
    """Overflow of an extreme series is absence, too."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in figures.items()}


_KEYS = (
    "total_return",
    "annual_return",
    "volatility",
    "sharpe",
    "sortino",
    "calmar",
    "max_drawdown",
    "max_drawdown_bars",
    "profit_factor",
    "win_rate",
    "payoff",
    "expectancy",
    "consistency",
    "skew",
    "kurtosis",
    "var",
    "cvar",
    "tail_ratio",
    "flag",
)
