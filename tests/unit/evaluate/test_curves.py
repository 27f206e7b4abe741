"""Curves against a plain count at every threshold; quantiles and balance of a few samples by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.evaluate.curves import curves, distribution


def test_curves_of_four_samples_by_hand():
    body = curves(np.array([0.9, 0.8, 0.4, 0.1]), np.array([1, 0, 1, 0]))
    assert body["confusion"] == {"tp": 1, "fp": 1, "fn": 1, "tn": 1}
    assert body["roc"]["false_positive_rate"] == [0, 0, 0.5, 0.5, 1]
    assert body["roc"]["true_positive_rate"] == [0, 0.5, 0.5, 1, 1]
    assert body["roc"]["threshold"] == [None, 0.9, 0.8, 0.4, 0.1]
    assert body["pr"]["recall"] == [0.5, 0.5, 1, 1]
    assert body["pr"]["precision"] == pytest.approx([1, 0.5, 2 / 3, 0.5])
    assert body["auc"] == 0.75
    assert curves(np.array([0.9]), np.array([1]))["roc"] == {}


@given(st.integers(0, 2**32 - 1), st.integers(30, 3000))
def test_thinned_curves_keep_their_ends_and_nearly_their_area(seed, count):
    draw = np.random.default_rng(seed)
    y = np.r_[0, 1, draw.integers(0, 2, count)]
    p = np.round(np.clip(0.5 + 0.2 * (y - 0.5) + 0.2 * draw.standard_normal(len(y)), 0, 1), 3)
    body = curves(p, y, points=100)
    fpr, tpr = body["roc"]["false_positive_rate"], body["roc"]["true_positive_rate"]
    assert len(fpr) <= 101
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)
    assert (np.diff(fpr) >= 0).all()
    assert (np.diff(tpr) >= 0).all()
    assert np.trapezoid(tpr, fpr) == pytest.approx(body["auc"], abs=0.02)
    for false, true, threshold in zip(fpr[1:], tpr[1:], body["roc"]["threshold"][1:], strict=True):
        assert true == pytest.approx((p >= threshold)[y == 1].mean())  # a plain count
        assert false == pytest.approx((p >= threshold)[y == 0].mean())


def test_distribution_counts_labels_and_cuts_features():
    x = np.arange(12.0).reshape(2, 3, 2)
    y, weight = np.array([[0, 1, 1], [0, 0, 1.0]]), np.full((2, 3), 0.5)
    body = distribution(x, y, weight, ("a", "b"), {"train": np.array([0, 1, 2]), "validation": np.array([5])})
    assert body["labels"]["train"] == {"samples": 3, "positive": 2, "share": pytest.approx(2 / 3), "weight": 1.5}
    assert body["labels"]["validation"]["samples"] == 1
    assert body["features"]["a"][0::4] == [0, 2, 4]
    assert body["features"]["b"][0::4] == [1, 3, 5]
