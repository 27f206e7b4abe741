"""The loss in one pass says what the plain formulas say, and its slopes are those of their autograd."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.rl.inputs import Inputs
from edgeproof.rl.interface import Continuous, Discrete, Layout
from edgeproof.rl.learning.hyper import hyper_at
from edgeproof.rl.learning.loss import TERMS, by_autograd, slopes
from edgeproof.rl.learning.policy import Outputs
from edgeproof.rl.learning.samples import Batch, Samples
from edgeproof.rl.settings import PpoConfig


def scene(seed, actions, whole, kind=torch.float64, many=50):
    """Networks' outputs of two members and a minibatch whose ratios reach past the clip."""
    draw = torch.Generator().manual_seed(seed)
    width = actions.count if isinstance(actions, Discrete) else actions.size

    def normal(*shape):
        return torch.randn(*shape, generator=draw).to(kind)

    outputs = Outputs(normal(2, many, width), normal(2, many), 0.3 * normal(2, 1, 0), ())
    action = torch.randint(0, width, (2, many), generator=draw)
    if isinstance(actions, Continuous):
        outputs = Outputs(outputs.action, outputs.value, 0.3 * normal(2, 1, width), ())
        action = normal(2, many, width).float()
    numbers = normal(5, 2 * many)
    numbers[0] = -1 + 0.3 * numbers[0]
    numbers[4] = 1.0 if whole else (torch.rand(2 * many, generator=draw) > 0.3).to(kind)
    rows = torch.randperm(2 * many, generator=draw).view(2, many)
    samples = Samples(outputs.action, None, action.flatten(0, 1), numbers, whole, 2, many)
    return outputs, Batch(Inputs(Layout(dense=width), kind), rows, samples)


@pytest.mark.parametrize("actions", [Discrete(2), Discrete(5), Continuous(1, -1, 1), Continuous(3, -1, 1)], ids=str)
@settings(max_examples=10)
@given(
    seed=st.integers(0, 2**31),
    whole=st.booleans(),
    clip_value=st.booleans(),
    normalise=st.booleans(),
    many=st.sampled_from([50, 1, 2]),
)
def test_one_pass_is_what_autograd_says(actions, seed, whole, clip_value, normalise, many):
    config = PpoConfig(clip_value=clip_value, normalise_advantages=normalise)
    hyper = hyper_at([config, config.model_copy(update={"clip": 0.05, "entropy": 0.3, "value_coefficient": 2.0})], 0)
    found, steep = slopes(actions, *scene(seed, actions, whole, many=many), config, hyper)
    right, wanted = by_autograd(actions, *scene(seed, actions, whole, many=many), config, hyper)
    assert steep.keys() == wanted.keys()
    torch.testing.assert_close(found, right, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(steep, wanted, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("actions", [Discrete(3), Continuous(2, -1, 1)], ids=str)
def test_in_float32_both_agree_to_its_digits(actions):
    config = PpoConfig()
    hyper = hyper_at([config, config], 0)
    found, steep = slopes(actions, *scene(1, actions, True, torch.float32, 4096), config, hyper)
    right, wanted = by_autograd(actions, *scene(1, actions, True, torch.float32, 4096), config, hyper)
    torch.testing.assert_close(found, right, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(steep, wanted, rtol=1e-4, atol=1e-7)


def test_a_logit_that_is_no_number_is_told():
    outputs, batch = scene(0, Discrete(3), whole=True)
    outputs.action[1, 3, :] = float("nan")
    config = PpoConfig()
    found, _ = slopes(Discrete(3), outputs, batch, config, hyper_at([config, config], 0))
    assert found[TERMS.index("loss")].isfinite().tolist() == [True, False]
