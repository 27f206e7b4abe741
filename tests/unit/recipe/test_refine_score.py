"""Trials are compared by the run's own loss without smoothing, and the prior is the best answer that never varies."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.recipe.refine_score import prior_logit, yardstick
from edgeproof.train.losses import BceConfig, FocalConfig, WeightedBceConfig

SHARES = st.floats(0.02, 0.98)


def test_of_a_plain_loss_it_is_the_log_loss_and_smoothing_does_not_matter():
    logit, y = np.array([0.0, 2.0, -1.0]), np.array([1.0, 1.0, 1.0])
    p = 1 / (1 + np.exp(-logit))
    assert yardstick(BceConfig(), 0.5)(logit, y) == pytest.approx(-np.log(p), rel=1e-12)
    assert yardstick(BceConfig(label_smoothing=0.1), 0.5)(logit, y) == pytest.approx(-np.log(p), rel=1e-12)


def test_of_a_focal_loss_it_is_that_loss():
    # Lin et al. (2017), eq. 5 at p_t = 1/2 with alpha 0.25, gamma 2: 0.25 * 0.25 * log 2
    assert yardstick(FocalConfig(), 0.1)(np.zeros(1), np.ones(1))[0] == pytest.approx(0.0625 * math.log(2))


@given(share=SHARES)
def test_the_prior_of_a_plain_loss_is_the_share(share):
    score = yardstick(BceConfig(), share)
    assert prior_logit(score, share) == pytest.approx(math.log(share / (1 - share)), abs=1e-4)


@given(share=SHARES, weighted=st.booleans())
def test_no_other_constant_answer_loses_less_than_the_prior(share, weighted):
    score = yardstick(WeightedBceConfig() if weighted else FocalConfig(), share)
    labels, weights = np.array([0.0, 1.0]), np.array([1 - share, share])

    def loss(z):
        return weights @ score(np.full(2, z), labels)

    found = prior_logit(score, share)
    assert loss(found) <= min(loss(z) for z in np.linspace(-6, 6, 101)) + 1e-9
    if weighted:  # both classes count alike: it cannot lean to either
        assert found == pytest.approx(0.0, abs=1e-4)
