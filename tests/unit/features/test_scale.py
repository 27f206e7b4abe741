"""The preprocessor is fitted on the given rows alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgeproof.core.errors import DataError
from edgeproof.features import FeatureTable
from edgeproof.features.scale import Preprocessor, apply, fit_preprocessor


def table_of(x: np.ndarray, ready: np.ndarray | None = None) -> FeatureTable:
    S, T, F = x.shape
    ready = np.ones((S, T), bool) if ready is None else ready
    names = tuple(f"f{f}" for f in range(F))
    return FeatureTable(x, ready, np.zeros((S, T), np.int32), names, np.zeros(F, np.int32), "sha")


def test_by_hand():
    x = np.array([[[1.0, 7.0], [3.0, 7.0], [5.0, 7.0], [100.0, 8.0]]], np.float32)
    scaler = fit_preprocessor(table_of(x), np.array([0, 1, 2]), clip=3.0)
    assert scaler.mean.tolist() == [3.0, 7.0]
    assert scaler.std[0] == pytest.approx(np.sqrt(8 / 3))
    assert scaler.std[1] == 1.0  # constant over the rows
    scaled = apply(scaler, x)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled[0, :, 0], [-np.sqrt(1.5), 0.0, np.sqrt(1.5), 3.0], rtol=1e-6)
    np.testing.assert_array_equal(apply(scaler, x[0]), scaled[0])
    np.testing.assert_array_equal(apply(scaler, x[0, 1]), scaled[0, 1])


@settings(max_examples=20, deadline=None)
@given(x=hnp.arrays(np.float32, (2, 12, 3), elements=st.floats(-1e3, 1e3, width=32)), noise=st.floats(1, 1e6))
def test_other_rows_change_nothing(x: np.ndarray, noise: float):
    rows = np.array([0, 3, 4, 13, 20])
    other = np.setdiff1d(np.arange(24), rows)
    changed = x.copy()
    changed.reshape(-1, 3)[other] += np.float32(noise)
    a, b = fit_preprocessor(table_of(x), rows), fit_preprocessor(table_of(changed), rows)
    np.testing.assert_array_equal(a.mean, b.mean)
    np.testing.assert_array_equal(a.std, b.std)


def test_large_values_of_one_size_are_summed_exactly():
    draw = np.random.default_rng(0)
    x = (1e4 + draw.standard_normal((1, 200_000, 1))).astype(np.float32)
    scaler = fit_preprocessor(table_of(x), np.arange(200_000))
    exact = x.astype(np.float64)
    assert scaler.mean[0] == np.float32(exact.mean())
    assert scaler.std[0] == pytest.approx(exact.std(), rel=1e-6)


def test_round_trip_through_a_bundle():
    scaler = Preprocessor(np.array([1.0], np.float32), np.array([2.0], np.float32), 5.0)
    again = Preprocessor.from_arrays(scaler.to_arrays())
    assert again.clip == 5.0
    np.testing.assert_array_equal(apply(again, np.ones((2, 2, 1), np.float32)), np.zeros((2, 2, 1)))


def test_refusals():
    x = np.zeros((1, 4, 1), np.float32)
    with pytest.raises(DataError, match="no training rows"):
        fit_preprocessor(table_of(x), np.array([], np.int64))
    ready = np.array([[True, True, False, True]])
    with pytest.raises(DataError, match="symbol 0, bar 2 is not ready"):
        fit_preprocessor(table_of(x, ready), np.array([0, 2]))
