"""Dropout silences the share that was asked for, keeps the mean, and draws by the key alone."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from edgeproof.core.rng import Rng
from edgeproof.models.dropout import Dropout, drop
from edgeproof.train.seeding import seeded


def dropped(shape, share, key=1, dtype=torch.float32):
    with seeded(Rng(key)):
        return drop(torch.ones(shape, dtype=dtype), share)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9])
def test_share_and_mean(share):
    """Of a million units the share is silent, within five standard errors; the others are scaled so that 1 stays 1."""
    out = dropped(1_000_000, share)
    silent = float((out == 0).double().mean())
    assert abs(silent - share) < 5 * (share * (1 - share) / 1e6) ** 0.5
    assert out.unique().tolist() == pytest.approx([0.0, 1 / (1 - share)], rel=1e-4)


def test_neighbours_and_steps_are_independent():
    """No correlation between units that share a draw, nor between two calls."""
    with seeded(Rng(2)):
        first, second = (drop(torch.ones(400_000), 0.5) - 1 for _ in range(2))
    for lag in range(1, 9):
        assert abs(float((first[lag:] * first[:-lag]).mean())) < 5 / 400_000**0.5
    assert abs(float((first * second).mean())) < 5 / 400_000**0.5


@given(
    share=some.floats(0, 0.999999), shape=some.sampled_from([(1,), (3, 5), (2, 3, 7), (0,)]), key=some.integers(0, 9)
)
def test_drawn_by_key_alone(share, shape, key):
    """Equal keys silence equal units, whatever number of them is left over in the last draw; nothing becomes NaN."""
    out = dropped(shape, share, key)
    assert torch.equal(out, dropped(shape, share, key))
    assert out.shape == shape
    assert out.isfinite().all()


def test_gradient_flows_where_units_are_kept():
    x = torch.ones(1000, requires_grad=True)
    with seeded(Rng(3)):
        out = drop(x, 0.4)
    out.sum().backward()
    assert torch.equal(x.grad, out.detach())  # pyright: ignore[reportArgumentType] - there is one


def test_silent_in_training_only():
    module = Dropout(0.5)
    x = torch.ones(64)
    assert torch.equal(module.eval()(x), x)
    assert not torch.equal(module.train()(x), x)
    assert dropped(64, 0.3, dtype=torch.bfloat16).dtype == torch.bfloat16
