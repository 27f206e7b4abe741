"""What PPO minimises, term by term, and what is told of an update; each member of a population has its own figures.

Every function reduces the last axis, B, and keeps the ones before it; rows of weight 0 count for nothing.
"""

# P members, B samples

import torch
from torch import Tensor

__all__ = [
    "clip_share",
    "explained_variance",
    "kl_k3",
    "mean",
    "normalised",
    "policy_loss",
    "value_loss",
]

Number = Tensor | float


def mean(x: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean over the last axis of the rows that count."""
    return x.mean(-1) if weight is None else (x * weight).sum(-1) / weight.sum(-1).clamp(min=1)


def normalised(advantage: Tensor, weight: Tensor | None = None, eps: float = 1e-8) -> Tensor:
    """Advantages with mean 0 and deviation 1 (ddof 1) over the rows that count; of one row 0."""
    centred = advantage - mean(advantage, weight).unsqueeze(-1)
    if weight is None:
        squares, spare = centred.square().sum(-1), max(advantage.shape[-1] - 1, 1)
    else:
        squares, spare = (centred.square() * weight).sum(-1), (weight.sum(-1) - 1).clamp(min=1)
    deviation = (squares / spare).sqrt()
    return centred / (deviation.unsqueeze(-1) + eps)


def policy_loss(log_ratio: Tensor, advantage: Tensor, clip: Number, weight: Tensor | None = None) -> Tensor:
    """-mean(min(r A, clamp(r, 1 - clip, 1 + clip) A)) with r = exp(log_ratio) (Schulman et al. 2017, eq. 7).

    Args:
        log_ratio: [.., B] new minus old log-probability.
        advantage: [.., B].
        clip: a number, or one a member, [P, 1].
        weight: [.., B] 1 for rows that count.
    """
    ratio = log_ratio.exp()
    held = _within(ratio, 1.0 - clip, 1.0 + clip)
    return -mean(torch.minimum(ratio * advantage, held * advantage), weight)


def _within(x: Tensor, low: Number, high: Number) -> Tensor:
    """Cut at both ends; a number at an end still has its slope."""
    return x.clamp(torch.as_tensor(low, dtype=x.dtype), torch.as_tensor(high, dtype=x.dtype))


def value_loss(
    value: Tensor, target: Tensor, weight: Tensor | None = None, *, old: Tensor | None = None, clip: Number = 0.0
) -> Tensor:
    """Mean squared error of the critic; with `old`, the larger of it and that of the value held within `clip` of old.

    The 0.5 of Schulman et al. (2017, eq. 9) is the value coefficient.
    """
    error = (value - target).square()
    if old is not None:
        step = _within(value - old, -clip, clip)
        error = torch.maximum(error, (old + step - target).square())
    return mean(error, weight)


def kl_k3(log_ratio: Tensor, weight: Tensor | None = None) -> Tensor:
    """KL(old, new) as mean((r - 1) - log r): never negative (Schulman 2020, "Approximating KL divergence")."""
    return mean(torch.expm1(log_ratio) - log_ratio, weight)


def clip_share(log_ratio: Tensor, clip: Number, weight: Tensor | None = None) -> Tensor:
    """Share of samples whose ratio is further than `clip` from 1."""
    return mean((torch.expm1(log_ratio).abs() > clip).to(log_ratio.dtype), weight)


def explained_variance(value: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """1 - Var(target - value) / Var(target); 0 knows nothing, below 0 is worse; NaN where the target never moves."""

    def variance(x: Tensor) -> Tensor:
        return mean((x - mean(x, weight).unsqueeze(-1)).square(), weight)

    return 1.0 - variance(target - value) / variance(target)
