"""Optimisers take the first steps that their papers give, and go on from a saved state as if never stopped."""

import numpy as np
import pytest
import torch

from edgeproof.train import OPTIMISERS
from edgeproof.train.keep import load_optimiser, optimiser_arrays
from edgeproof.train.optim import AdamConfig, AdamWConfig, SgdConfig

LR, DECAY = 0.1, 0.01


def two_steps(config) -> list[float]:
    """A parameter at 2 with gradients 0.5 and -1.5."""
    parameter = torch.nn.Parameter(torch.tensor([2.0]))
    optimiser = config.build([parameter], LR, DECAY)
    seen = []
    for gradient in (0.5, -1.5):
        parameter.grad = torch.tensor([gradient])
        optimiser.step()
        seen.append(parameter.item())
    return seen


def adam_by_hand(decoupled: bool) -> list[float]:
    x, m, v, seen = 2.0, 0.0, 0.0, []
    for t, gradient in ((1, 0.5), (2, -1.5)):
        g = gradient if decoupled else gradient + DECAY * x
        x = x * (1 - LR * DECAY) if decoupled else x
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        x -= LR * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        seen.append(x)
    return seen


def test_first_steps_by_hand():
    assert two_steps(AdamWConfig()) == pytest.approx(adam_by_hand(decoupled=True), rel=1e-6)
    assert two_steps(AdamConfig()) == pytest.approx(adam_by_hand(decoupled=False), rel=1e-6)
    first = 0.5 + DECAY * 2.0
    x1 = 2.0 - LR * first
    second = 0.9 * first - 1.5 + DECAY * x1
    assert two_steps(SgdConfig()) == pytest.approx([x1, x1 - LR * second], rel=1e-6)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_saved_state_goes_on_to_the_same_bits(name):
    def build():
        parameters = [torch.nn.Parameter(torch.linspace(-1, 1, 12).reshape(3, 4)), torch.nn.Parameter(torch.ones(2))]
        return parameters, OPTIMISERS[name]().build(parameters, LR, DECAY)  # pyright: ignore[reportAttributeAccessIssue]

    def step(parameters, optimiser, number):
        for k, parameter in enumerate(parameters):
            parameter.grad = torch.sin(parameter.detach() * (number + k + 1))
        optimiser.step()

    parameters, optimiser = build()
    step(parameters, optimiser, 0)
    saved, weights = optimiser_arrays(optimiser), [parameter.detach().clone() for parameter in parameters]
    saved = {key: array.copy() for key, array in saved.items()}
    again, other = build()
    for parameter, weight in zip(again, weights, strict=True):
        parameter.data.copy_(weight)
    load_optimiser(other, saved)
    for number in (1, 2):
        step(parameters, optimiser, number)
        step(again, other, number)
    assert all(torch.equal(a, b) for a, b in zip(parameters, again, strict=True))
