"""What is wrong with bars, what is masked, and what it means for a verdict.

A masked bar is never traded and never used in a window. Masks look at the bar and at bars before it. A rule that needed
the next bar (a close that comes back) would choose samples by their future, so such bars are findings only: correct the
file and import it again.
"""

# T bars of one symbol, in order of time

from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
from pydantic import Field

from edgeproof.core.clock import DAY_NS, iso
from edgeproof.core.config import Config
from edgeproof.core.finding import Finding, Level
from edgeproof.data.bars import Bars
from edgeproof.data.masks import bad_price, inconsistent, no_trade, off_open, stale_run, wick
from edgeproof.data.reuse import reuse_points
from edgeproof.data.store import Market
from edgeproof.data.swings import open_jumps, reverting, whole_factor

__all__ = ["QualityConfig", "check_bars", "check_market", "check_series", "keep_mask", "survivorship"]

Choice = Literal["mask", "keep"]
EXAMPLES = 10
NOTICEABLE = 0.01  # share of bars from which missing or untraded bars are a warning
REDENOMINATED = 9.5  # times: no split-like factor this large is a day's move
NEAR_END_BARS, NEAR_END_NS = 48, 2 * DAY_NS  # sources end their symbols within two days or 48 bars of one another


class QualityConfig(Config):
    """Which bars are masked.

    Attributes:
        bad_price: prices that are not finite or not positive, volume that is missing or negative.
        ohlc: high below open, close or low; low above open or close.
        no_trade: volume is zero and high equals low: nothing was traded, so nothing could have been.
        off_open: an open 60% and 15 usual ranges away from the closes before and after: no fill there was real.
        wick: a high or low as far beyond open and closes; kept, for it may be a real crash.
        stale: the bars of a run of one unchanged price, from its `stale_bars`-th on.
        stale_bars: length from which a run is stale.
        max_gap_bars: a longer gap starts a new segment: features warm up again.
    """

    bad_price: Choice = "mask"
    ohlc: Choice = "mask"
    no_trade: Choice = "mask"
    off_open: Choice = "mask"
    wick: Choice = "keep"
    stale: Choice = "mask"
    stale_bars: int = Field(default=24, ge=2)
    max_gap_bars: int = Field(default=24, ge=0)


def keep_mask(ohlcv: np.ndarray, config: QualityConfig) -> np.ndarray:
    """bool[T]: bars that no rule set to `mask` takes out; ohlcv is f64[T, 5]."""
    rules: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "bad_price": bad_price,
        "ohlc": inconsistent,
        "no_trade": no_trade,
        "off_open": off_open,
        "wick": wick,
        "stale": lambda prices: stale_run(prices) >= config.stale_bars,
    }
    keep = np.ones(len(ohlcv), dtype=bool)
    for name, rule in rules.items():
        if getattr(config, name) == "mask":
            keep &= ~rule(ohlcv)
    return keep


def check_market(market: Market) -> list[Finding]:
    """Every finding on the bars of a market as they lie on disk, and on its universe.

    What the import repaired is gone from the bars; `Market.findings` has kept it.
    """
    manifest = market.manifest
    series = (market.all_bars(symbol) for symbol in market.symbols)
    return check_series(series, manifest.interval_ns, market.clock(), manifest.universe)


def check_series(series: Iterable[Bars], interval_ns: int, clock: np.ndarray, universe: str) -> list[Finding]:
    """Findings on every symbol's bars and on the universe that they make.

    Args:
        series: one item a symbol.
        interval_ns: length of a bar.
        clock: i64[T] open times of the market's slots.
        universe: `survivors`, `fixed` or `point_in_time`.
    """
    found, last_open = [], {}
    for bars in series:
        found += check_bars(bars, interval_ns, clock)
        ticker = bars.cut_from or bars.symbol  # what was cut lives on under its successor: nothing was left in
        last_open[ticker] = max(int(bars.open_time[-1]), last_open.get(ticker, 0))
    return [*(survivorship(last_open, interval_ns) if universe == "survivors" else ()), *found]


