"""The settings of a training, each with the space in which a search may vary it."""

from typing import Annotated, Literal

from pydantic import Field

from edgeproof.core.config import Config, Part, Tune, part
from edgeproof.train import OPTIMISERS, SCHEDULERS
from edgeproof.train.optim import AdamWConfig
from edgeproof.train.schedule import CosineConfig

__all__ = ["Metric", "TrainConfig"]

Metric = Literal["log_loss", "f1_plus", "auc"]


class TrainConfig(Config):
    """How a model is trained.

    Attributes:
        epochs: at most; early stopping may end sooner.
        lr: base learning rate.
        batch_size: samples a step; an epoch's batches differ in size by at most one.
        optimiser: `adamw`, `adam` or `sgd`.
        scheduler: `cosine`, `plateau` or `none`.
        loss_metric: validation figure that early stopping, checkpoints and the plateau look at.
        weight_decay: decoupled for adamw, a penalty for the others.
        clip_norm: largest norm of the whole gradient; none: not clipped.
        patience: epochs without improvement before training stops; none: never.
        min_delta: an improvement is larger than this.
        warmup_share: share of all steps with a linearly rising rate.
        head_bias_from_prior: start at the training samples' share of positives.
        device: `cpu`, `cuda` or `auto`.
    """

    epochs: Annotated[int, Field(ge=1)] = 100
    lr: Annotated[float, Field(gt=0), Tune(1e-4, 1e-2, log=True)] = 5e-4
    batch_size: Annotated[int, Field(ge=2), Tune(choices=(256, 512, 1024))] = 512
    optimiser: Annotated[Part, part(OPTIMISERS, "optimisers")] = AdamWConfig()
    scheduler: Annotated[Part, part(SCHEDULERS, "schedulers")] = CosineConfig()
    loss_metric: Metric = "log_loss"
    weight_decay: Annotated[float, Field(ge=0), Tune(1e-6, 1e-3, log=True)] = 1e-4
    clip_norm: Annotated[float | None, Field(gt=0)] = 1.0
    patience: Annotated[int | None, Field(ge=1)] = 10
    min_delta: Annotated[float, Field(ge=0)] = 1e-4
    warmup_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    head_bias_from_prior: bool = False
    device: str = "cpu"
