"""Collecting a rollout: act, step, remember; and what each step led to, the truncated ones included."""

# P members, H steps, N = P * n accounts, A action numbers

from functools import partial

import torch
from torch import Tensor

from edgeproof.core.errors import Diverged
from edgeproof.rl.inputs import Inputs
from edgeproof.rl.interface import Environment, Observation
from edgeproof.rl.learning.buffers import Rollout
from edgeproof.rl.learning.distribution import draw, log_prob
from edgeproof.rl.learning.normalise import Moments
from edgeproof.rl.learning.policy import Policy
from edgeproof.rl.learning.returns import next_values
from edgeproof.rl.learning.tally import Tally
from edgeproof.rl.learning.workers import together

__all__ = ["check_finite", "collect", "final_values", "led_to", "seen"]

JUDGED = 4096  # rows that the critic reads at once


def seen(inputs: Inputs, members: int, observation: Observation, moments: Moments | None) -> Tensor:
    """Inputs [P, n, I] of what N accounts see."""
    dense = observation.dense.unflatten(0, (members, -1))
    index = None if observation.index is None else observation.index.view(members, -1)
    return inputs.rows(dense if moments is None else moments.standard(dense), index)


def collect(
    policy: Policy,
    environment: Environment,
    observation: Observation,
    rollout: Rollout,
    *,
    inputs: Inputs,
    noise: Tensor,
    moments: Moments | None = None,
    tally: Tally | None = None,
) -> Observation:
    """Fill the rollout by the policy's drawn actions; answers what is seen after its last step.

    Args:
        policy: who acts.
        environment: stepped once a row of the rollout.
        observation: to act on first.
        rollout: filled.
        inputs: how observations become rows.
        noise: f32[H, P, n, A], see `Keys.noise`.
        moments: by which observations are normalised; none: not.
        tally: told of every step.
    """
    members, later = noise.shape[1], policy.judges_later(noise.shape[2])
    rollout.begin()
    with torch.no_grad():
        for t in range(len(noise)):
            x = seen(inputs, members, observation, moments)
            if later:
                output = policy.ahead(0, x)[0]
            else:
                outputs = policy.forward(x)
                output = outputs.action
                rollout.judge(t, outputs.value.flatten())
            action = draw(policy.actions, output, policy.log_std, noise[t])
            logp = log_prob(policy.actions, output, policy.log_std, action)
            rollout.act(t, observation, action.flatten(0, 1), logp.flatten())
            step = environment.step(action.flatten(0, 1))
            rollout.bring(t, step)
            if tally is not None:
                tally.see(step)
            observation = step.observation
        if later:
            _judge(policy, rollout, inputs, members, moments)
    return observation


def _judge(policy: Policy, rollout: Rollout, inputs: Inputs, members: int, moments: Moments | None) -> None:
    """Values of all that was acted on, several steps at once: fewer and larger products than step by step."""
    steps, accounts = rollout.value.shape
    many = max(1, JUDGED // accounts)

    def go(first: int) -> None:
        some = slice(first, first + many)
        dense = rollout.dense[some].unflatten(1, (members, -1)).transpose(0, 1).flatten(1, 2)
        index = rollout.index
        if index is not None:
            index = index[some].unflatten(1, (members, -1)).transpose(0, 1).flatten(1)
        x = inputs.rows(dense if moments is None else moments.standard(dense), index)
        value = policy.values(x).unflatten(1, (-1, accounts // members))
        rollout.judge(some, value.transpose(0, 1).flatten(1))

    together([partial(go, first) for first in range(0, steps, many)], policy.apart(many * accounts // members))


def final_values(
    policy: Policy, rollout: Rollout, *, inputs: Inputs, members: int, moments: Moments | None = None
) -> Tensor:
    """V of the last observation of every truncated step, [H, N], 0 elsewhere."""
    value = torch.zeros_like(rollout.value)
    if not rollout.final.step:
        return value
    final = rollout.final
    step, account, dense = (torch.cat(parts) for parts in (final.step, final.account, final.dense))
    index = torch.cat(final.index) if final.index else None
    owner = account // (value.shape[1] // members)
    for member in owner.unique().tolist():
        rows = (owner == member).nonzero().flatten()
        with torch.no_grad():
            x = dense[rows].unsqueeze(0)
            if moments is not None:
                x = moments.member(member).standard(x)
            x = inputs.rows(x, None if index is None else index[rows].unsqueeze(0))
            value[step[rows], account[rows]] = policy.member(member).values(x)[0]
    return value


def led_to(
    policy: Policy,
    rollout: Rollout,
    observation: Observation,
    *,
    inputs: Inputs,
    members: int,
    moments: Moments | None = None,
) -> Tensor:
    """V of what each step of the rollout really led to, [H, N]: `observation` is what is seen after the last one."""
    with torch.no_grad():
        last = policy.values(seen(inputs, members, observation, moments)).flatten()
    final = final_values(policy, rollout, inputs=inputs, members=members, moments=moments)
    return next_values(rollout.value, last, rollout.terminated | rollout.truncated, final)


def check_finite(rollout: Rollout, update: int) -> None:
    """No observation, reward or value of the rollout is infinite or NaN.

    Raises:
        Diverged: one of them is; `facts` says which.
    """
    for name, tensor in (("observation", rollout.dense), ("reward", rollout.reward), ("value", rollout.value)):
        if bool(tensor.sum().isfinite()):
            continue
        bad = (~tensor.isfinite()).nonzero()
        if not len(bad):
            continue
        step, account = bad[0, :2].tolist()
        place = f"update {update}, step {step}, account {account}"
        article = "an" if name == "observation" else "a"
        said = f"the environment gave {article} {name} that is not finite; correct the environment or its data"
        if name == "value":
            said = "the critic's value is not finite; lower lr, or look at the size of rewards"
        raise Diverged(f"{place}: {said}", {"what": name, "update": update, "step": step, "account": account})
