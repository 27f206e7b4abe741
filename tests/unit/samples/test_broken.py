"""A span too short by its gaps says how many windows are whole; one without gaps keeps the split's refusal."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.samples.broken import broken_windows

REFUSAL = "split holdout: 40 open bars leave 0 training samples; 14 open bars are needed"


def said(present, window, reach=0):
    ready = present.copy()
    ready[:, :reach] = False
    return broken_windows(REFUSAL, ready, present, window=window, reach_bars=reach)


def test_a_hole_in_every_window_is_the_whole_story():
    """Every 7th of 40 bars in two symbols: 6 in a row, no window of 8."""
    present = np.ones((2, 40), dtype=bool)
    present[:, ::7] = False
    told = said(present, 8)
    assert told.startswith("split holdout: 0 of 66 windows of 8 bars are whole: 12 of 80 bars are masked or missing")
    assert "at most 6 bars in a row" in told
    assert "14 open bars" not in told


def test_some_whole_windows_stand_beside_the_refusal():
    """Windows of 5 between the holes: 2 in each of 5 whole runs; the last 4 bars hold none."""
    present = np.ones((1, 40), dtype=bool)
    present[:, ::7] = False
    assert said(present, 5).startswith(f"{REFUSAL}; 10 of 36 windows of 5 bars are whole")


def test_without_gaps_or_with_few_the_refusal_stays():
    present = np.ones((1, 40), dtype=bool)
    assert said(present, 8, reach=38) == REFUSAL
    present[0, 20] = False
    assert said(present, 2) == REFUSAL


@given(st.lists(st.booleans(), min_size=3, max_size=40), st.integers(1, 5))
def test_the_whole_windows_are_those_that_a_loop_counts(bars, window):
    whole = sum(all(bars[t - window + 1 : t + 1]) for t in range(window - 1, len(bars)))
    possible = max(0, len(bars) - window + 1)
    told = said(np.array([bars]), window)
    if all(bars) or whole >= 0.5 * possible:
        assert told == REFUSAL
    else:
        assert f"{whole} of {possible} windows of {window} bars are whole" in told
