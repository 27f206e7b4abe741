"""Square-root impact (Toth et al. 2011, PRX 1:021006): Y x volatility x sqrt(traded / volume), from past bars only.

Volatility and volume are taken over the same horizon of n bars, so n drops out of a steady market:
volatility(n) / sqrt(volume(n)) = volatility(1) sqrt(n) / sqrt(n volume(1)).
"""

# A assets, T bars, R present bars of one asset

import numpy as np

from edgeproof.core.lately import known_before

__all__ = ["impact_rates"]


def impact_rates(
    prices: np.ndarray, present: np.ndarray, coefficient: float, bars: int, *, volatility: np.ndarray | None = None
) -> np.ndarray:
    """What one unit's square root costs in bar t as a share of notional, from the bars before t. f64[A, T].

    The cost of a fill of q units in bar t is this rate x sqrt(q) x its notional.

    Args:
        prices: f64[A, T, 5] open, high, low, close, volume; volume in the units that are traded.
        present: bool[A, T].
        coefficient: Y of the law.
        bars: n, past present bars of the asset; the root mean square of their n returns and the sum of their volume.
        volatility: f64[A, T] of one bar, known at the close of t, instead of the one measured here.

    Returns:
        Infinite until the first n returns are known; where the volume of n bars is zero, the last rate before.
    """
    rates = np.full(present.shape, np.inf)
    for a in range(len(present)):
        rows = np.flatnonzero(present[a])
        close, volume = prices[a, rows, 3], prices[a, rows, 4]
        if len(rows) <= bars:
            continue
        if volatility is None:
            squares = np.concatenate([[0.0], np.cumsum((close[1:] / close[:-1] - 1.0) ** 2)])
            swing = np.sqrt(np.maximum(squares[bars:] - squares[:-bars], 0.0))  # over n bars: sqrt(n) x rms
        else:
            swing = volatility[a, rows[bars:]] * np.sqrt(bars)
        total = np.cumsum(volume)
        traded = total[bars:] - total[:-bars]
        usable = (traded > 0.0) & np.isfinite(swing) & (swing >= 0.0)
        at_row = np.full(len(rows), np.inf)
        at_row[bars:][usable] = coefficient * swing[usable] / np.sqrt(traded[usable])
        known = np.full(present.shape[1], np.inf)
        known[rows] = at_row
        rates[a] = known_before(known, np.isfinite(known), np.inf)
    return rates
