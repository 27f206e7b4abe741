"""The bars of a sample by hand: its first one is the earliest that any bar of its window reads."""

import numpy as np

from edgeproof.features.feature import FeatureTable
from edgeproof.labels.label import Labels
from edgeproof.samples.dataset import collect_samples


def test_a_window_reads_what_its_first_bar_reads():
    """Features read 3 bars back: decided at 20 in a window of 5, a sample reads from 20 - 4 - 3 to 20 + 1 + 2."""
    bars, all_of_them = np.arange(30), np.ones((1, 30), dtype=bool)
    read = np.maximum(0, bars - 3).astype(np.int32)[None]
    table = FeatureTable(np.zeros((1, 30, 1), np.float32), all_of_them, read, ("a",), np.array([3], np.int32), "sha")
    ones, resolved = all_of_them.astype(np.float32), (bars + 3).astype(np.int32)[None]
    samples = collect_samples(table, Labels(ones, resolved, ones, all_of_them, 2, 0), all_of_them[0], 5)
    here = samples.decided == 20
    assert (samples.first[here].tolist(), samples.resolved[here].tolist()) == ([13], [23])
    assert samples.first[samples.decided == 5].tolist() == [0]


def test_a_window_over_a_gap_reads_as_far_as_its_farthest_bar():
    """The farthest reader stands in the middle of the window."""
    read = np.array([[0, 1, 2, 3, 1, 5, 6, 7]], np.int32)
    known = np.ones((1, 8), dtype=bool)
    table = FeatureTable(np.zeros((1, 8, 1), np.float32), known, read, ("a",), np.array([3], np.int32), "sha")
    ones, resolved = known.astype(np.float32), (np.arange(8) + 2).astype(np.int32)[None]
    samples = collect_samples(table, Labels(ones, resolved, ones, known, 1, 0), known[0], 3)
    assert dict(zip(samples.decided.tolist(), samples.first.tolist(), strict=True)) == {
        2: 0, 3: 1, 4: 1, 5: 1, 6: 1, 7: 5,
    }  # fmt: skip
