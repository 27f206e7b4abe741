"""Which column is which, whatever the source calls it: any case, `<OPEN>`, `Volume ETH` beside `Volume USDT`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgeproof.core.errors import DataError

__all__ = ["Columns", "canonical", "find_columns", "recognised"]

TIME = (
    "open_time",
    "opentime",
    "unix",
    "unix_timestamp",
    "unix_time",
    "unixtime",
    "unixtimestamp",
    "epoch",
    "timestamp",
    "time_stamp",
    "ts",
    "datetime",
    "date_time",
    "candle_begin_time",
    "open_date",
    "gmt_time",
    "date",
    "time",
    "day",
    "t",
)
SYMBOL = ("symbol", "ticker", "pair", "instrument", "asset", "code", "sym")
PRICES = {
    "open": ("open", "open_price", "o"),
    "high": ("high", "high_price", "h"),
    "low": ("low", "low_price", "l"),
    "close": ("close", "close_price", "last", "c"),
}
VOLUME = ("volume", "base_volume", "volume_base", "volumefrom", "base_asset_volume", "vol", "v", "shares")
QUOTES = {"usd", "usdt", "usdc", "busd", "tusd", "eur", "gbp", "jpy", "krw", "currency", "quote", "btc", "eth", "bnb"}


@dataclass(frozen=True)
class Columns:
    """Names in the source of what a bar needs; `clock` is a separate time-of-day column, `symbol` may be empty."""

    time: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    symbol: str = ""
    clock: str = ""


def canonical(name: str) -> str:
    """`<Unix Timestamp>` -> `unix_timestamp`."""
    return re.sub(r"[^0-9a-z]+", "_", str(name).strip().lower()).strip("_")


def recognised(names: Sequence[str]) -> int:
    """How many of time, open, high, low, close these names cover: 5 is a header."""
    plain = {canonical(name) for name in names}
    return int(any(name in plain for name in TIME)) + sum(
        any(name in plain for name in known) for known in PRICES.values()
    )


def find_columns(names: Sequence[str], where: str, symbol: str = "") -> Columns:
    """The columns of a table.

    Args:
        names: as the source has them.
        where: file and row of the header, for the error.
        symbol: the first symbol, which tells base from quote volume (`Volume ETH` of ETHUSDT).

    Raises:
        DataError: a column is missing or comes twice; the text names the columns found.
    """
    plain: dict[str, str] = {}
    for name in names:
        if canonical(name) in plain and canonical(name) in (*TIME, *VOLUME, *sum(PRICES.values(), ())):
            raise DataError(f"{where}: column {name.strip()!r} comes twice; rename or remove one")
        plain.setdefault(canonical(name), name)
    found = {"time": _first(plain, TIME), **{key: _first(plain, known) for key, known in PRICES.items()}}
    found["volume"] = _volume(plain, symbol)
    missing = [key for key, name in found.items() if not name]
    if missing:
        listed = ", ".join(str(name) for name in names) or "none"
        raise DataError(f"{where}: no column for {', '.join(missing)}; columns found: {listed}; rename them or add it")
    split = plain.get("time", "") if found["time"] == plain.get("date") else ""
    return Columns(**found, symbol=_first(plain, SYMBOL), clock=split)


def _first(plain: dict[str, str], known: Sequence[str]) -> str:
    return next((plain[name] for name in known if name in plain), "")


def _volume(plain: dict[str, str], symbol: str) -> str:
    exact = _first(plain, VOLUME)
    if exact:
        return exact
    candidates = {name.removeprefix("volume_"): column for name, column in plain.items() if name.startswith("volume_")}
    of_base = [column for unit, column in candidates.items() if symbol and symbol.lower().startswith(unit)]
    other = [column for unit, column in candidates.items() if unit not in QUOTES]
    return next(iter([*of_base, *other, *candidates.values()]), "")
