"""A forecast stands where it was asked for, comes from its own window, and never depends on batching."""

import numpy as np
import pytest
import torch
from torch import nn

from edgeproof.train import forecast
from edgeproof.train.forecast import Forecast, predict


class _Sum(nn.Module):
    """Says the window's first value plus 100 times its last, plus 10,000 times the asset."""

    def forward(self, x_BLF: torch.Tensor, asset_B: torch.Tensor) -> torch.Tensor:
        return x_BLF[:, 0, 0] + 100 * x_BLF[:, -1, 0] + 10_000 * asset_B


def test_by_hand():
    x = np.arange(12, dtype=np.float32).reshape(2, 6, 1)
    said = predict(_Sum(), x, np.array([3, 7, 11]), window=2, sha="abc", fold=4)
    expected = np.zeros((2, 6), dtype=np.float32)
    expected[0, 3], expected[1, 1], expected[1, 5] = 302, 10_706, 11_110
    np.testing.assert_array_equal(said.logit, expected)
    np.testing.assert_array_equal(said.made, expected != 0)
    assert (said.model, said.fold) == ("abc", 4)


def test_symbols_are_mapped_to_what_the_model_knows():
    x = np.zeros((2, 3, 1), dtype=np.float32)
    said = predict(_Sum(), x, np.array([2, 5]), window=1, assets=np.array([7, -1]))
    assert (said.logit[0, 2], said.logit[1, 2]) == (70_000, -10_000)


def test_batches_do_not_matter(monkeypatch):
    x = np.random.default_rng(1).standard_normal((3, 40, 1)).astype(np.float32)
    index = np.arange(5, 120, 2)
    whole = predict(_Sum(), x, index, window=3).logit
    monkeypatch.setattr(forecast, "BATCH", 7)
    np.testing.assert_array_equal(predict(_Sum(), x, index, window=3).logit, whole)


def test_probability_is_a_half_where_nothing_was_made_and_survives_large_logits():
    said = Forecast(np.array([[0.0, 800.0, -800.0]], dtype=np.float32), np.array([[False, True, True]]), "", 0)
    assert said.probability.tolist() == [[0.5, 1.0, pytest.approx(0.0, abs=1e-300)]]


def test_mode_and_read_only_tables_are_left_alone():
    module = _Sum().train()
    x = np.ones((1, 4, 1), dtype=np.float32)
    x.flags.writeable = False
    assert predict(module, x, np.array([1]), window=1).made.sum() == 1
    assert module.training
    assert not predict(module, x, np.zeros(0, dtype=np.int64), window=1).made.any()
