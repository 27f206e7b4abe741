"""The settings of a training, each with the space in which a search may vary it."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from edgeproof.core.config import Config, Part, Tune, part
from edgeproof.train import AVERAGES, OPTIMISERS, SCHEDULERS
from edgeproof.train.average import NoAverageConfig
from edgeproof.train.optim import AdamWConfig
from edgeproof.train.precision import Precision
from edgeproof.train.schedule import CosineConfig

__all__ = ["Metric", "TrainConfig"]

Metric = Literal["log_loss", "f1_plus", "recall", "precision", "auc", "pr_auc"]


def _batch_size(value: Any) -> Any:
    if value != "auto" and not (type(value) is int and value >= 2):
        raise ValueError("write auto, or a whole number from 2 on")
    return value


class TrainConfig(Config):
    """How a model is trained.

    Attributes:
        epochs: at most; early stopping may end sooner.
        lr: base learning rate.
        batch_size: samples a step; an epoch's batches differ in size by at most one. `auto`: the largest that
            fits, by doubling, found once and then part of the checkpoint.
        accumulate: parts of a step's batch that are run one after the other, for less memory; but for batch norm, whose
            statistics are then a part's, the step is that of the whole batch.
        optimiser: `adamw`, `adam` or `sgd`.
        scheduler: `cosine`, `cosine_restarts`, `step`, `plateau` or `none`.
        average: `none`, `swa` or `ema`: weights averaged over late epochs or over steps.
        loss_metric: validation figure that early stopping, checkpoints and the plateau look at; of all but log_loss
            more is better. `recall` alone is best for a model that always says yes.
        weight_decay: decoupled for adamw, a penalty for the others.
        clip_norm: largest norm of the whole gradient; none: not clipped.
        patience: epochs without improvement before training stops; none: never.
        min_delta: an improvement is larger than this.
        warmup_share: share of all steps with a linearly rising rate.
        head_bias_from_prior: start at the training samples' share of positives.
        precision: of the training's steps: `fp32`, `bf16`, on CUDA `fp16`, or `auto`: bf16 on a processor that has
            instructions for it, else fp32; forecasts are made in fp32.
        deterministic: refuse operations that have no reproducible implementation, and take the slower reproducible one
            where there is a choice; on the CPU all of them are reproducible anyway.
        device: `cpu`, `cuda` or `auto`.
    """

    also_called: ClassVar[Mapping[str, str]] = {"learning_rate": "lr", "n_epochs": "epochs", "optimizer": "optimiser"}

    epochs: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    lr: Annotated[float, Field(gt=0), Tune(1e-4, 1e-2, log=True)] = 5e-4
    batch_size: Annotated[int | Literal["auto"], BeforeValidator(_batch_size), Tune(choices=(256, 512, 1024))] = 512
    accumulate: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    optimiser: Annotated[Part, part(OPTIMISERS, "optimisers")] = AdamWConfig()
    scheduler: Annotated[Part, part(SCHEDULERS, "schedulers")] = CosineConfig()
    average: Annotated[Part, part(AVERAGES, "averages")] = NoAverageConfig()
    loss_metric: Metric = "log_loss"
    weight_decay: Annotated[float, Field(ge=0), Tune(1e-6, 1e-3, log=True)] = 1e-4
    clip_norm: Annotated[float | None, Field(gt=0)] = 1.0
    patience: Annotated[int | None, Field(ge=1, le=1_000_000)] = 10
    min_delta: Annotated[float, Field(ge=0)] = 1e-4
    warmup_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    head_bias_from_prior: bool = False
    precision: Precision = "auto"
    deterministic: bool = False
    device: str = "cpu"

    @model_validator(mode="after")
    def _parts_of_two(self) -> "TrainConfig":
        if self.batch_size != "auto" and self.batch_size < 2 * self.accumulate:
            raise ValueError(
                f"batch_size {self.batch_size} in {self.accumulate} parts leaves less than two samples a part; "
                "lower accumulate"
            )
        return self
