"""One update of PPO: epochs of minibatches over a rollout, each member with its own samples, order and settings."""

# P members, H steps, N = P * n accounts, B samples of a minibatch, A action numbers

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from edgeproof.core.errors import Diverged
from edgeproof.rl import objective
from edgeproof.rl.adam import Adam, clip_gradient
from edgeproof.rl.buffers import Rollout
from edgeproof.rl.distribution import log_prob_and_entropy
from edgeproof.rl.hyper import Hyper
from edgeproof.rl.inputs import Inputs
from edgeproof.rl.interface import ActionSpace
from edgeproof.rl.keys import Keys
from edgeproof.rl.policy import Outputs, Policy
from edgeproof.rl.settings import PpoConfig

__all__ = ["Batch", "Samples", "descend", "gather", "minibatches", "samples_of", "terms", "update"]


@dataclass(frozen=True)
class Samples:
    """A rollout as samples, in order of step and account: row t * N + p * n + i.

    Attributes:
        dense: [H * N, K] as the networks read it, or the whole observation.
        index: i64[H * N] where windows have yet to be read.
        action: i64[H * N] or [H * N, A].
        numbers: [5, H * N] log-probability, advantage, target, value, and 1 for rows that count.
        whole: every row counts.
        members: P.
        accounts: n.
    """

    dense: Tensor
    index: Tensor | None
    action: Tensor
    numbers: Tensor
    whole: bool
    members: int
    accounts: int


@dataclass(frozen=True)
class Batch:
    """A minibatch of every member: inputs [P, B, I], action, and [P, B] each of the rest."""

    x: Tensor
    action: Tensor
    logp: Tensor
    advantage: Tensor
    target: Tensor
    value: Tensor
    weight: Tensor | None


def samples_of(rollout: Rollout, advantage: Tensor, *, dense: Tensor, index: Tensor | None, members: int) -> Samples:
    """The samples of a rollout with these advantages [H, N], dense numbers [H, N, K] and windows i64[H, N]."""
    columns = (rollout.logp, advantage, advantage + rollout.value, rollout.value, rollout.valid.to(advantage.dtype))
    return Samples(
        dense=dense.flatten(0, 1),
        index=None if index is None else index.flatten(),
        action=rollout.action.flatten(0, 1),
        numbers=torch.stack(columns).flatten(1),
        whole=bool(rollout.valid.all()),
        members=members,
        accounts=rollout.logp.shape[1] // members,
    )


def minibatches(samples: Samples, parts: Iterable[Tensor]) -> Iterator[Tensor]:
    """Rows i64[P, B] of each minibatch of an epoch.

    Args:
        samples: of P members.
        parts: i64[P, B] each, numbers of each member's own samples, counted by step and own account.
    """
    n, p = samples.accounts, torch.arange(samples.members).unsqueeze(1)
    for own in parts:
        yield own if samples.members == 1 else own // n * (n * samples.members) + p * n + own % n


def gather(samples: Samples, inputs: Inputs, rows: Tensor) -> Batch:
    """The minibatch of these rows i64[P, B]."""
    place = rows.flatten()

    def of(table: Tensor) -> Tensor:
        return table.index_select(0, place).unflatten(0, rows.shape)

    logp, advantage, target, value, weight = samples.numbers.index_select(1, place).unflatten(1, rows.shape).unbind()
    x = of(samples.dense) if samples.index is None else inputs.rows(of(samples.dense), of(samples.index))
    return Batch(x, of(samples.action), logp, advantage, target, value, None if samples.whole else weight)


