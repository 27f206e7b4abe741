"""Optimisers: PyTorch's own, fused where the device has them; rate and decay come from the training's settings."""

from collections.abc import Iterable
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from edgeproof.core.config import Config

__all__ = ["AdamConfig", "AdamWConfig", "SgdConfig"]

Share = Annotated[float, Field(ge=0, lt=1)]


class AdamWConfig(Config):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019).

    Attributes:
        beta1, beta2: memory of the gradient's mean and of its square.
        eps: added to the root of the latter.
    """

    name: Literal["adamw"] = "adamw"
    beta1: Share = 0.9
    beta2: Share = 0.999
    eps: Annotated[float, Field(gt=0)] = 1e-8

    def build(self, parameters: Iterable[nn.Parameter], lr: float, weight_decay: float) -> torch.optim.Optimizer:
        """The optimiser of these parameters."""
        betas = (self.beta1, self.beta2)
        return torch.optim.AdamW(parameters, lr, betas, self.eps, weight_decay, fused=True)


class AdamConfig(Config):
    """Adam (Kingma & Ba 2015); weight decay is a penalty on the squared weights, part of the gradient.

    Attributes:
        beta1, beta2: memory of the gradient's mean and of its square.
        eps: added to the root of the latter.
    """

    name: Literal["adam"] = "adam"
    beta1: Share = 0.9
    beta2: Share = 0.999
    eps: Annotated[float, Field(gt=0)] = 1e-8

    def build(self, parameters: Iterable[nn.Parameter], lr: float, weight_decay: float) -> torch.optim.Optimizer:
        """The optimiser of these parameters."""
        betas = (self.beta1, self.beta2)
        return torch.optim.Adam(parameters, lr, betas, self.eps, weight_decay, fused=True)


class SgdConfig(Config):
    """Stochastic gradient descent with momentum (Polyak 1964).

    Attributes:
        momentum: share of the last step that is added to this one.
    """

    name: Literal["sgd"] = "sgd"
    momentum: Share = 0.9

    def build(self, parameters: Iterable[nn.Parameter], lr: float, weight_decay: float) -> torch.optim.Optimizer:
        """The optimiser of these parameters."""
        return torch.optim.SGD(parameters, lr, self.momentum, weight_decay=weight_decay, fused=True)
