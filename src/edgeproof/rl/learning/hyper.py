"""Schedules of PPO, and the settings in which members differ as one number a member."""

# P members

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from edgeproof.core.errors import OptionError
from edgeproof.rl.settings import PER_MEMBER, PpoConfig

__all__ = ["Hyper", "hyper_at", "one_shape", "rate_share"]


@dataclass(frozen=True)
class Hyper:
    """Each member's numbers of one update, f64[P] each."""

    lr: Tensor
    gamma: Tensor
    gae_lambda: Tensor
    clip: Tensor
    value_coefficient: Tensor
    entropy: Tensor
    grad_norm: Tensor

    def each(self) -> list["Hyper"]:
        """Every member's alone."""
        columns = zip(*(getattr(self, name).split(1) for name in PER_MEMBER), strict=True)
        return [Hyper(**dict(zip(PER_MEMBER, numbers, strict=True))) for numbers in columns]


def one_shape(configs: Sequence[PpoConfig]) -> PpoConfig:
    """The settings that all members share.

    Raises:
        OptionError: none are given, or they differ in more than numbers of a member.
    """
    if not configs:
        raise OptionError("a population of no members; give at least one config")
    first, *others = (config.model_dump(exclude=set(PER_MEMBER)) for config in configs)
    for number, other in enumerate(others, 1):
        differing = [key for key in first if first[key] != other[key]]
        if differing:
            raise OptionError(
                f"member {number} has another {differing[0]} than member 0; members of one population differ only in "
                f"{', '.join(PER_MEMBER)}: train the others apart"
            )
    return configs[0]


def rate_share(config: PpoConfig, done: float) -> float:
    """Share of the base learning rate once `done` of all updates lie behind (cosine: Loshchilov & Hutter 2017)."""
    if config.schedule == "none":
        return 1.0
    if config.schedule == "linear":
        return 1.0 - done
    if done < config.warmup_share:
        return 0.1 + 0.9 * done / config.warmup_share
    passed = (done - config.warmup_share) / max(1e-12, 1.0 - config.warmup_share)
    return config.floor_share + (1.0 - config.floor_share) * (1.0 + math.cos(math.pi * passed)) / 2.0


def hyper_at(configs: Sequence[PpoConfig], update: int) -> Hyper:
    """Every member's numbers in this update, counted from 0."""
    done = update / configs[0].updates
    numbers = {
        name: torch.tensor([getattr(config, name) for config in configs], dtype=torch.float64) for name in PER_MEMBER
    }
    numbers["lr"] = numbers["lr"] * rate_share(configs[0], done)
    if configs[0].clip_schedule == "linear":
        numbers["clip"] = numbers["clip"] * (1.0 - done)
    return Hyper(**numbers)
