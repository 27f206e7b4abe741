"""Random markets and targets for the simulator's tests."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.feed import Outside
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import COST_KINDS

Scene = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Case = tuple[Scene, CostsConfig, Options, Outside]
NOTHING = Outside()
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


def scene_of(rng, choose) -> Scene:
    """(prices, present, weights, decided): gaps, sparse decisions, long and short, also beyond gross 1."""
    assets, bars = choose(range(1, 6)), choose(range(1, 41))
    gross = choose([0.3, 1.0, 2.5])
    levels = rng.uniform(0.1, 1.0, 2) * gross / assets
    choice = choose([[0.0, levels[0], levels[1]], [0.0, levels[0], -levels[0], -levels[1]]])
    prices = market(rng, assets, bars, choose([0.005, 0.05, 0.4]))
    present = rng.random((assets, bars)) > choose([0.0, 0.1, 0.5])
    weights = rng.choice(choice, (assets, bars))
    decided = rng.random((assets, bars)) < choose([0.2, 0.6, 1.0])
    return prices, present, weights, decided


@st.composite
def scenes(draw) -> Scene:
    """`scene_of` with sizes that can shrink."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return scene_of(rng, lambda values: draw(st.sampled_from(values)))


@st.composite
def full_scenes(draw) -> Case:
    """`case_of` with sizes that can shrink."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return case_of(rng, lambda values: draw(st.sampled_from(values)))


def full_case(rng) -> Case:
    """`case_of` by chance alone."""
    return case_of(rng, lambda values: values[int(rng.integers(len(values)))])


def case_of(rng, choose) -> Case:
    """(scene, costs, options, outside): every option and cost, each on or off by chance, so in all combinations."""
    prices, present, weights, decided = scene_of(rng, choose)
    density = choose([0.15, 0.4, 0.8])

    def maybe(*values, off: Any = 0.0) -> Any:
        return values[rng.integers(len(values))] if rng.random() < density else off

    prices, start = prices.copy(), float(maybe(250.0, 1e4, off=1.0))
    wick = np.exp(-np.abs(rng.normal(0, 0.02, prices.shape[:2])))
    prices[:, :, 1], prices[:, :, 2] = prices[:, :, [0, 3]].max(2) / wick, prices[:, :, [0, 3]].min(2) * wick
    prices[:, :, 4] = rng.exponential(start, present.shape) / prices[:, :, 3] * (rng.random(present.shape) > 0.1)
    costs = CostsConfig(
        commission_bps=maybe(10.0, 99.0),
        maker_bps=maybe(0.0, 5.0, 70.0, off=None),
        commission_per_unit=maybe(0.01, 0.001),
        commission_minimum=maybe(1e-3, 1e-4) * start,
        half_spread_bps=maybe(3.0),
        slippage_bps=maybe(2.0),
        impact=maybe(0.5, 1.0),
        impact_bars=int(rng.integers(2, 6)),
        borrow_bps_per_bar=maybe(5.0),
        interest_bps_per_bar=maybe(4.0),
    )
    stops = maybe((0.03, 0.0), (0.2, 0.0), (0.0, 1.5), off=(0.0, 0.0))
    takes = maybe((0.03, 0.0), (0.2, 0.0), (0.0, 1.5), off=(0.0, 0.0))
    leverage, capped = maybe(0.5, 2.0, 3.0), maybe(0.05, 0.5)
    margin = 0.3 if leverage > 1 and rng.random() < 0.7 else maybe(0.05, 0.3)
    options = Options(
        start=start,
        rebalance=maybe("always", off="changes"),
        delisting_bars=int(maybe(1, 2)),
        leverage=leverage,
        maintenance_margin=margin,
        liquidation_bps=maybe(50.0) if margin else 0.0,
        lot=maybe(0.01, 0.001) * start,
        minimum_notional=maybe(0.0173, 0.0719) * start,
        turnover_limit=maybe(0.1, 0.5),
        participation=capped,
        carry_unfilled=bool(maybe(True, off=False)) and capped > 0,
        stop_loss=stops[0],
        take_profit=takes[0],
        stop_volatilities=stops[1],
        take_volatilities=takes[1],
        bracket_bars=int(maybe(1, 3)),
        fill_at_close=bool(maybe(True, off=False)),
    )
    volatility = np.where(rng.random(present.shape) < 0.1, np.nan, rng.uniform(0.005, 0.1, present.shape))
    funding = np.where(rng.random(present.shape) < 0.2, rng.normal(0, 0.01, present.shape), 0.0)
    outside = Outside(
        volatility if options.in_volatilities else None,
        maybe(funding, off=None),
        volatility * 0.7 if costs.impact > 0 and rng.random() < 0.3 else None,
    )
    return (prices, present, weights, decided), costs, options, outside
