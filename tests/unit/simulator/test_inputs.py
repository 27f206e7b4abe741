"""Costs, options and inputs: what is refused, and in which words."""

import numpy as np
import pytest

from edgeproof.core.config import from_mapping
from edgeproof.core.errors import ConfigError, DataError, OptionError
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
from edgeproof.simulator.feed import Outside
from edgeproof.simulator.options import Options
from tests.unit.simulator.cases import four, market

PRICES = market(np.random.default_rng(0), 2, 6)
PRESENT, WEIGHTS, DECIDED = np.ones((2, 6), bool), np.full((2, 6), 0.4), np.ones(6, bool)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stop_loss": 0.1, "stop_volatilities": 2.0}, "two distances of one bracket"),
        ({"take_profit": 0.1, "take_volatilities": 2.0}, "two distances of one bracket"),
        ({"leverage": 4.0, "maintenance_margin": 0.25}, "liquidated at once"),
        ({"liquidation_bps": 50.0}, "needs maintenance_margin"),
        ({"carry_unfilled": True}, "needs participation"),
    ],
)
def test_rules_that_exclude_each_other_are_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        from_mapping(Options, changes, "options")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("stop_loss", 5.0, r"stop_loss: .*a share: 0\.05 is 5%"),
        ("stop_loss", 1.0, r"stop_loss: .*a share: 0\.05 is 5%"),
        ("take_profit", 5.0, r"take_profit: .*a share: 0\.05 is 5%"),
        ("participation", 10.0, r"participation: .*a share: 0\.05 is 5%"),
        ("liquidation_bps", 1e4, "liquidation_bps"),
        ("bracket_bars", 10**30, "bracket_bars"),
        ("delisting_bars", 10**19, "delisting_bars"),
        ("start", 1e308, "start"),
        ("start", 2e15, r"start: .*1000000000000000"),
    ],
)
def test_a_number_beyond_its_unit_is_refused_by_name(name, value, words):
    body = {name: value, "maintenance_margin": 0.1} if name == "liquidation_bps" else {name: value}
    with pytest.raises(ConfigError, match=words):
        from_mapping(Options, body, "account")


def test_the_largest_numbers_that_are_allowed_run():
    options = Options(start=1e15, stop_loss=0.99, take_profit=1.0, bracket_bars=10**7, delisting_bars=10**7)
    assert np.isfinite(simulate(PRICES, PRESENT, WEIGHTS, DECIDED, CostsConfig(), options=options).equity).all()


def test_every_option_is_off_at_its_default():
    on = {"start", "rebalance"}
    assert all(not value for name, value in Options().model_dump().items() if name not in on)


def test_a_series_that_nothing_reads_is_refused_and_one_that_is_missing():
    series = np.full((2, 6), 0.1)
    with pytest.raises(OptionError, match="read by no option"):
        simulate(PRICES, PRESENT, WEIGHTS, DECIDED, CostsConfig(), outside=Outside(volatility=series))
    with pytest.raises(OptionError, match="volatility is read by no option"):  # impact measures its own
        simulate(PRICES, PRESENT, WEIGHTS, DECIDED, CostsConfig(impact=1.0), outside=Outside(volatility=series))
    with pytest.raises(OptionError, match="impact_volatility is read by no option"):
        simulate(PRICES, PRESENT, WEIGHTS, DECIDED, CostsConfig(), outside=Outside(impact_volatility=series))
    with pytest.raises(DataError, match=r"impact_volatility .* does not match the bars"):
        simulate(
            PRICES, PRESENT, WEIGHTS, DECIDED, CostsConfig(impact=1.0), outside=Outside(impact_volatility=series[:1])
        )
    with pytest.raises(OptionError, match=r"reads Outside\.volatility"):
        simulate(PRICES, PRESENT, WEIGHTS, DECIDED, CostsConfig(), options=Options(stop_volatilities=1.0))
    with pytest.raises(DataError, match="does not match the bars"):
        simulate(PRICES, PRESENT, WEIGHTS, DECIDED, CostsConfig(), outside=Outside(funding_rate=series[:1]))
    series[1, 3] = np.nan
    with pytest.raises(DataError, match="funding rate of asset 1 at bar 3"):
        simulate(PRICES, PRESENT, WEIGHTS, DECIDED, CostsConfig(), outside=Outside(funding_rate=series))


