"""Bars of a longer timeframe: n bars of the market's clock as one, known at the close of the last of them.

Of a market that never closes they are aligned to the clock, counted from 1970-01-01 UTC: with n = 4 those of hourly
bars begin at 00:00, 04:00, 08:00; with n = 24 at midnight. Of one with sessions they are n slots in a row.
"""

# S symbols, T bars, B longer bars of n bars each

from dataclasses import replace

import numpy as np

from edgeproof.core.identity import sha_array, sha_json
from edgeproof.data.panel import Panel

__all__ = ["first_whole", "longer_bars"]


def first_whole(panel: Panel, bars: int) -> int:
    """The first slot of the clock at which a longer bar begins."""
    if panel.calendar != "continuous" or not len(panel.open_time):
        return 0
    return int(-(panel.open_time[0] // panel.interval_ns) % bars)


def longer_bars(panel: Panel, bars: int, until: int) -> Panel:
    """The panel in a longer timeframe; a longer bar of which not all slots lie before `until` is left out.

    Open of the first bar that is there, highest high, lowest low, close of the last one, sum of the volumes; it is
    present where any of its bars is.

    Args:
        panel: the bars.
        bars: n, of each longer bar.
        until: slots from here on are not read.
    """
    first = first_whole(panel, bars)
    count = max(0, (until - first) // bars)
    slots = slice(first, first + count * bars)
    S = len(panel.present)
    prices = panel.prices[:, slots].reshape(S, count, bars, 5)
    there = panel.present[:, slots].reshape(S, count, bars)
    present = np.logical_or.reduce(there, axis=2)
    opens = np.take_along_axis(prices[..., 0], there.argmax(axis=2)[..., None], axis=2)[..., 0]
    last = bars - 1 - there[..., ::-1].argmax(axis=2)
    closes = np.take_along_axis(prices[..., 3], last[..., None], axis=2)[..., 0]
    high = np.where(there, prices[..., 1], -np.inf).max(axis=2, initial=-np.inf)
    low = np.where(there, prices[..., 2], np.inf).min(axis=2, initial=np.inf)
    volume = np.where(there, prices[..., 4], 0.0).sum(axis=2)
    joined = np.where(present[..., None], np.stack([opens, high, low, closes, volume], axis=2), 0.0)
    times = panel.open_time[slots][::bars], panel.close_time[slots][bars - 1 :: bars]
    return replace(
        panel,
        prices=joined,
        present=present,
        open_time=times[0],
        close_time=times[1],
        interval_ns=panel.interval_ns * bars,
        sha=sha_json([panel.symbols, bars, panel.calendar, sha_array(joined, present, *times)]),
    )
