"""Longer bars: what n bars were together, aligned to the clock, none of it known before the last of them has closed."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.clock import HOUR_NS
from edgeproof.data.panel import Panel
from edgeproof.data.timeframe import first_whole, longer_bars


def panel_of(prices, present=None, *, start=0, calendar="continuous"):
    prices = np.asarray(prices, np.float64)
    present = np.ones(prices.shape[:2], bool) if present is None else np.asarray(present)
    opened = (start + np.arange(prices.shape[1])) * HOUR_NS
    names = tuple(f"S{s}" for s in range(len(prices)))
    return Panel(prices, present, opened, opened + HOUR_NS, names, HOUR_NS, calendar, sha="")


def drawn(seed, symbols, bars, start=0, calendar="continuous"):
    random = np.random.default_rng(seed)
    ends = np.exp(0.1 * random.standard_normal((symbols, bars, 2)))
    high, low = (
        ends.max(2) * (1 + random.random((symbols, bars))),
        ends.min(2) * random.uniform(0.5, 1, (symbols, bars)),
    )
    prices = np.stack([ends[..., 0], high, low, ends[..., 1], random.random((symbols, bars))], axis=2)
    present = random.random((symbols, bars)) < 0.6
    return panel_of(np.where(present[..., None], prices, 0.0), present, start=start, calendar=calendar)


def test_by_hand():
    """Slots 2 to 8 on the clock: with three bars each, 3 to 5 and 6 to 8 are whole; 2 is not."""
    bars = [[9, 9, 9, 9, 9], [1, 4, 1, 2, 10], [0, 0, 0, 0, 0], [2, 3, 0.5, 1, 5], *[[0] * 5] * 3]
    present = [[True, True, False, True, False, False, False]]
    longer = longer_bars(panel_of([bars], present, start=2), 3, until=7)
    assert longer.prices.tolist() == [[[1, 4, 0.5, 1, 15], [0] * 5]]
    assert longer.present.tolist() == [[True, False]]
    assert longer.open_time.tolist() == [3 * HOUR_NS, 6 * HOUR_NS]
    assert longer.close_time.tolist() == [6 * HOUR_NS, 9 * HOUR_NS]
    assert longer.interval_ns == 3 * HOUR_NS


@pytest.mark.parametrize(("start", "first"), [(0, 0), (1, 23), (23, 1), (24, 0), (-1, 1)])
def test_days_begin_at_midnight(start, first):
    assert first_whole(drawn(0, 1, 60, start), 24) == first
    assert first_whole(drawn(0, 1, 60, start, "sessions"), 24) == 0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 99), n=st.integers(1, 9), start=st.integers(0, 30), until=st.integers(0, 40))
def test_they_are_what_a_data_frame_s_windows_are(seed, n, start, until):
    panel = drawn(seed, 2, 40, start)
    longer = longer_bars(panel, n, until)
    for s in range(2):
        names = ("open", "high", "low", "close", "volume")
        columns = {name: panel.prices[s, :until, k] for k, name in enumerate(names)}
        frame = pl.DataFrame({"slot": start + np.arange(until), "on": panel.present[s, :until], **columns})
        kept = frame.group_by(pl.col("slot") // n).agg(
            pl.len().alias("slots"),
            pl.col("open").filter("on").first(),
            pl.col("high").filter("on").max(),
            pl.col("low").filter("on").min(),
            pl.col("close").filter("on").last(),
            pl.col("volume").filter("on").sum(),
        )
        kept = kept.filter(pl.col("slots") == n).sort("slot").fill_null(0.0)
        np.testing.assert_allclose(longer.prices[s], kept.select(names).to_numpy(), rtol=1e-12)
        assert (longer.open_time // HOUR_NS // n).tolist() == kept["slot"].to_list()


def test_one_bar_is_itself_and_fours_of_sixes_are_twenty_fours():
    panel = drawn(3, 2, 96)
    same = longer_bars(panel, 1, 96)
    np.testing.assert_array_equal(same.prices, panel.prices)
    twice, once = longer_bars(longer_bars(panel, 6, 96), 4, 16), longer_bars(panel, 24, 96)
    np.testing.assert_allclose(twice.prices, once.prices, rtol=1e-12)
    np.testing.assert_array_equal(twice.present, once.present)
    np.testing.assert_array_equal(twice.close_time, once.close_time)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 99), n=st.integers(1, 9), until=st.integers(0, 40))
def test_a_longer_bar_knows_nothing_from_its_close_on(seed, n, until):
    panel, other = drawn(seed, 1, 40, 5), drawn(seed + 100, 1, 40, 5)
    later = replace(
        panel,
        prices=np.where(np.arange(40)[:, None] < until, panel.prices, other.prices),
        present=np.where(np.arange(40) < until, panel.present, other.present),
    )
    known = longer_bars(panel, n, 40).close_time <= panel.open_time[0] + until * HOUR_NS
    one, two = longer_bars(panel, n, 40), longer_bars(later, n, 40)
    np.testing.assert_array_equal(one.prices[:, known], two.prices[:, known])
    np.testing.assert_array_equal(one.present[:, known], two.present[:, known])
    cut = longer_bars(panel, n, until)
    np.testing.assert_array_equal(cut.prices, one.prices[:, known])
    assert cut.sha == longer_bars(later, n, until).sha