def check_bars(bars: Bars, interval_ns: int, clock: np.ndarray) -> list[Finding]:
    """Findings on one symbol's bars; none where all is well.

    Args:
        bars: the symbol.
        interval_ns: length of a bar.
        clock: i64[T] open times of the market's slots; for sessions the open times seen, so closures are no gaps.
    """
    checks = (_gaps(bars, clock), _prices(bars), _consistency(bars), _volume(bars), _stale(bars), _spikes(bars))
    found = [*checks, *_jumps(bars, interval_ns)]
    return [finding for finding in found if finding is not None]


def _finding(check: str, level: Level, bars: Bars, claim: str, remedy: str, **evidence: Any) -> Finding:
    return Finding(f"quality.{check}", level, f"{bars.symbol}: {claim}", evidence, bars.symbol, remedy)


def _where(bars: Bars, chosen: np.ndarray) -> dict[str, Any]:
    at = np.flatnonzero(chosen)
    return {
        "count": int(at.size),
        "share": float(at.size / len(bars)),
        "times": [iso(int(bars.open_time[n])) for n in at[:EXAMPLES]],
    }


def _counted(many: int, word: str) -> str:
    return f"{many} {word}" if many == 1 else f"{many} {word}s"


def _gaps(bars: Bars, clock: np.ndarray) -> Finding | None:
    slots = np.searchsorted(clock, bars.open_time)
    missing = np.diff(slots) - 1
    at = np.flatnonzero(missing)
    if not at.size:
        return None
    total, longest = int(missing.sum()), int(missing.max())
    level = "warning" if longest > QualityConfig().max_gap_bars or total > NOTICEABLE * len(bars) else "info"
    worst = at[np.argsort(-missing[at], kind="stable")][:EXAMPLES]
    claim = f"{_counted(total, 'bar')} missing in {_counted(at.size, 'gap')}, the longest of {_counted(longest, 'bar')}"
    remedy = "nothing is filled in; get the bars from another source if the gaps matter"
    first = [{"after": iso(int(bars.open_time[n])), "bars": int(missing[n])} for n in at[:EXAMPLES]]
    longest_first = [{"after": iso(int(bars.open_time[n])), "bars": int(missing[n])} for n in worst]
    return _finding(
        "gaps", level, bars, claim, remedy, count=total, gaps=int(at.size), longest=longest,
        first=first, longest_first=longest_first,
    )  # fmt: skip


def _prices(bars: Bars) -> Finding | None:
    bad = bad_price(bars.ohlcv)
    if not bad.any():
        return None
    claim = f"{np.count_nonzero(bad)} bars with a price that is not a positive number, or without a volume"
    return _finding(
        "bad_prices",
        "warning",
        bars,
        claim,
        "masked unless quality.bad_price=keep; correct the file",
        **_where(bars, bad),
    )


def _consistency(bars: Bars) -> Finding | None:
    bad = inconsistent(bars.ohlcv) & ~bad_price(bars.ohlcv)
    if not bad.any():
        return None
    claim = f"{np.count_nonzero(bad)} bars whose high or low does not enclose open and close"
    remedy = "masked unless quality.ohlc=keep; correct the file"
    return _finding("ohlc", "warning", bars, claim, remedy, **_where(bars, bad))


def _volume(bars: Bars) -> Finding | None:
    zero = bars.ohlcv[:, 4] == 0
    if not zero.any():
        return None
    level = "warning" if zero.mean() > NOTICEABLE else "info"
    idle = int(np.count_nonzero(no_trade(bars.ohlcv)))
    claim = f"{np.count_nonzero(zero)} bars without volume, {idle} of them with one price only"
    remedy = "bars with one price only are masked unless quality.no_trade=keep; check that the source reports volume"
    return _finding("zero_volume", level, bars, claim, remedy, **_where(bars, zero), one_price=idle)


