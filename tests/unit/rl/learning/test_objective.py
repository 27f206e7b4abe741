"""The terms of PPO's loss equal the figures that numpy and torch's autograd give for the paper's formulas."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.rl.learning import objective

# Schulman et al. (2017) eq. 7 and 9 by numpy and torch 2.13.0 autograd; clipped values as openai/baselines
ADVANTAGE = [1.0, -0.5, 2.0, -1.5, 0.3]
OLD = [math.log(p) for p in (0.2, 0.5, 0.3, 0.4, 0.25)]
NEW = [math.log(p) for p in (0.3, 0.4, 0.2, 0.6, 0.26)]
VALUE, VALUE_OLD, RETURN = [0.9, 0.1, -0.2, 0.3, 0.9], [0.1, 0.3, -0.1, 0.1, 0.5], [1.0, 0.0, 0.2, -0.5, 0.6]
SLOPE = [0.0, 0.08, -0.2666666666666668, 0.45, -0.0624]
NORMALISED = [0.5495823976804058, -0.5644359759960925, 1.292261313464738, -1.3071148917804247, 0.029707156631373275]


def numbers(values):
    return torch.tensor(values, dtype=torch.float64)


def log_ratio():
    return numbers(NEW) - numbers(OLD)


def test_policy_loss_and_its_slope():
    new = numbers(NEW).requires_grad_()
    loss = objective.policy_loss(new - numbers(OLD), numbers(ADVANTAGE), 0.2)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(-0.03906666666666684, abs=1e-12)
    assert new.grad is not None
    assert new.grad.tolist() == pytest.approx(SLOPE, abs=1e-12)


def test_value_losses():
    assert float(objective.value_loss(numbers(VALUE), numbers(RETURN))) == pytest.approx(0.182, abs=1e-12)
    clipped = objective.value_loss(numbers(VALUE), numbers(RETURN), old=numbers(VALUE_OLD), clip=0.2)
    assert float(clipped) == pytest.approx(0.278, abs=1e-12)


def test_figures_of_an_update():
    assert float(objective.kl_k3(log_ratio())) == pytest.approx(0.05702487934388607, abs=1e-12)
    assert float(objective.clip_share(log_ratio()[[0, 2, 3, 4]], 0.2)) == 0.75
    assert objective.normalised(numbers(ADVANTAGE), eps=0.0).tolist() == pytest.approx(NORMALISED, abs=1e-7)


def test_explained_variance_is_1_for_the_target_itself_0_for_its_mean_and_negative_beyond():
    target = numbers(RETURN)
    assert float(objective.explained_variance(target, target)) == 1.0
    assert float(objective.explained_variance(target.mean().expand(5), target)) == pytest.approx(0.0, abs=1e-12)
    assert float(objective.explained_variance(-target, target)) == pytest.approx(-3.0)


@given(st.integers(0, 2**32))
def test_rows_of_weight_0_might_as_well_not_be_there(seed):
    draw = torch.Generator().manual_seed(seed)
    ratio, advantage, value, target = torch.randn(4, 9, generator=draw, dtype=torch.float64)
    weight = numbers([1, 0, 1, 1, 0, 1, 0, 1, 1])
    kept = weight.bool()
    pairs = [
        (
            objective.policy_loss(ratio, advantage, 0.2, weight),
            objective.policy_loss(ratio[kept], advantage[kept], 0.2),
        ),
        (objective.value_loss(value, target, weight), objective.value_loss(value[kept], target[kept])),
        (objective.kl_k3(ratio, weight), objective.kl_k3(ratio[kept])),
        (objective.clip_share(ratio, 0.2, weight), objective.clip_share(ratio[kept], 0.2)),
        (objective.explained_variance(value, target, weight), objective.explained_variance(value[kept], target[kept])),
        (objective.normalised(advantage, weight)[kept], objective.normalised(advantage[kept])),
    ]
    for with_weights, without in pairs:
        torch.testing.assert_close(with_weights, without)


@given(st.integers(0, 2**32))
def test_members_do_not_see_each_other(seed):
    draw = torch.Generator().manual_seed(seed)
    ratio, advantage = torch.randn(2, 3, 8, generator=draw, dtype=torch.float64)
    clip = numbers([[0.1], [0.2], [0.3]])
    whole = objective.policy_loss(ratio, objective.normalised(advantage), clip)
    alone = [objective.policy_loss(ratio[p], objective.normalised(advantage[p]), float(clip[p])) for p in range(3)]
    torch.testing.assert_close(whole, torch.stack(alone))
