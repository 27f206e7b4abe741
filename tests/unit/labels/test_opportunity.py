"""Opportunity: touches by hand, a plain loop, and the simulator's own bracket as a second witness."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.config import from_mapping
from edgeproof.core.errors import ConfigError
from edgeproof.labels import LABELS, OpportunityConfig
from edgeproof.labels.label import Bracket
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate_many
from edgeproof.simulator.feed import Outside
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import REASONS
from tests.unit.features.panels import random_panel, rough_panel
from tests.unit.labels.paths import by_loop, path, thinned

FLAT = (100.0, 100.0, 100.0, 100.0)


def bps(take: float = 200, stop: float = 100, bars: int = 3) -> OpportunityConfig:
    return OpportunityConfig(unit="bps", take_profit=take, stop_loss=stop, horizon_bars=bars)


@pytest.mark.parametrize(
    ("bars", "y", "resolved_at"),
    [
        ([FLAT, (100, 101, 99.5, 100), (101, 102, 100, 101)], 1, 2),  # target 102 in the second bar of the path
        ([FLAT, (100, 102, 99.5, 101)], 1, 1),  # in the bar of the fill
        ([FLAT, (100, 101, 99, 101), (101, 103, 101, 103)], 0, 1),  # stop 99 first
        ([FLAT, (100, 105, 98, 104)], 0, 1),  # both in one bar: a loss
        ([FLAT, FLAT, (98, 106, 98, 105)], 0, 2),  # opened beyond the stop
        ([FLAT, FLAT, (103, 106, 103, 105)], 1, 2),  # opened beyond the target
        ([FLAT, FLAT, (103, 106, 98, 105)], 0, 2),  # beyond the target, but the bar holds the stop too
        ([FLAT, FLAT, FLAT, FLAT, (100, 110, 100, 110)], 0, 3),  # too late
        ([FLAT, FLAT, FLAT, (100, 102, 100, 100)], 1, 3),  # in the last of three bars
        ([FLAT, (100, 101.99, 99.01, 100), FLAT, FLAT], 0, 3),  # a hair short of both
    ],
)
def test_touches_by_hand(bars, y, resolved_at):
    labels = bps().label(path(*bars))
    assert labels.known[0, 0]
    assert labels.y[0, 0] == y
    assert labels.resolved_at[0, 0] == resolved_at


def test_a_path_that_is_not_over_is_unknown_and_a_missing_bar_touches_nothing():
    high = (100.0, 103.0, 100.0, 102.0)
    assert not bps().label(path(FLAT, FLAT, FLAT)).known.any()
    assert not bps().label(path(FLAT, high, missing=(1,))).known.any()  # nothing to be filled in
    assert not bps().label(path(FLAT, high, missing=(0,))).known.any()  # nothing to decide on
    gap = bps().label(path(FLAT, FLAT, high, FLAT, missing=(2,)))
    assert gap.known[0, 0]
    assert (gap.y[0, 0], gap.resolved_at[0, 0]) == (0, 3)
    behind = bps().label(path(FLAT, FLAT, high, FLAT, FLAT, missing=(3, 4)))
    assert (behind.y[0, 0], behind.resolved_at[0, 0]) == (1, 2)


def test_distances_in_volatilities_by_hand():
    closes = [100.0, 101.0, 100.0, 101.0]
    sd = float(np.std(np.log([1.01, 1 / 1.01, 1.01]), ddof=1))
    for excess, expected in ((0.999, 0), (1.001, 1)):
        last = (100.0, 100 * (1 + 2 * sd * excess), 100.0, 100.0)
        panel = path(*[(100.0, close, 100.0, close) for close in closes], last)
        config = OpportunityConfig(take_profit=2, stop_loss=1, volatility_bars=3, horizon_bars=1)
        labels = config.label(panel)
        assert labels.known[0].tolist() == [False, False, True, True, False]  # at 2 there are two of three returns
        assert labels.y[0, 3] == expected
        assert labels.reach == 3
        np.testing.assert_allclose(np.asarray(config.barrier_volatility(panel))[0, 3], sd)


def test_its_bracket():
    assert bps(200, 100, 5).bracket() == Bracket(0.02, 0.01, 5, in_volatilities=False)
    assert bps().barrier_volatility(random_panel(1, 50, 0)) is None
    assert OpportunityConfig().bracket() == Bracket(3.0, 1.5, 24, in_volatilities=True)
    assert bps(bars=5).label(random_panel(1, 50, 0)).reach == 4


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    bars=st.integers(1, 8),
    take=st.sampled_from([50.0, 100.0, 300.0]),
    stop=st.sampled_from([0.0, 50.0, 150.0]),
    scaled=st.booleans(),
)
def test_equal_to_a_plain_loop(seed: int, bars: int, take: float, stop: float, scaled: bool):
    panel = thinned(rough_panel(2, 60, seed, max_gap_bars=3), 0.1, seed)
    scale = 100 if scaled else 1
    unit = "volatilities" if scaled else "bps"
    config = OpportunityConfig(
        unit=unit, take_profit=take / scale, stop_loss=stop / scale, horizon_bars=bars, volatility_bars=4
    )
    labels = config.label(panel)
    side, last = by_loop(panel, config.bracket(), config.barrier_volatility(panel), in_range=True)
    known = (side > -2) & (last < 60)
    np.testing.assert_array_equal(labels.known, known)
    np.testing.assert_array_equal(labels.y, known & (side == 1))
    np.testing.assert_array_equal(labels.resolved_at[known], last[known])


def positions(panel, config: OpportunityConfig):
    """{t: (why it ended, when)} of the long positions filled at the open of t+1, one account each."""
    T, bracket = panel.present.shape[1], config.bracket()
    weights = np.triu(np.ones((T, T)))[:, np.newaxis]  # account n asks for the asset from bar n on
    sizes = {"stop_volatilities": bracket.stop_loss, "take_volatilities": bracket.take_profit}
    if not bracket.in_volatilities:
        sizes = {"stop_loss": bracket.stop_loss, "take_profit": bracket.take_profit}
    options = Options.model_validate({**sizes, "bracket_bars": bracket.bars, "start": 1.0})
    tracks = simulate_many(
        panel.prices,
        panel.present,
        weights,
        np.ones(T, bool),
        CostsConfig.free(),
        options=options,
        outside=Outside(volatility=config.barrier_volatility(panel)),
    )
    first = {n: track.trades[track.trades["entry_bar"] == n + 1] for n, track in enumerate(tracks)}
    return {n: (REASONS[rows["reason"][0]], int(rows["exit_bar"][0])) for n, rows in first.items() if len(rows)}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), bars=st.integers(1, 8), unit=st.sampled_from(["bps", "volatilities"]))
def test_is_one_exactly_where_the_simulator_ends_at_the_target(seed: int, bars: int, unit):
    panel = thinned(random_panel(1, 80, seed), 0.05, seed)
    scale = 60.0 if unit == "bps" else 1.0
    config = OpportunityConfig(unit=unit, take_profit=2 * scale, stop_loss=scale, horizon_bars=bars, volatility_bars=4)
    labels, held = config.label(panel), positions(panel, config)
    known = np.flatnonzero(labels.known[0]).tolist()
    assert set(known) <= set(held)
    for t in held.keys() - set(known):  # filled, but the bars end before the position does, or t itself is missing
        assert held[t][0] == "end" or not panel.present[0, t]
    for t in known:
        reason, left = held[t]
        assert labels.y[0, t] == (reason == "target")
        touched = reason in {"target", "stop"}
        assert left == labels.resolved_at[0, t] if touched else labels.resolved_at[0, t] == t + bars
        assert (
            touched or reason == "time" or labels.resolved_at[0, t] == 79 or not panel.present[0, t + bars + 1 :].any()
        )


def test_configs_refuse_in_one_line():
    with pytest.raises(ConfigError, match="unit=bps needs take_profit and stop_loss"):
        from_mapping(OpportunityConfig, {"unit": "bps", "take_profit": 200})
    with pytest.raises(ConfigError, match="take_profit"):
        from_mapping(OpportunityConfig, {"take_profit": 0})
    same = OpportunityConfig(unit="bps", take_profit=200, stop_loss=100)
    assert from_mapping(OpportunityConfig, same.model_dump(mode="json")) == same
    assert LABELS["opportunity"] is OpportunityConfig
