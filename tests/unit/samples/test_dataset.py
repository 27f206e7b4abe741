"""A sample has a ready window, a known label and the bars that it occupies; a data set has one content hash."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.features.feature import FeatureTable
from edgeproof.labels.label import Labels
from edgeproof.samples.dataset import collect_samples, make_dataset, ready_index, sample_index
from edgeproof.samples.interval import first_read_of_windows
from edgeproof.samples.split.fold import Fold


def table_of(ready: np.ndarray, first_read: np.ndarray | None = None) -> FeatureTable:
    S, T = ready.shape
    bars = np.broadcast_to(np.arange(T), (S, T))
    read = np.maximum(0, bars - 3).astype(np.int32) if first_read is None else first_read
    x = np.zeros((S, T, 2), dtype=np.float32)
    return FeatureTable(x, ready, read, ("a", "b"), np.array([3, 1], dtype=np.int32), "sha")


def labels_of(known: np.ndarray, horizon: int = 1, reach: int = 0) -> Labels:
    S, T = known.shape
    resolved = np.broadcast_to(np.arange(T) + 1 + horizon, (S, T)).astype(np.int32)
    y = (np.arange(S * T).reshape(S, T) % 2).astype(np.float32)
    return Labels(y, resolved, known.astype(np.float32), known, horizon, reach)


def test_by_hand():
    """Window 2: bar 2 of the first symbol is not ready, so its decisions at 2 and 3 go; order is by (t, s)."""
    ready = np.ones((2, 6), dtype=bool)
    ready[0, 2] = False
    known = np.ones((2, 6), dtype=bool)
    known[:, 4:] = False
    decide = np.array([True, True, True, True, True, False])
    table, labels = table_of(ready), labels_of(known)
    assert sample_index(table, labels, decide, 2).tolist() == [1, 7, 8, 9]
    assert ready_index(ready, decide, 2).tolist() == [1, 7, 8, 9, 4, 10]
    samples = collect_samples(table, labels, decide, 2)
    assert samples.decided.tolist() == [1, 1, 2, 3]
    assert samples.first.tolist() == [0, 0, 0, 0]
    assert samples.resolved.tolist() == [3, 3, 4, 5]


def test_a_label_that_looks_back_counts_as_reading():
    known = np.ones((1, 30), dtype=bool)
    samples = collect_samples(table_of(known), labels_of(known, reach=12), np.ones(30, dtype=bool), 2)
    assert samples.first[samples.decided == 20].tolist() == [8]
    assert samples.first[samples.decided == 5].tolist() == [0]


def test_a_window_longer_than_the_clock_gives_no_sample():
    assert len(ready_index(np.ones((2, 3), dtype=bool), np.ones(3, dtype=bool), 4)) == 0


@given(st.integers(1, 3), st.integers(1, 20), st.integers(1, 9), st.integers(0, 99))
def test_ready_and_first_read_are_what_loops_say(S, T, window, seed):
    draw = np.random.default_rng(seed)
    ready = draw.random((S, T)) < 0.8
    read = np.minimum(np.arange(T), draw.integers(0, T, (S, T))).astype(np.int32)
    decide = draw.random(T) < 0.7
    expected = [
        s * T + t for t in range(window - 1, T) for s in range(S) if decide[t] and all(ready[s, t - window + 1 : t + 1])
    ]
    assert ready_index(ready, decide, window).tolist() == expected
    lowest = first_read_of_windows(read, window)
    for t in range(T):
        assert lowest[:, t].tolist() == read[:, max(0, t - window + 1) : t + 1].min(axis=1).tolist()


def test_every_part_of_a_dataset_is_in_its_hash():
    known = np.ones((2, 8), dtype=bool)
    labels, x = labels_of(known), np.zeros((2, 8, 3), dtype=np.float32)
    fold = Fold(np.array([1, 2]), np.array([5]), np.zeros(0, dtype=np.int64))
    shas = {make_dataset(x, labels, fold, window=2, symbols=("A", "B")).sha}
    shas.add(make_dataset(x + 1, labels, fold, window=2, symbols=("A", "B")).sha)
    shas.add(make_dataset(x, labels, fold, window=3, symbols=("A", "B")).sha)
    shas.add(make_dataset(x, labels, fold, window=2, symbols=("A", "C")).sha)
    shas.add(make_dataset(x, labels_of(~known), fold, window=2, symbols=("A", "B")).sha)
    other = Fold(np.array([1, 3]), np.array([5]), np.zeros(0, dtype=np.int64))
    shas.add(make_dataset(x, labels, other, window=2, symbols=("A", "B")).sha)
    assert len(shas) == 6
    assert make_dataset(x, labels, fold, window=2, symbols=("A", "B")).sha in shas
