"""Published fee schedules as costs, each with source and date; fees change, so look them up again.

A fill at the next open takes liquidity, and so does a stop: they pay the taker's fee. A target that fills rested in the
book: it pays the maker's. Spread, slippage, impact and funding
are no part of a fee schedule: the half spread is the default of `CostsConfig`, and is yours to replace.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from edgeproof.core.catalog import lookup

__all__ = ["PRESETS", "Preset", "preset"]


@dataclass(frozen=True)
class Preset:
    """A fee schedule: keys of `CostsConfig`, whose page they are from, when it was read, what they leave out.

    `funding`: what is traded pays funding besides, which is no fee and differs from hour to hour.
    """

    charges: Mapping[str, float]
    source: str
    date: str
    note: str = ""
    funding: bool = False


def _fees(taker: float, maker: float, source: str, date: str, note: str = "") -> Preset:
    return Preset({"commission_bps": taker, "maker_bps": maker}, source, date, note)


FUNDING = "funding is not in it"


def _perpetual(taker: float, maker: float, source: str, date: str) -> Preset:
    return Preset({"commission_bps": taker, "maker_bps": maker}, source, date, FUNDING, funding=True)


PRESETS: dict[str, Preset] = {
    "binance_spot": _fees(10.0, 10.0, "Binance fee schedule, spot, VIP 0", "2026-10", "25% less if paid in BNB"),
    "kraken_spot": _fees(40.0, 25.0, "Kraken Pro fee schedule, spot, entry tier", "2026-10"),
    "coinbase_advanced": _fees(
        120.0,
        60.0,
        "Coinbase Advanced fee schedule, tier Intro 1",
        "2026-08",
        "under 1,000 USD in 30 days; the tiers above pay less, so set your own",
    ),
    "usdt_perpetual": _perpetual(
        5.0, 2.0, "Binance, OKX, Kraken fee schedules, USDT perpetuals, entry tier", "2026-10"
    ),
    "bybit_perpetual": _perpetual(5.5, 2.0, "Bybit fee schedule, USDT perpetuals, entry tier", "2026-10"),
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
