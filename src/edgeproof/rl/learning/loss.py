"""The loss of a minibatch, and its slopes in what the networks say: by autograd, and on a processor in one pass."""

# P members, B samples, A action numbers

import torch
from torch import Tensor

from edgeproof.rl.interface import ActionSpace, Discrete
from edgeproof.rl.learning import objective, one_pass
from edgeproof.rl.learning.distribution import log_prob_and_entropy
from edgeproof.rl.learning.hyper import Hyper
from edgeproof.rl.learning.one_pass import continuous_slopes, discrete_slopes
from edgeproof.rl.learning.policy import Outputs
from edgeproof.rl.learning.samples import Batch
from edgeproof.rl.settings import PpoConfig

__all__ = ["TERMS", "by_autograd", "policy_slopes", "slopes", "terms", "value_slopes", "whole"]

TERMS = ("policy_loss", "value_loss", "entropy", "loss", "kl", "clip_share", "ratio_error")
Found = tuple[Tensor, dict[str, Tensor]]


def slopes(actions: ActionSpace, outputs: Outputs, batch: Batch, config: PpoConfig, hyper: Hyper) -> Found:
    """The loss's `TERMS`, f64[7, P], and the slopes of the loss in `action`, `value` and, where there is, `log_std`.

    Args:
        actions: the space.
        outputs: of the networks, for the minibatch.
        batch: the minibatch.
        config: settings that all members share.
        hyper: each member's own.
    """
    if outputs.value.device.type != "cpu":
        return by_autograd(actions, outputs, batch, config, hyper)
    told, steep = policy_slopes(actions, outputs.action, outputs.log_std, batch, config, hyper=hyper)
    missed, steep["value"] = value_slopes(outputs.value, batch, config, hyper)
    return whole(told, missed, hyper), steep


def policy_slopes(
    actions: ActionSpace, output: Tensor, log_std: Tensor, batch: Batch, config: PpoConfig, *, hyper: Hyper
) -> Found:
    """What the policy adds to the loss, on a processor, and the slopes in `action` and, where there is, `log_std`.

    Args:
        actions: the space.
        output: [P, B, A] of the actor.
        log_std: [P, 1, A], of continuous actions.
        batch: the minibatch.
        config: settings that all members share.
        hyper: each member's own.
    """
    taken = (batch.samples.action.numpy(), batch.samples.numbers.numpy(), batch.rows.numpy())
    own, said = (hyper.clip.numpy(), hyper.entropy.numpy()), output.contiguous().numpy()
    if isinstance(actions, Discrete):
        told, *steep = discrete_slopes(said, taken, own, config.normalise_advantages)
    else:
        spread = log_std.contiguous().numpy()
        told, *steep = continuous_slopes(said, spread, taken, own, config.normalise_advantages)
    names = ("action", "log_std")[: len(steep)]
    return torch.from_numpy(told), {name: torch.from_numpy(each) for name, each in zip(names, steep, strict=True)}


def value_slopes(value: Tensor, batch: Batch, config: PpoConfig, hyper: Hyper) -> tuple[Tensor, Tensor]:
    """The value loss f64[P] on a processor, and the whole loss's slopes in values [P, B]."""
    own = (hyper.clip.numpy(), hyper.value_coefficient.numpy())
    numbers, rows = batch.samples.numbers.numpy(), batch.rows.numpy()
    told, slope = one_pass.value_slopes(value.contiguous().numpy(), numbers, rows, own, config.clip_value)
    return torch.from_numpy(told), torch.from_numpy(slope)


def whole(told: Tensor, missed: Tensor, hyper: Hyper) -> Tensor:
    """The loss's `TERMS`, f64[7, P], of what is told of the policy and of the values."""
    gain, spread, kl, clipped, error = told.unbind()
    loss = gain + hyper.value_coefficient * missed - hyper.entropy * spread
    return torch.stack((gain, missed, spread, loss, kl, clipped, error))


def terms(actions: ActionSpace, outputs: Outputs, batch: Batch, config: PpoConfig, hyper: Hyper) -> dict[str, Tensor]:
    """The loss of each member and what it is made of, [P] each (Schulman et al. 2017, eq. 9).

    loss = policy_loss + value_coefficient * value_loss - entropy_coefficient * entropy
    """
    kind, clip = outputs.action.dtype, hyper.clip.to(outputs.action.dtype).unsqueeze(1)
    before, advantage, target, value, _ = batch.numbers.unbind()
    weight, old = batch.weight, value if config.clip_value else None
    advantage = objective.normalised(advantage, weight) if config.normalise_advantages else advantage
    logp, spread = log_prob_and_entropy(actions, outputs.action, outputs.log_std, batch.action)
    log_ratio = logp - before
    found = {
        "policy_loss": objective.policy_loss(log_ratio, advantage, clip, weight),
        "value_loss": objective.value_loss(outputs.value, target, weight, old=old, clip=clip),
        "entropy": objective.mean(spread, weight),
    }
    bonus = hyper.entropy.to(kind) * found["entropy"]
    found["loss"] = found["policy_loss"] + hyper.value_coefficient.to(kind) * found["value_loss"] - bonus
    with torch.no_grad():
        found["kl"] = objective.kl_k3(log_ratio, weight)
        found["clip_share"] = objective.clip_share(log_ratio, clip, weight)
        found["ratio_error"] = torch.expm1(log_ratio).abs().amax(-1)
    return found


def by_autograd(actions: ActionSpace, outputs: Outputs, batch: Batch, config: PpoConfig, hyper: Hyper) -> Found:
    """What `slopes` answers, on any device, from the formulas of `terms` alone."""
    leaves = {"action": outputs.action, "value": outputs.value}
    leaves |= {"log_std": outputs.log_std} if outputs.log_std.numel() else {}
    leaves = {name: leaf.detach().requires_grad_() for name, leaf in leaves.items()}
    free = Outputs(leaves["action"], leaves["value"], leaves.get("log_std", outputs.log_std), outputs.traces)
    with torch.enable_grad():
        found = terms(actions, free, batch, config, hyper)
        steep = torch.autograd.grad(found["loss"].sum(), list(leaves.values()))
    told = torch.stack([found[name].detach().to(torch.float64) for name in TERMS])
    return told, dict(zip(leaves, steep, strict=True))
