"""One update of PPO: epochs of minibatches over a rollout, each member with its own samples, order and settings."""

# P members, H steps, N = P * n accounts, B samples of a minibatch, A action numbers

from functools import partial
from typing import Any

import torch
from torch import Tensor

from edgeproof.core.errors import Diverged
from edgeproof.rl.inputs import Inputs
from edgeproof.rl.keys import Keys
from edgeproof.rl.learning import objective
from edgeproof.rl.learning.adam import Adam, clip_gradient
from edgeproof.rl.learning.hyper import Hyper
from edgeproof.rl.learning.loss import TERMS, policy_slopes, slopes, value_slopes, whole
from edgeproof.rl.learning.policy import Policy
from edgeproof.rl.learning.samples import Batch, Samples, gather, minibatches
from edgeproof.rl.learning.workers import Workers, together
from edgeproof.rl.settings import PpoConfig

__all__ = ["descend", "update"]

_KL = TERMS.index("kl")


def descend(policy: Policy, batch: Batch, config: PpoConfig, hyper: Hyper) -> Tensor:
    """Put the gradient of a minibatch's loss into the policy's; the loss's `TERMS`, f64[7, P]."""
    if policy.members > 1 and policy.one_by_one(batch.rows.shape[1]):
        return _each(policy, batch, config, hyper)
    count = policy.parts(batch.rows.shape[1])
    if count > 1:
        return _in_parts(policy, batch, config, hyper, count)
    workers = policy.apart(batch.rows.shape[1])
    if workers is not None:
        return _apart(policy, batch, config, hyper, workers)
    with torch.no_grad():
        outputs = policy.forward(batch.x)
        found, steep = slopes(policy.actions, outputs, batch, config, hyper)
        policy.backward(outputs, steep)
    return found


def _in_parts(policy: Policy, batch: Batch, config: PpoConfig, hyper: Hyper, count: int) -> Tensor:
    """A minibatch of much work in parts of its rows, side by side, each by its share of the rows that count."""
    samples, own = batch.taken(), policy.asides(count)
    numbers, kind = samples.numbers, torch.float64
    if config.normalise_advantages:
        numbers[1] = objective.normalised(numbers[1:2].to(kind), numbers[4:5].to(kind))[0]
    rest = config.model_copy(update={"normalise_advantages": False})
    rows = torch.arange(batch.rows.shape[1]).unsqueeze(0).tensor_split(count, dim=1)
    found: list[Any] = [None] * count

    def go(place: int) -> None:
        found[place] = descend(own[place], Batch(batch.inputs, rows[place], samples), rest, hyper)

    together([partial(go, place) for place in range(count)], policy.workers)
    counting = torch.stack([numbers[4, part[0]].sum() for part in rows]).to(kind)
    share = counting / counting.sum().clamp(min=1.0)
    gradient = torch.zeros_like(policy.gradient)
    for part, view in zip(share, own, strict=True):
        gradient += part.to(gradient.dtype) * view.gradient
    policy.gradient.copy_(gradient)
    terms = torch.stack(found)
    told = (terms * share.view(-1, 1, 1)).sum(0)
    told[-1] = terms[:, -1].amax(0)  # the ratio's error is the largest of all rows
    return told


def _apart(policy: Policy, batch: Batch, config: PpoConfig, hyper: Hyper, workers: Workers) -> Tensor:
    """Actor and critic side by side: neither's loss asks for the other's output."""
    found: dict[str, Tensor] = {}

    def act() -> None:
        output, trace = policy.ahead(0, batch.x)
        found["policy"], steep = policy_slopes(policy.actions, output, policy.log_std, batch, config, hyper=hyper)
        policy.back(0, trace, steep["action"])
        if "log_std" in steep:
            policy.steer(steep["log_std"])

    def judge() -> None:
        output, trace = policy.ahead(1, batch.x)
        found["value"], steep = value_slopes(output.squeeze(-1), batch, config, hyper)
        policy.back(1, trace, steep.unsqueeze(-1))

    workers.run([judge], act)  # each stays with its thread, and what it needs in that one's cache
    return whole(found["policy"], found["value"], hyper)


def _each(policy: Policy, batch: Batch, config: PpoConfig, hyper: Hyper) -> Tensor:
    """Every member alone, as many side by side as there are threads."""
    own, numbers = policy.each(), hyper.each()
    found = torch.empty(len(TERMS), policy.members, dtype=torch.float64)

    def go(place: int) -> None:
        found[:, place : place + 1] = descend(own[place], batch.member(place), config, numbers[place])

    together([partial(go, place) for place in range(policy.members)], policy.workers)
    return found


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
    told: list[tuple[Tensor, Tensor, Tensor]] = []  # terms, norm, members that stepped
    count, limit = samples.numbers.shape[1] // samples.members, hyper.grad_norm
    active = torch.ones(samples.members, dtype=torch.bool)
    for epoch in range(config.epochs):
        parts = keys.parts(number, epoch, count, -(-count // config.minibatch), samples.together(config.minibatch))
        for rows in minibatches(samples, parts):
            found = descend(policy, gather(samples, inputs, rows), config, hyper)
            if config.target_kl is not None:
                active = active & (found[_KL] <= 1.5 * config.target_kl)
                if not bool(active.any()):
                    return _told([*told, (found, found[_KL] * 0, active)], number)
            norm = clip_gradient(policy.gradient, limit)
            adam.step(policy.flat, policy.gradient, hyper.lr, None if config.target_kl is None else active)
            policy.refresh()
            told.append((found, norm, active))
    return _told(told, number)


def _told(told: list[tuple[Tensor, Tensor, Tensor]], number: int) -> dict[str, Tensor]:
    terms, norms, active = (torch.stack(parts).to(torch.float64) for parts in zip(*told, strict=True))
    columns = dict(zip(TERMS, terms.unbind(1), strict=True)) | {"grad_norm": norms}
    steps = active.sum(0)
    sound = (columns["loss"] + torch.where(active > 0, norms, 0.0)).sum(0).isfinite()
    for member, finite in enumerate(sound.tolist()):
        if not finite:
            raise Diverged(
                f"update {number + 1}, member {member}: the loss or its gradient is not finite; lower lr, or look at "
                "the size of rewards",
                {"update": number + 1, "member": member},
            )
    first = columns["ratio_error"][0]
    figures = {name: torch.where(active > 0, rows, 0.0).sum(0) / steps.clamp(min=1) for name, rows in columns.items()}
    return figures | {"ratio_error": first, "gradient_steps": steps}
