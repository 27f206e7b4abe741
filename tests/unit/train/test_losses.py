"""Losses by hand, by their papers' formulas, and at large logits."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.core.config import from_mapping
from edgeproof.core.errors import ConfigError
from edgeproof.train.losses import BceConfig, FocalConfig, WeightedBceConfig


def value(config, logit: float, y: float) -> float:
    logits, labels = (torch.tensor([number], dtype=torch.float64) for number in (logit, y))
    return config.build()(logits, labels).item()


def test_bce_by_hand():
    assert value(BceConfig(), 0.0, 1.0) == pytest.approx(math.log(2))
    assert value(BceConfig(), math.log(3), 1.0) == pytest.approx(-math.log(0.75))
    assert value(BceConfig(), math.log(3), 0.0) == pytest.approx(-math.log(0.25))


def test_focal_by_hand():
    """p = 0.9 for a positive: -0.25 * 0.1^2 * ln 0.9; for a negative p_t = 0.1: -0.75 * 0.9^2 * ln 0.1."""
    logit = math.log(9)
    assert value(FocalConfig(), logit, 1.0) == pytest.approx(-0.25 * 0.01 * math.log(0.9))
    assert value(FocalConfig(), logit, 0.0) == pytest.approx(-0.75 * 0.81 * math.log(0.1))
    # Lin et al. 2017, section 3.2: with gamma 2 a sample at p_t = 0.9 has a loss 100 times lower than cross-entropy
    plain = FocalConfig(alpha=None, gamma=2.0)
    assert value(BceConfig(), logit, 1.0) / value(plain, logit, 1.0) == pytest.approx(100)


@given(st.floats(-15, 15), st.sampled_from([0.0, 1.0]), st.floats(0.05, 0.95), st.floats(0, 5))
def test_focal_is_the_papers_formula(logit, y, alpha, gamma):
    p = 1 / (1 + math.exp(-logit))
    p_t, alpha_t = (p, alpha) if y else (1 - p, 1 - alpha)
    expected = -alpha_t * (1 - p_t) ** gamma * math.log(p_t)
    assert value(FocalConfig(alpha=alpha, gamma=gamma), logit, y) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(st.floats(-30, 30), st.sampled_from([0.0, 1.0]))
def test_focal_without_alpha_and_gamma_is_bce(logit, y):
    plain = FocalConfig(alpha=None, gamma=0.0)
    assert value(plain, logit, y) == pytest.approx(value(BceConfig(), logit, y), rel=1e-12)


def test_focal_keeps_its_gradient_where_a_difference_would_lose_it():
    """Float32: at logit 20 a positive's 1 - p rounds to zero; through logarithms the gradient survives."""
    logit = torch.tensor([20.0], requires_grad=True)
    FocalConfig(alpha=None, gamma=1.0).build()(logit, torch.ones(1)).sum().backward()
    p_bad = math.exp(-20)  # loss ~ p_bad^2, derivative -2 p_bad^2
    assert logit.grad is not None
    np.testing.assert_allclose(logit.grad.item(), -2 * p_bad**2, rtol=1e-4)


def test_class_weights_by_hand():
    """A quarter positive: positives weigh 4, negatives 4/3; over the training samples both classes weigh n each."""
    loss = WeightedBceConfig().build(positive_share=0.25)
    got = loss(torch.zeros(4, dtype=torch.float64), torch.tensor([1.0, 0, 0, 0], dtype=torch.float64))
    assert got.tolist() == pytest.approx([4 * math.log(2)] + [4 / 3 * math.log(2)] * 3)
    assert got[0].item() == pytest.approx(got[1:].sum().item())


@given(st.floats(-15, 15), st.sampled_from([0.0, 1.0]), st.floats(0.01, 0.5))
def test_smoothed_cross_entropy_is_that_of_a_smoothed_label(logit, y, share):
    soft = y * (1 - share) + share / 2
    p = 1 / (1 + math.exp(-logit))
    expected = -soft * math.log(p) - (1 - soft) * math.log(1 - p)
    assert value(BceConfig(label_smoothing=share), logit, y) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("config", [BceConfig, WeightedBceConfig, FocalConfig])
def test_smoothing_mixes_the_losses_of_both_labels(config):
    for logit, y in ((1.3, 1.0), (-2.0, 1.0), (0.4, 0.0)):
        both = [value(config(), logit, label) for label in (y, 1 - y)]
        assert value(config(label_smoothing=0.1), logit, y) == pytest.approx(0.95 * both[0] + 0.05 * both[1])


def test_bad_values_are_refused():
    with pytest.raises(ConfigError, match=r"loss: unknown key 'gama'; did you mean 'gamma'"):
        from_mapping(FocalConfig, {"gama": 2}, source="loss")
    with pytest.raises(ConfigError, match="alpha"):
        from_mapping(FocalConfig, {"alpha": 1.0})
