"""tanh of an agent's hidden layers is numpy's to the rounding of float32, at the ends and for NaN too."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.rl.learning.curve import tanh_
from edgeproof.rl.learning.tower import Layer, forward

NUMBERS = st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=50)


@given(NUMBERS)
def test_float32_is_within_rounding_of_the_double_and_never_beyond_it(numbers: list[float]) -> None:
    found = tanh_(torch.tensor(numbers, dtype=torch.float32)).double().numpy()
    np.testing.assert_allclose(found, np.tanh(np.asarray(numbers)), rtol=5e-7, atol=0)


def test_ends_and_nan() -> None:
    x = torch.tensor([float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 9.5])
    found = tanh_(x)
    assert found is x
    assert found.tolist()[1:] == [1.0, -1.0, 0.0, 0.0, 1.0]
    assert found.isnan().tolist() == [True, False, False, False, False, False]


def test_it_is_lamberts_fraction() -> None:
    """x / (1 + x^2 / (3 + x^2 / (5 + ..))) from the innermost denominator, 25, outwards."""
    x = torch.linspace(-9, 9, 1001)
    double, inner = x.double(), torch.full((1001,), 25.0, dtype=torch.float64)
    for odd in range(23, 0, -2):
        inner = odd + double.square() / inner
    torch.testing.assert_close(tanh_(x.clone()).double(), double / inner, rtol=5e-7, atol=0)


@pytest.mark.parametrize("members", [1, 3])
def test_few_rows_and_many_rows_of_a_layer_agree(members: int) -> None:
    draws = torch.Generator().manual_seed(0)
    layers = [Layer(torch.randn(members, 8, 32, generator=draws), torch.randn(members, 1, 32, generator=draws))] * 2
    layers[1] = Layer(torch.randn(members, 32, 3, generator=draws), torch.randn(members, 1, 3, generator=draws))
    x = torch.randn(members, 1024, 8, generator=draws)
    few, many = forward(layers, x[:, :64].contiguous(), "tanh")[0], forward(layers, x, "tanh")[0]
    torch.testing.assert_close(few, many[:, :64], rtol=1e-5, atol=1e-5)
