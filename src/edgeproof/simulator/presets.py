"""Published fee schedules as costs, each with source and date; fees change, so look them up again.

A fill at the next open takes liquidity, so every preset charges the taker's fee. Spread, slippage, impact and funding
are no part of a fee schedule: the half spread is the default of `CostsConfig`, and is yours to replace.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from edgeproof.core.catalog import lookup

__all__ = ["PRESETS", "Preset", "preset"]


@dataclass(frozen=True)
class Preset:
    """A fee schedule: keys of `CostsConfig`, whose page they are from, when it was read, what they leave out."""

    charges: Mapping[str, float]
    source: str
    date: str
    note: str = ""


PRESETS: dict[str, Preset] = {
    "binance_spot": Preset(
        {"commission_bps": 10.0}, "Binance fee schedule, spot, VIP 0", "2026-10", "25% less if paid in BNB"
    ),
    "kraken_spot": Preset(
        {"commission_bps": 40.0}, "Kraken Pro fee schedule, spot, entry tier", "2026-10", "makers pay 25 bps"
    ),
    "coinbase_advanced": Preset(
        {"commission_bps": 60.0},
        "Coinbase Advanced fee schedule, entry tier",
        "2026-10",
        "approximate; makers pay about 40 bps",
    ),
    "usdt_perpetual": Preset(
        {"commission_bps": 5.0}, "Binance, OKX, Kraken fee schedules, USDT perpetuals", "2026-10", "makers pay 2 bps"
    ),
    "bybit_perpetual": Preset(
        {"commission_bps": 5.5}, "Bybit fee schedule, USDT perpetuals", "2026-10", "makers pay 2 bps"
    ),
    "ibkr_us_fixed": Preset(
        {"commission_bps": 0.0, "commission_per_unit": 0.005, "commission_minimum": 1.0},
        "Interactive Brokers, US stocks, fixed pricing",
        "2025-06",
        "its cap of 1% of an order is left out, so small orders are charged more; fees on sales are not in it",
    ),
}


def preset(name: str) -> Preset:
    """A preset by name.

    Raises:
        ConfigError: there is none of this name; the nearest ones are named.
    """
    return lookup(PRESETS, "cost presets", name)
