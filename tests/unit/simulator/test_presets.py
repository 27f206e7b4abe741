"""Fee schedules against their literal values and what a round trip in them costs."""

import pytest

from edgeproof.core.errors import EdgeproofError
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.presets import PRESETS, preset


def test_presets_state_source_and_date_and_charge_the_taker_and_the_maker():
    assert all(entry.source and entry.date for entry in PRESETS.values())
    costs = {name: CostsConfig(preset=name) for name in PRESETS}
    assert {name: (cost.commission_bps, cost.maker_bps) for name, cost in costs.items()} == {
        "binance_spot": (10.0, 10.0),
        "kraken_spot": (40.0, 25.0),
        "coinbase_advanced": (120.0, 60.0),
        "usdt_perpetual": (5.0, 2.0),
        "bybit_perpetual": (5.5, 2.0),
        "ibkr_us_fixed": (0.0, None),
    }
    shares = costs["ibkr_us_fixed"]
    assert (shares.commission_per_unit, shares.commission_minimum) == (0.005, 1.0)


def test_a_misspelt_preset_is_refused():
    with pytest.raises(EdgeproofError, match="binance_spot"):
        preset("binance_spt")