def _stale(bars: Bars) -> Finding | None:
    run, limit = stale_run(bars.ohlcv), QualityConfig().stale_bars
    stale = run >= limit
    if not stale.any():
        return None
    runs = int(np.count_nonzero(run == limit))
    claim = f"{runs} runs of {limit} or more bars at one price, the longest of {int(run.max())}"
    remedy = f"masked from the {limit}th bar on unless quality.stale=keep; leave the symbol out if it does not trade"
    return _finding("stale", "warning", bars, claim, remedy, **_where(bars, stale), runs=runs, longest=int(run.max()))


def _spikes(bars: Bars) -> Finding | None:
    kinds = {
        "opens": off_open(bars.ohlcv, whole=True),
        "highs or lows": wick(bars.ohlcv, whole=True),
        "closes": reverting(bars.ohlcv),
    }
    whole = np.logical_or.reduce(list(kinds.values()))
    if not whole.any():
        return None
    counts = {name: int(np.count_nonzero(chosen)) for name, chosen in kinds.items() if chosen.any()}
    listed = ", ".join(f"{count} {name}" for name, count in counts.items())
    claim = f"{listed} go far away and come back: bad ticks, or a crash if another source has them too"
    remedy = (
        "such opens are masked unless quality.off_open=keep, highs and lows if quality.wick=mask; correct bad closes "
        "in the file and import it again"
    )
    return _finding("spikes", "warning", bars, claim, remedy, **_where(bars, whole), kinds=counts)


def _jumps(bars: Bars, interval_ns: int) -> list[Finding]:
    jumps = open_jumps(bars.ohlcv)
    reused = reuse_points(bars, interval_ns)
    jumps[reused] = 0.0
    found = []
    if reused.size:
        times = [iso(int(bars.open_time[n])) for n in reused]
        claim = f"another asset begins at {times[0]} under the same ticker, after a halt"
        found.append(
            _finding(
                "reuse", "error", bars, claim, "import the file again: it is cut there", count=len(times), times=times
            )
        )
    factor = whole_factor(jumps)
    like = factor > 0
    if like.any():
        level = "error" if (factor >= REDENOMINATED).any() else "warning"
        claim = f"{np.count_nonzero(like)} opens jump by a whole factor, as after a split or redenomination"
        remedy = "use prices adjusted for splits, or cut the file there: the jump would count as profit or loss"
        factors = [float(value) for value in np.exp(jumps[like])[:EXAMPLES]]
        found.append(_finding("jumps", level, bars, claim, remedy, **_where(bars, like), open_over_close=factors))
    return found


def survivorship(last_open: dict[str, int], interval_ns: int) -> list[Finding]:
    """Whether losers may have been left out of a universe that declares nothing.

    Args:
        last_open: ticker -> open time of its last bar.
        interval_ns: length of a bar.
    """
    end = max(last_open.values())
    near = end - max(NEAR_END_NS, NEAR_END_BARS * interval_ns)
    ended = [symbol for symbol, last in last_open.items() if last < near]
    evidence = {"count": len(last_open), "ended_before": ended[:EXAMPLES], "universe": "survivors"}
    remedy = (
        "import with --universe MEMBERSHIP.csv (symbol, from, to) and the symbols that were delisted, or "
        "--universe fixed if they were chosen without looking at this span"
    )
    if ended:
        claim = (
            f"{len(ended)} of {len(last_open)} symbols end before the market does, but nothing says that the "
            "list was made without looking at this span"
        )
        return [Finding("quality.survivorship", "warning", claim, evidence, "", remedy)]
    claim = (
        "every symbol lives to the last bar and no point-in-time universe is declared: losers may have been left out"
    )
    return [Finding("quality.survivorship", "error", claim, evidence, "", remedy)]
