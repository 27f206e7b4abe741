"""Stacked networks: gradients by hand equal autograd's, members are apart, first weights are orthogonal."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

from edgeproof.core.rng import Rng
from edgeproof.rl.interface import Continuous, Discrete
from edgeproof.rl.keys import Keys
from edgeproof.rl.learning import passes, tower
from edgeproof.rl.learning.policy import Policy
from edgeproof.rl.settings import NetConfig

ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "silu": nn.SiLU}
KEYS = Keys(Rng(3), (0, 1, 2))


def policy(members=3, kind=torch.float64, actions=None, **net):
    keys = Keys(KEYS.rng, KEYS.members[:members])
    return Policy(NetConfig(actor=(16, 8), critic=(12,), **net), 5, actions or Discrete(3), members, kind).start(keys)


def module_of(layers, activation, place):
    """The same network of one member as torch builds it."""
    parts = []
    for layer in layers:
        linear = nn.Linear(*layer.weight.shape[1:], dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(layer.weight[place].T)
            linear.bias.copy_(layer.bias[place, 0])
        parts += [linear, ACTIVATIONS[activation]()]
    return nn.Sequential(*parts[:-1])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("members", [1, 3])
def test_gradients_equal_those_of_autograd(activation, shared, members):
    own = policy(members, activation=activation, shared=shared)
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(members, 7, 5, generator=draw, dtype=torch.float64)
    slopes = {"action": torch.randn(members, 7, 3, generator=draw).double()}
    slopes["value"] = torch.randn(members, 7, generator=draw).double()
    outputs = own.forward(x)
    towards = own.backward(outputs, slopes, inputs=True)
    assert towards is not None
    for place in range(members):
        alone: list[Any] = [module_of(layers, activation, place) for layers in own.towers(own.flat)]
        seen = x[place].clone().requires_grad_()
        both = torch.cat([net(seen) for net in alone], -1)
        torch.testing.assert_close(both, torch.cat((outputs.action[place], outputs.value[place, :, None]), -1))
        both.backward(torch.cat((slopes["action"][place], slopes["value"][place, :, None]), -1))
        torch.testing.assert_close(towards[place], seen.grad)
        for net, layers in zip(alone, own.towers(own.gradient), strict=True):
            for linear, layer in zip(net[::2], layers, strict=True):
                torch.testing.assert_close(layer.weight[place], linear.weight.grad.T)
                torch.testing.assert_close(layer.bias[place, 0], linear.bias.grad)


def test_first_weights_are_orthogonal_and_each_members_own():
    own = policy()
    (first, second, last), (_, value) = own.towers(own.flat)
    for layer, gain in ((first, 2.0), (second, 2.0), (last, 1e-4), (value, 1.0)):
        wide = layer.weight if layer.weight.shape[1] < layer.weight.shape[2] else layer.weight.transpose(1, 2)
        expected = gain * torch.eye(wide.shape[1]).double().expand(3, -1, -1)
        torch.testing.assert_close(wide @ wide.transpose(1, 2), expected, rtol=0, atol=1e-5)  # made in float32
        assert layer.bias.eq(0).all()
    assert not torch.equal(first.weight[0], first.weight[1])
    torch.testing.assert_close(policy(1).flat, own.flat[:1])


def test_a_shared_trunk_starts_its_two_heads_with_their_own_gains():
    ((*_, last),) = policy(shared=True).towers(policy(shared=True).flat)
    expected = torch.tensor([0.01, 0.01, 0.01, 1.0], dtype=torch.float64)
    torch.testing.assert_close(last.weight[0].norm(dim=0), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_lower_precisions_say_the_same_but_for_their_digits(kind):
    exact, rough = policy(), policy(kind=kind)
    x = torch.randn(3, 9, 5, generator=torch.Generator().manual_seed(0))
    said, right = rough.forward(x.to(kind)).value, exact.forward(x.double()).value.float()
    torch.testing.assert_close(said, right, rtol=0, atol=0.05 if kind == torch.bfloat16 else 1e-5)
    assert rough.flat.dtype == torch.float32


def test_continuous_actions_start_at_the_deviation_that_was_asked_for():
    own = policy(actions=Continuous(2, -1.0, 1.0), log_std=-0.5)
    assert own.log_std.shape == (3, 1, 2)
    assert own.log_std.eq(-0.5).all()
    assert policy().log_std.shape == (3, 1, 0)


def test_the_whole_of_a_rounded_policy_is_what_its_weights_say():
    rounded, exact = policy(kind=torch.bfloat16), policy(kind=torch.float32)
    x = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(2))
    assert torch.equal(rounded.whole().forward(x).action, exact.forward(x).action)
    assert not torch.equal(rounded.forward(x.bfloat16()).action, exact.forward(x).action)
    assert exact.whole() is exact


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_without_torchscript_everything_is_the_same(monkeypatch, kind, activation):
    x = torch.randn(3, 600, 5, generator=torch.Generator().manual_seed(2)).to(kind)
    slopes = {"action": torch.ones(3, 600, 3), "value": torch.ones(3, 600)}
    found = []
    for through, back in ((tower._THROUGH, tower._BACK), (passes.through_layers, passes.back)):
        monkeypatch.setattr(tower, "_THROUGH", through)
        monkeypatch.setattr(tower, "_BACK", back)
        own = policy(kind=kind, activation=activation)
        outputs = own.forward(x)
        own.backward(outputs, slopes)
        found.append((outputs.action, outputs.value, own.gradient))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
    assert found[0][2].abs().sum() > 0


def test_no_thread_compiles_while_it_works():
    """What it would do about warnings meanwhile holds for all threads, and can be left behind for good."""
    program = """
import torch
from edgeproof.core.rng import Rng
from edgeproof.rl.interface import Discrete
from edgeproof.rl.keys import Keys
from edgeproof.rl.learning.policy import Policy
from edgeproof.rl.settings import NetConfig
torch.jit.script = None
own = Policy(NetConfig(actor=(8,), critic=(8,)), 5, Discrete(3), 1, torch.float32).start(Keys(Rng(0), (0,)))
outputs = own.forward(torch.ones(1, 7, 5))
own.backward(outputs, {"action": torch.ones(1, 7, 3), "value": torch.ones(1, 7)})
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_function_without_source_is_not_compiled():
    own: dict[str, Any] = {}
    exec("def twice(x: float) -> float:\n    return x + x", own)  # noqa: S102 - as a program without its files has it
    assert passes.compiled(own["twice"]) is own["twice"]
