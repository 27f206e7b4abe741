"""Small panels for tests of features, labels and leakage."""

import numpy as np

from edgeproof.core.clock import HOUR_NS
from edgeproof.core.identity import sha_array
from edgeproof.data.panel import Panel


def panel_of(prices: np.ndarray, present: np.ndarray | None = None) -> Panel:
    """A panel of hourly bars from prices f64[S, T, 5]."""
    S, T, _ = prices.shape
    present = np.ones((S, T), bool) if present is None else present
    open_time = np.arange(T) * HOUR_NS
    return Panel(
        prices,
        present,
        open_time,
        open_time + HOUR_NS,
        tuple(f"S{s}" for s in range(S)),
        HOUR_NS,
        "continuous",
        sha_array(prices, present),
    )


def random_prices(S: int, T: int, seed: int) -> np.ndarray:
    """f64[S, T, 5]: walks with fat tails, gaps between bars, log-normal volume."""
    draw = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(draw.standard_t(4, (S, T)) * 0.006, 1))
    start = np.concatenate([close[:, :1], close[:, :-1]], 1) * np.exp(draw.normal(0, 0.0005, (S, T)))
    high = np.maximum(start, close) * np.exp(np.abs(draw.normal(0, 0.004, (S, T))))
    low = np.minimum(start, close) * np.exp(-np.abs(draw.normal(0, 0.004, (S, T))))
    return np.stack([start, high, low, close, np.exp(draw.normal(5, 1, (S, T)))], 2)


def random_panel(S: int, T: int, seed: int) -> Panel:
    """A panel without gaps."""
    return panel_of(random_prices(S, T, seed))


def rough_panel(S: int, T: int, seed: int, max_gap_bars: int = 24) -> Panel:
    """Missing bars, bars without volume or range, a flat stretch, an outage of all symbols, a gap that ends a run."""
    prices = random_prices(S, T, seed)
    draw = np.random.default_rng(seed + 1)
    fate = draw.random((S, T))
    prices[fate < 0.01, 4] = 0.0
    flat = (fate > 0.01) & (fate < 0.02)
    prices[flat, :4] = prices[flat, 3:4]
    still = int(draw.integers(0, T - 40))
    prices[0, still : still + 30, :4] = prices[0, still, 3]
    present = fate < 0.99
    outage = int(draw.integers(0, T - 5))
    present[:, outage : outage + 3] = False
    gap = int(draw.integers(T // 8, T // 4))
    present[-1, gap : gap + max_gap_bars + 1] = False
    return panel_of(prices, present)
