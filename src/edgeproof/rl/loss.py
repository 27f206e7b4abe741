"""The loss of a minibatch, and its slopes in what the networks say: by autograd, and on a processor in one pass."""

# P members, B samples, A action numbers

import torch
from torch import Tensor

from edgeproof.rl import objective
from edgeproof.rl.distribution import log_prob_and_entropy
from edgeproof.rl.hyper import Hyper
from edgeproof.rl.interface import ActionSpace, Discrete
from edgeproof.rl.one_pass import continuous_slopes, discrete_slopes
from edgeproof.rl.policy import Outputs
from edgeproof.rl.samples import Batch
from edgeproof.rl.settings import PpoConfig

__all__ = ["TERMS", "by_autograd", "slopes", "terms"]

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
    said = (
        (outputs.action, outputs.value)
        if isinstance(actions, Discrete)
        else (outputs.action, outputs.value, outputs.log_std)
    )
    kernel = discrete_slopes if isinstance(actions, Discrete) else continuous_slopes
    taken = (batch.samples.action.numpy(), batch.samples.numbers.numpy(), batch.rows.numpy())
    own = (hyper.clip, hyper.value_coefficient, hyper.entropy)
    flags = (config.clip_value, config.normalise_advantages)
    found, *steep = kernel(tuple(e.contiguous().numpy() for e in said), taken, tuple(e.numpy() for e in own), flags)
    names = ("action", "value", "log_std")[: len(steep)]
    return torch.from_numpy(found), {name: torch.from_numpy(each) for name, each in zip(names, steep, strict=True)}


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
