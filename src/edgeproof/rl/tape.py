"""The tape: one market's bars and features, cut at the end of a span, dealt out to accounts of one or more assets.

What lies after the span is not in the feed at all: no reward and no observation can read it.
"""

# S symbols, G groups of A assets (S = G x A), T bars, F features, L window, M bars at which an episode may begin

from dataclasses import dataclass, field

import numpy as np

from edgeproof.core.errors import DataError, OptionError
from edgeproof.core.finding import Finding, Level
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.reward import WeightedConfig
from edgeproof.simulator.account import Feed
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.feed import Outside, feed_of
from edgeproof.simulator.options import Options

__all__ = [
    "Tape",
    "check_costs",
    "check_tape",
    "feed_by_group",
    "first_starts",
    "group_count",
    "grouped",
    "starts_of",
    "table_by_group",
]


@dataclass(frozen=True)
class Tape:
    """What is known of one market.

    Attributes:
        prices: f64[S, T, 5] open, high, low, close, volume; read where `present`.
        present: bool[S, T].
        table: f32[S, T, F] features, read as zeros where not ready.
        ready: bool[S, T].
        volatility: f64[S, T] of one bar, known at the close of t: for the weighted reward, and for brackets that are
            measured in it.
        regime: i64[S, T] number of the regime known at the close of t, for the count bonus; None: one regime.
        starts: bool[S, T] bars at which an episode may begin, if nothing else is against it; None: all.
        outside: other series that options read.
        window: L, bars of the table that are seen.
        span: bars within which episodes begin and end, nothing behind which is read; None: the whole tape.
    """

    prices: np.ndarray
    present: np.ndarray
    table: np.ndarray
    ready: np.ndarray
    volatility: np.ndarray | None = None
    regime: np.ndarray | None = None
    starts: np.ndarray | None = None
    outside: Outside = field(default_factory=Outside)
    window: int = 1
    span: slice | None = None

    @property
    def bounds(self) -> tuple[int, int]:
        """First bar of the span and the one behind its last."""
        span = slice(None) if self.span is None else self.span
        stop = self.present.shape[1] if span.stop is None else int(span.stop)
        return int(span.start or 0), stop


def check_tape(tape: Tape, config: EnvConfig) -> None:
    """Refuse arrays that do not fit together, and features that are not numbers."""
    shape, window, (start, stop) = tape.present.shape, tape.window, tape.bounds
    fits = tape.prices.shape == (*shape, 5) and tape.ready.shape == shape and tape.table.shape[:2] == shape
    if not fits or tape.table.ndim != 3 or tape.table.dtype != np.float32:
        raise DataError(
            f"environment: prices {tape.prices.shape}, present {shape}, table {tape.table.shape} "
            f"{tape.table.dtype}, ready {tape.ready.shape} do not match; [S, T, 5], [S, T], f32[S, T, F], [S, T]"
        )
    for name in ("volatility", "regime", "starts"):
        series = getattr(tape, name)
        if series is not None and series.shape != shape:
            raise DataError(f"environment: {name} {series.shape} does not match the bars {shape}")
    group_count(shape[0], config.assets)
    if isinstance(config.reward, WeightedConfig) and tape.volatility is None:
        raise OptionError("environment: the weighted reward reads Tape.volatility f64[S, T]; give it")
    if tape.regime is not None and tape.regime.min(initial=0) < 0:
        raise DataError("environment: a regime is below 0; regimes are numbered from 0")
    if not 1 <= window <= shape[1]:
        raise DataError(f"environment: a window of {window} bars on a tape of {shape[1]}; write 1 to {shape[1]}")
    if not 0 <= start < stop <= shape[1]:
        raise DataError(f"environment: span {start}:{stop} does not lie within the tape's {shape[1]} bars")
    bad = ~np.isfinite(tape.table).all(axis=2) & tape.ready
    if bad.any():
        s, t = np.argwhere(bad)[0]
        raise DataError(
            f"environment: a feature of symbol {s} at bar {t} is no number although it is ready: agents would "
            "observe NaN; mark the bar as not ready"
        )


def group_count(symbols: int, assets: int) -> int:
    """G, accounts that hold all symbols between them.

    Raises:
        OptionError: some would be left over.
    """
    if symbols % assets:
        raise OptionError(
            f"environment: {symbols} symbols cannot be dealt out in groups of assets={assets}; write "
            f"assets={symbols} for one account of all, or another divisor of {symbols}"
        )
    return symbols // assets


