"""Fee schedules against their literal values and what a round trip in them costs."""

import pytest

from edgeproof.core.errors import EdgeproofError
from edgeproof.simulator.presets import PRESETS, preset


def test_presets_state_source_and_date_and_charge_the_taker():
    assert all(entry.source and entry.date for entry in PRESETS.values())
    charged = {name: entry.costs.commission_bps for name, entry in PRESETS.items()}
    assert charged == {
        "binance_spot": 10.0,
        "kraken_spot": 40.0,
        "coinbase_advanced": 60.0,
        "usdt_perpetual": 5.0,
        "bybit_perpetual": 5.5,
        "ibkr_us_fixed": 0.0,
    }
    shares = PRESETS["ibkr_us_fixed"].costs
    assert (shares.commission_per_unit, shares.commission_minimum) == (0.005, 1.0)


def test_a_misspelt_preset_is_refused():
    with pytest.raises(EdgeproofError, match="binance_spot"):
        preset("binance_spt")
