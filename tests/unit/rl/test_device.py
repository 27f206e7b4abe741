"""Learning where the environment's tensors lie: nothing is left on the processor, and what is learned is the same.

Two devices stand in for a GPU: PyTorch's `meta`, whose tensors know where they are and hold no numbers, so that reading
one is an error, and `far`, whose numbers the processor computes.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from edgeproof.core.rng import Rng
from edgeproof.rl.inputs import Inputs
from edgeproof.rl.interface import Continuous, Discrete, Layout, Observation
from edgeproof.rl.keys import Keys
from edgeproof.rl.learning.adam import Adam, clip_gradient
from edgeproof.rl.learning.collect import seen
from edgeproof.rl.learning.distribution import draw, log_prob
from edgeproof.rl.learning.hyper import hyper_at
from edgeproof.rl.learning.normalise import Moments
from edgeproof.rl.learning.policy import Policy
from edgeproof.rl.learning.returns import gae
from edgeproof.rl.learning.samples import Samples, gather, minibatches
from edgeproof.rl.learning.update import descend
from edgeproof.rl.settings import PpoConfig

ROOT = Path(__file__).parents[3]
CONFIG = PpoConfig.model_validate({"steps": 4, "accounts": 8, "minibatch": 16, "net": {"actor": [8], "critic": [8]}})


class OnePlace(TorchDispatchMode):
    """Refuses an operation on tensors of two devices; copies from one to the other are what they are."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor) and x.dim()]
        places = {tensor.device.type for tensor in tensors}
        assert len(places) < 2 or "copy" in str(func), f"{func} on {places}"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("actions", [Discrete(3), Continuous(2, -1.0, 1.0)])
def test_acting_and_learning_stay_on_the_environment_s_device(actions):
    H, N, keys = CONFIG.steps, 2 * CONFIG.accounts, Keys(Rng(0), (0, 1))
    with torch.no_grad(), OnePlace(), torch.device("meta"):
        inputs = Inputs(Layout(6, torch.zeros(50, 2), 3), torch.float32)
        policy, moments = Policy(CONFIG.net, 12, actions, 2, torch.float32), Moments(2, 6)
        noise = keys.noise(0, H, CONFIG.accounts, actions).to("meta")
        look = Observation(torch.zeros(N, 6), torch.full((N,), 5))
        outputs = policy.forward(seen(inputs, 2, look, moments))
        action = draw(actions, outputs.action, outputs.log_std, noise[0])
        logp = log_prob(actions, outputs.action, outputs.log_std, action).flatten().expand(H, N)
        flags, value = torch.zeros(H, N, dtype=torch.bool), outputs.value.flatten().expand(H, N)
        advantage = gae(value, value, value, flags, flags, gamma=0.99, lam=0.95)
        numbers = torch.stack((logp, advantage, value, value, flags.float())).flatten(1)
        own = action.flatten(0, 1).repeat(H, *[1] * (action.dim() - 2))
        samples = Samples(torch.zeros(H * N, 6), torch.full((H * N,), 5), own, numbers, False, 2, CONFIG.accounts)
        hyper, adam = hyper_at([CONFIG, CONFIG], 0), Adam(policy.flat, eps=1e-5)
        for rows in minibatches(samples, keys.parts(0, 0, H * CONFIG.accounts, 2)):
            found = descend(policy, gather(samples, inputs, rows), CONFIG, hyper)
            clip_gradient(policy.gradient, hyper.grad_norm.to(policy.gradient.dtype))
            adam.step(policy.flat, policy.gradient, hyper.lr)
            assert found.device.type == "meta"
        assert policy.flat.device.type == "meta"


def test_whole_trainings_on_a_device_end_with_the_processor_s_weights():
    """Populations, normalised or not, that are validated, whose updates end early, that see by encoders: to 1e-12 in
    fp64; and one that was taken up on the other device."""
    command = [sys.executable, "-W", "error", "-m", "tests.unit.rl.far_process"]
    environment = {**os.environ, "EDGEPROOF_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["5", "True", "8"], done.stderr


@pytest.mark.parametrize("members", [1, 3])
def test_adam_on_a_device_steps_as_on_the_processor(members):
    draws = torch.from_numpy(np.random.default_rng(0).normal(size=(6, members, 40)))
    here, there, lr = draws[0].clone(), draws[0].clone(), torch.linspace(1e-3, 1e-2, members, dtype=torch.float64)
    plain, other = Adam(here, eps=1e-5), Adam(there, eps=1e-5)
    for gradient in draws[1:]:
        plain.step(here, gradient, lr)
        other.observe(slice(None), gradient)
        other.move_there(slice(None), there, lr)
    np.testing.assert_allclose(there.numpy(), here.numpy(), rtol=0, atol=1e-15)