def terms(actions: ActionSpace, outputs: Outputs, batch: Batch, config: PpoConfig, hyper: Hyper) -> dict[str, Tensor]:
    """The loss of each member and what it is made of, [P] each (Schulman et al. 2017, eq. 9).

    loss = policy_loss + value_coefficient * value_loss - entropy_coefficient * entropy
    """
    kind, weight = outputs.action.dtype, batch.weight
    clip = hyper.clip.to(kind).unsqueeze(1)
    logp, spread = log_prob_and_entropy(actions, outputs.action, outputs.log_std, batch.action)
    log_ratio = logp - batch.logp
    advantage = objective.normalised(batch.advantage, weight) if config.normalise_advantages else batch.advantage
    old = batch.value if config.clip_value else None
    found = {
        "policy_loss": objective.policy_loss(log_ratio, advantage, clip, weight),
        "value_loss": objective.value_loss(outputs.value, batch.target, weight, old=old, clip=clip),
        "entropy": objective.mean(spread, weight),
    }
    bonus = hyper.entropy.to(kind) * found["entropy"]
    found["loss"] = found["policy_loss"] + hyper.value_coefficient.to(kind) * found["value_loss"] - bonus
    with torch.no_grad():
        found["kl"] = objective.kl_k3(log_ratio, weight)
        found["clip_share"] = objective.clip_share(log_ratio, clip, weight)
        found["ratio_error"] = torch.expm1(log_ratio).abs().amax(-1)
    return found


def descend(policy: Policy, batch: Batch, config: PpoConfig, hyper: Hyper) -> dict[str, Tensor]:
    """Put the gradient of a minibatch's loss into the policy's; the loss's terms."""
    with torch.no_grad():
        outputs = policy.forward(batch.x)
    leaves = {"action": outputs.action, "value": outputs.value}
    leaves |= {"log_std": outputs.log_std} if outputs.log_std.numel() else {}
    leaves = {name: leaf.detach().requires_grad_() for name, leaf in leaves.items()}
    free = Outputs(leaves["action"], leaves["value"], leaves.get("log_std", outputs.log_std), outputs.traces)
    found = terms(policy.actions, free, batch, config, hyper)
    gradients = torch.autograd.grad(found["loss"].sum(), list(leaves.values()))
    with torch.no_grad():
        policy.backward(outputs, dict(zip(leaves, gradients, strict=True)))
    return {name: tensor.detach() for name, tensor in found.items()}


def update(
    policy: Policy,
    adam: Adam,
    samples: Samples,
    config: PpoConfig,
    hyper: Hyper,
    *,
    inputs: Inputs,
    keys: Keys,
    number: int,
) -> dict[str, Tensor]:
    """Epochs of gradient steps on a rollout.

    Args:
        policy: moved in place.
        adam: its memory of gradients.
        samples: of the rollout.
        config: settings that all members share.
        hyper: each member's own.
        inputs: how observations become rows.
        keys: of the orders.
        number: of this update.

    Returns:
        [P] each: the loss's terms, `kl`, `clip_share` and `grad_norm` as means over the gradient steps, `ratio_error`
        of the first minibatch, its largest |ratio - 1|, and `gradient_steps`.

    Raises:
        Diverged: a loss is infinite or NaN.
    """
    told: list[dict[str, Tensor]] = []
    count = samples.numbers.shape[1] // samples.members
    active = torch.ones(samples.members, dtype=torch.bool)
    for epoch in range(config.epochs):
        for rows in minibatches(samples, keys.parts(number, epoch, count, -(-count // config.minibatch))):
            found = descend(policy, gather(samples, inputs, rows), config, hyper)
            if config.target_kl is not None:
                active = active & (found["kl"] <= 1.5 * config.target_kl)
                if not bool(active.any()):
                    return _told(told or [found | {"grad_norm": found["loss"] * 0, "active": active}], number)
            norm = clip_gradient(policy.gradient, hyper.grad_norm.to(policy.gradient.dtype))
            adam.step(policy.flat, policy.gradient, hyper.lr, None if config.target_kl is None else active)
            policy.refresh()
            told.append(found | {"grad_norm": norm, "active": active})
    return _told(told, number)


def _told(told: list[dict[str, Tensor]], number: int) -> dict[str, Tensor]:
    whole = {name: torch.stack([row[name] for row in told]) for name in told[0]}
    took = whole.pop("active").to(torch.float64)
    steps = took.sum(0)
    for member, loss in enumerate(whole["loss"].sum(0).isfinite().tolist()):
        if not loss:
            raise Diverged(
                f"update {number + 1}, member {member}: the loss is not finite; lower lr, or look at the rewards' size",
                {"what": "loss", "update": number + 1, "member": member},
            )
    first = whole["ratio_error"][0]
    figures = {name: (rows * took).sum(0) / steps.clamp(min=1) for name, rows in whole.items()}
    return figures | {"ratio_error": first, "gradient_steps": steps}
