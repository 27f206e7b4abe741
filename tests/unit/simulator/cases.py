"""Random markets and targets for the simulator's tests."""

import numpy as np
from hypothesis import strategies as st

from edgeproof.simulator.track import COST_KINDS

Scene = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
MONEY = ("gross", *COST_KINDS, "net", "equity", "weights", "traded")


def market(rng, assets, bars, volatility=0.02):
    """Random-walk prices f64[A, T, 5] whose opens gap away from the close before."""
    close = np.exp(np.cumsum(rng.normal(0, volatility, (assets, bars)), axis=1)) * rng.uniform(0.01, 1000, (assets, 1))
    before = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    prices = np.ones((assets, bars, 5))
    prices[:, :, 0], prices[:, :, 3] = before * np.exp(rng.normal(0, volatility / 3, before.shape)), close
    prices[:, :, 1], prices[:, :, 2] = prices.max(axis=2), prices[:, :, [0, 3]].min(axis=2)
    return prices


def four(parts) -> Scene:
    """(prices, present, weights, decided), counted for the type checker."""
    prices, present, weights, decided = parts
    return prices, present, weights, decided


@st.composite
def scenes(draw):
    """(prices, present, weights, decided): gaps, sparse decisions, long and short, also beyond gross 1."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    assets, bars = draw(st.integers(1, 5)), draw(st.integers(1, 40))
    gross = draw(st.sampled_from([0.3, 1.0, 2.5]))
    levels = rng.uniform(0.1, 1.0, 2) * gross / assets
    choice = [0.0, levels[0], levels[1]] if draw(st.booleans()) else [0.0, levels[0], -levels[0], -levels[1]]
    prices = market(rng, assets, bars, draw(st.sampled_from([0.005, 0.05, 0.4])))
    present = rng.random((assets, bars)) > draw(st.sampled_from([0.0, 0.1, 0.5]))
    weights = rng.choice(choice, (assets, bars))
    decided = rng.random((assets, bars)) < draw(st.sampled_from([0.2, 0.6, 1.0]))
    return prices, present, weights, decided
