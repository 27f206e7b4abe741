"""Costs, options and inputs: what is refused, and in which words."""

import numpy as np
import pytest

from edgeproof.core.config import from_mapping
from edgeproof.core.errors import ConfigError, DataError, OptionError
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import Outside, simulate
from edgeproof.simulator.options import UNBUILT, Options, require_built
from tests.unit.simulator.cases import four, market

PRICES = market(np.random.default_rng(0), 2, 6)
PRESENT, WEIGHTS, DECIDED = np.ones((2, 6), bool), np.full((2, 6), 0.4), np.ones(6, bool)


@pytest.mark.parametrize("name", UNBUILT)
def test_an_option_that_is_not_built_says_so(name):
    value = True if Options.model_fields[name].annotation is bool else 1
    options = Options.model_validate({name: value})
    with pytest.raises(OptionError, match=rf"simulator option {name}={value!r}.* is not available"):
        simulate(PRICES, PRESENT, WEIGHTS, DECIDED, CostsConfig(), options=options)


def test_every_option_is_off_at_its_default():
    require_built(Options())
    on = {"start", "rebalance"}
    assert all(not value for name, value in Options().model_dump().items() if name not in on)


@pytest.mark.parametrize("name", ["volatility", "funding_rate"])
def test_a_series_that_nothing_reads_is_refused(name):
    with pytest.raises(OptionError, match=name):
        simulate(PRICES, PRESENT, WEIGHTS, DECIDED, CostsConfig(), outside=Outside(**{name: np.zeros((2, 6))}))


def test_costs_cannot_be_negative_nor_misspelt():
    with pytest.raises(ConfigError, match="commission_bps"):
        from_mapping(CostsConfig, {"commission_bps": -1.0}, "costs")
    with pytest.raises(ConfigError, match="did you mean 'half_spread_bps'"):
        from_mapping(CostsConfig, {"half_sprad_bps": 1.0}, "costs")


def test_costs_scale_and_know_when_they_are_free():
    costs = CostsConfig(commission_bps=4.0, half_spread_bps=1.0, slippage_bps=3.0)
    assert costs.times(2.0) == CostsConfig(commission_bps=8.0, half_spread_bps=2.0, slippage_bps=6.0)
    assert costs.rates() == pytest.approx((4e-4, 1e-4, 3e-4))
    assert CostsConfig.free().is_free
    assert not costs.is_free


def test_an_unknown_engine_is_refused():
    with pytest.raises(OptionError, match="known: njit, python"):
        simulate(PRICES, PRESENT, WEIGHTS, DECIDED, CostsConfig(), engine="cuda")  # type: ignore[arg-type]


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
