"""Averages of weights over a training: what is scored, kept and returned in place of the last step's weights."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from edgeproof.core.config import Config

__all__ = ["Averaged", "EmaConfig", "NoAverageConfig", "SwaConfig", "recompute_batch_norm"]


class Averaged:
    """A running average of a model's weights.

    Attributes:
        model: with the averaged weights.
        count: averages taken.
        first_epoch: from this epoch on (counted from 0) it is what counts.
        lr: learning rate from then on; none: the schedule's.
    """

    def __init__(self, live: nn.Module, *, first_epoch: int = 0, lr: float | None = None, decay: float | None = None):
        self.model = deepcopy(live).requires_grad_(requires_grad=False)
        self.first_epoch, self.lr, self.decay = first_epoch, lr, decay
        self.count = 0

    def counts(self, epoch: int) -> bool:
        """Whether the average stands for the model in this epoch."""
        return epoch >= self.first_epoch

    def after_step(self, live: nn.Module) -> None:
        """Take in the weights after an optimiser's step, where the average runs over steps.

        a_t = d_t a_{t-1} + (1 - d_t) w_t with d_t = min(decay, (1 + t) / (10 + t)), so that it forgets its start.
        """
        if self.decay is None:
            return
        share = 1 - min(self.decay, (1 + self.count) / (10 + self.count))
        self._towards(live, share)

    def after_epoch(self, live: nn.Module, epoch: int) -> None:
        """Take in the weights after an epoch, where the average runs over epochs: all of them weigh the same."""
        if self.decay is None and self.counts(epoch):
            self._towards(live, 1 / (1 + self.count))

    def _towards(self, live: nn.Module, share: float) -> None:
        self.count += 1
        with torch.no_grad():
            pairs = zip(self.model.state_dict().values(), live.state_dict().values(), strict=True)
            for mean, now in pairs:
                if mean.is_floating_point():
                    mean.lerp_(now, share)
                else:
                    mean.copy_(now)


class NoAverageConfig(Config):
    """The weights as the optimiser left them."""

    name: Literal["none"] = "none"

    def build(self, live: nn.Module, epochs: int) -> None:
        """Nothing to average."""
        del live, epochs


class SwaConfig(Config):
    """Stochastic weight averaging: the mean of the weights after each late epoch (Izmailov et al. 2018, algorithm 1).

    The average's batch-norm statistics are recomputed on the training samples before it is scored. Early stopping waits
    until the average begins.

    Attributes:
        start_share: share of the epochs after which averaging begins.
        lr: constant learning rate from then on.
    """

    name: Literal["swa"] = "swa"
    start_share: Annotated[float, Field(ge=0, lt=1)] = 0.75
    lr: Annotated[float, Field(gt=0)] = 5e-4

    def build(self, live: nn.Module, epochs: int) -> Averaged:
        """An average that begins with the first epoch beyond the share."""
        return Averaged(live, first_epoch=min(epochs - 1, round(self.start_share * epochs)), lr=self.lr)


class EmaConfig(Config):
    """An exponential moving average of the weights over all steps (Polyak & Juditsky 1992; Tarvainen & Valpola 2017).

    Attributes:
        decay: share that the average keeps at each step, less in the first steps.
    """

    name: Literal["ema"] = "ema"
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.999

    def build(self, live: nn.Module, epochs: int) -> Averaged:
        """An average over every step."""
        del epochs
        return Averaged(live, decay=self.decay)


def recompute_batch_norm(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Set every batch norm's mean and variance to their plain averages over these batches of (x_BLF, asset_B).

    The rest of the model is in evaluation mode, so they are statistics of the model as it is used, without dropout.
    """
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    model.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # of torch: the plain average over all batches
        norm.train()
    with torch.no_grad():
        for x_BLF, asset_B in batches:
            model(x_BLF, asset_B)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()