def grouped(values: np.ndarray, assets: int) -> np.ndarray:
    """[S, T] as contiguous [G, T, A]."""
    S, T = values.shape
    return np.ascontiguousarray(values.reshape(S // assets, assets, T).transpose(0, 2, 1))


def feed_by_group(tape: Tape, costs: CostsConfig, options: Options, assets: int) -> Feed:
    """What the accounts read up to the span's end, each series as [G, T, A]."""
    cut = slice(None, tape.bounds[1])
    outside = {name: getattr(tape.outside, name) for name in ("funding_rate", "impact_volatility")}
    outside = {name: None if series is None else series[:, cut] for name, series in outside.items()}
    volatility = None
    if options.in_volatilities:
        volatility = None if tape.volatility is None else tape.volatility[:, cut]
    series = Outside(volatility=volatility, **outside)
    whole = feed_of(tape.prices[:, cut], tape.present[:, cut], costs, options, series)
    return _side_by_side(whole, assets)


def _side_by_side(feed: Feed, assets: int) -> Feed:
    """Series [T, S] as [G, T, A], those of one bar and asset beside each other in memory.

    Accounts stand at bars of their own, so each series apart would be another line of memory to wait for. A series that
    no rule asks for is never read: the first one stands in its place, so that all environments run one compiled kernel.
    """
    used = [name for name in feed._fields if name != "present" and getattr(feed, name).size]
    T, S = feed.present.shape
    memory = np.empty((S // assets, T, assets, len(used) + 1))
    flags = memory[..., -1:].view(bool)[..., 0]
    flags[:] = grouped(feed.present.T, assets)
    for k, name in enumerate(used):
        memory[..., k] = grouped(getattr(feed, name).T, assets)
    places = {name: used.index(name) if name in used else 0 for name in feed._fields}
    return Feed(**{name: flags if name == "present" else memory[..., k] for name, k in places.items()})


def table_by_group(tape: Tape, assets: int) -> np.ndarray:
    """The features as rows f32[G * T, A * F], zeros where not ready; the tape's own memory where that is possible."""
    S, T, F = tape.table.shape
    table = tape.table
    if np.isnan(table).any() or table[~tape.ready].any():
        table = np.where(tape.ready[:, :, np.newaxis], table, np.float32(0.0))
    if assets > 1:
        table = table.reshape(S // assets, assets, T, F).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(table).reshape(S // assets * T, assets * F)


def starts_of(tape: Tape, config: EnvConfig) -> np.ndarray:
    """Rows g * T + t at which an episode may begin, i64[M], in order.

    An asset of the group is present there and its last L bars are ready; a whole episode fits before the span ends.

    Raises:
        DataError: there is none.
    """
    (start, stop), window = tape.bounds, tape.window
    need, bars = max(config.episode_bars, 1), stop - start
    if config.episode_bars >= bars:
        raise DataError(
            f"environment: an episode of {config.episode_bars} steps reads {config.episode_bars + 1} bars, the span "
            f"has {bars}; write episode_bars: {max(bars - 1, 0)} or less"
        )
    seen = np.cumsum(np.pad(tape.ready, ((0, 0), (1, 0))), axis=1)
    whole = np.zeros_like(tape.ready)
    whole[:, window - 1 :] = (seen[:, window:] - seen[:, :-window] == window) & tape.present[:, window - 1 :]
    if tape.starts is not None:
        whole &= tape.starts
    may = np.logical_or.reduce(whole.reshape(-1, config.assets, whole.shape[1]), axis=1)
    may[:, :start], may[:, stop - need :] = False, False
    if not may.any():
        stage = "" if tape.starts is None else " where the stage of its curriculum may begin"
        raise DataError(
            f"environment: market too short: no bar of {start}:{stop} has a ready window of {window} bars "
            f"before it and {need} bars after it{stage}; shorten window or episode_bars, or import more bars"
        )
    return np.flatnonzero(may)


def first_starts(starts: np.ndarray, bars: int, groups: int) -> np.ndarray:
    """The first of the starts in each group, i64[groups].

    Raises:
        DataError: a group has none.
    """
    first = np.searchsorted(starts, np.arange(groups) * bars)
    lacks = (first == len(starts)) | (starts[np.minimum(first, len(starts) - 1)] // bars != np.arange(groups))
    if lacks.any():
        raise DataError(
            f"environment: group {int(np.flatnonzero(lacks)[0])} of the tape's symbols has no bar at which an episode "
            "may begin; leave its symbols out"
        )
    return starts[first]


def check_costs(tape: Tape, costs: CostsConfig) -> Finding:
    """Whether any move of the span is larger than what a round trip costs.

    A warning where no bar moves so much, an error where not even the whole span does: then no policy can earn anything
    but by not trading.
    """
    (start, stop), rates = tape.bounds, costs.rates()
    around = 2.0 * sum(rates)
    largest, widest = 0.0, 0.0
    for s in range(len(tape.present)):
        close = tape.prices[s, start:stop, 3][tape.present[s, start:stop]]
        if len(close) > 1:
            largest = max(largest, float(np.abs(np.diff(close) / close[:-1]).max()))
            widest = max(widest, float(close.max() / close.min() - 1.0))
    level: Level = "error" if widest <= around else "warning" if largest <= around else "info"
    claims: dict[Level, str] = {
        "error": "a round trip costs more than the widest move of the span: nothing can be earned by trading",
        "warning": "no bar moves as much as a round trip costs: only positions held for many bars can earn",
        "info": "there are bars that move more than a round trip costs",
    }
    sizes = {"largest bar": largest, "widest span": widest}
    plot = {
        "kind": "bars", "title": "Moves beside a round trip's cost", "x": [0, 1], "y": [*sizes.values()],
        "names": [*sizes], "threshold": around, "x_label": "", "y_label": "share of the price",
    }  # fmt: skip
    told = {"measured": largest, "threshold": around, "plot": plot}
    return Finding(
        check="rl.costs",
        level=level,
        claim=claims[level],
        evidence=told | {"round_trip": around, "largest_bar": largest, "widest_span": widest},
        remedy="" if level == "info" else "use longer bars, or check costs: they are in basis points (5 is 0.05%)",
    )
