"""The student's loss is that of Hinton et al. (2015), written with one target in place of two."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from edgeproof.combine.distilled import SoftLossConfig, soft_targets


def test_targets_by_hand():
    """T = 1: 0.6 of the teacher's 0.75 and 0.4 of the label."""
    made = soft_targets(np.log([3.0, 3.0]), np.array([1.0, 0.0]), temperature=1.0, share=0.6)
    assert made == pytest.approx([0.6 * 0.75 + 0.4, 0.6 * 0.75])
    # T = 2, v = 2 log 3: q = 0.75 again, weighs s T = 1.2 against 0.4
    made = soft_targets(np.array([2 * np.log(3.0)]), np.array([1.0]), temperature=2.0, share=0.6)
    assert made == pytest.approx([(1.2 * 0.75 + 0.4) / 1.6])


@given(
    z=st.floats(-20, 20),
    v=st.floats(-20, 20),
    y=st.sampled_from([0.0, 1.0]),
    T=st.floats(0.5, 20),
    s=st.floats(0.01, 1),
)
def test_loss_and_gradient_are_those_of_two_cross_entropies(z, v, y, T, s):
    logit = torch.tensor([z], dtype=torch.float64, requires_grad=True)
    target = torch.from_numpy(soft_targets(np.array([v]), np.array([y]), temperature=T, share=s))
    one = SoftLossConfig(temperature=T, share=s).build(0.5)(logit, target)
    cross_entropy = functional.binary_cross_entropy_with_logits
    taught = cross_entropy(logit / T, torch.sigmoid(torch.tensor([v], dtype=torch.float64) / T))
    two = s * T**2 * taught + (1 - s) * cross_entropy(logit, torch.tensor([y], dtype=torch.float64))
    assert one.item() == pytest.approx(two.item(), rel=1e-9, abs=1e-9)
    first, second = (torch.autograd.grad(loss.sum(), logit)[0].item() for loss in (one, two))
    assert first == pytest.approx(second, rel=1e-9, abs=1e-9)