def test_a_bracket_needs_a_range_and_impact_a_volume():
    prices = PRICES.copy()
    prices[1, 3, 2] = prices[1, 3, 1] * 2
    with pytest.raises(DataError, match="of asset 1 at bar 3 do not hold its open"):
        simulate(prices, PRESENT, WEIGHTS, DECIDED, CostsConfig(), options=Options(stop_loss=0.1))
    prices[0, 2, 4] = np.nan
    with pytest.raises(DataError, match="the volume of asset 0 at bar 2 is nan"):
        simulate(prices, PRESENT, WEIGHTS, DECIDED, CostsConfig(impact=1.0))
    with pytest.raises(DataError, match="the volume of asset 0 at bar 2 is nan"):
        simulate(prices, PRESENT, WEIGHTS, DECIDED, CostsConfig(), options=Options(participation=0.1))


def test_costs_cannot_be_negative_nor_misspelt():
    with pytest.raises(ConfigError, match="commission_bps"):
        from_mapping(CostsConfig, {"commission_bps": -1.0}, "costs")
    with pytest.raises(ConfigError, match="did you mean 'half_spread_bps'"):
        from_mapping(CostsConfig, {"half_sprad_bps": 1.0}, "costs")


def test_costs_scale_and_know_when_they_are_free():
    costs = CostsConfig(commission_bps=4.0, half_spread_bps=1.0, slippage_bps=3.0)
    assert costs.times(2.0) == CostsConfig(commission_bps=8.0, half_spread_bps=2.0, slippage_bps=6.0)
    resting = costs.model_copy(update={"maker_bps": 2.0})
    assert resting.times(2.0).maker_bps == 4.0
    assert costs.times(2.0).maker_bps is None
    assert costs.rates() == pytest.approx((4e-4, 1e-4, 3e-4))
    assert CostsConfig.free().is_free
    assert not costs.is_free
    assert not CostsConfig.free().model_copy(update={"borrow_bps_per_bar": 1.0}).is_free
    assert CostsConfig(impact=0.5, impact_bars=9).times(2.0).impact_bars == 9


def test_an_unknown_engine_is_refused():
    with pytest.raises(OptionError, match="known: njit, python, cuda"):
        simulate(PRICES, PRESENT, WEIGHTS, DECIDED, CostsConfig(), engine="numba")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prices", "weights", "decided"),
    [
        (PRICES[:, :5], WEIGHTS, DECIDED),
        (PRICES[:, :, :4], WEIGHTS, DECIDED),
        (PRICES, WEIGHTS[:1], DECIDED),
        (PRICES, WEIGHTS, DECIDED[:3]),
    ],
)
def test_shapes_that_do_not_match_are_refused(prices, weights, decided):
    with pytest.raises(DataError, match="do not match"):
        simulate(prices, PRESENT, weights, decided, CostsConfig())


def test_a_weight_that_is_not_finite_is_named():
    weights = WEIGHTS.copy()
    weights[1, 4] = np.nan
    with pytest.raises(DataError, match="asset 1 at bar 4 is not finite"):
        simulate(PRICES, PRESENT, weights, DECIDED, CostsConfig())


@pytest.mark.parametrize(("column", "name"), [(0, "open"), (3, "close")])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_a_present_bar_needs_prices_and_a_masked_one_does_not(column, name, value):
    prices, present = PRICES.copy(), PRESENT.copy()
    prices[1, 3, column] = value
    with pytest.raises(DataError, match=f"the {name} of asset 1 at bar 3 is"):
        simulate(prices, present, WEIGHTS, DECIDED, CostsConfig())
    present[1, 3] = False
    assert np.isfinite(simulate(prices, present, WEIGHTS, DECIDED, CostsConfig()).equity).all()


def test_inputs_are_left_as_they_were_even_if_read_only():
    parts = [part.copy() for part in (PRICES[:1], PRESENT[:1], WEIGHTS[:1], DECIDED)]
    for part in parts:
        part.flags.writeable = False
    track = simulate(*four(parts), CostsConfig())
    assert track.traded[1] > 0


def test_no_assets_and_no_bars_are_an_account_that_rests():
    nothing = simulate(np.ones((0, 3, 5)), np.ones((0, 3), bool), np.ones((0, 3)), np.ones(3, bool), CostsConfig())
    assert nothing.equity.tolist() == [1.0] * 4
    empty = simulate(np.ones((2, 0, 5)), np.ones((2, 0), bool), np.ones((2, 0)), np.ones(0, bool), CostsConfig())
    assert empty.equity.tolist() == [1.0]
    assert len(empty.trades) == 0
