"""Boosted trees as the loop sees them: they are grown at once, and a stage of them is scored and kept like an epoch."""

# N samples, K inputs of the trees

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from edgeproof.core.errors import ConfigError
from edgeproof.models.gbm import GrownTrees
from edgeproof.samples.windows import gather
from edgeproof.train.descent import Task
from edgeproof.train.epoch import score
from edgeproof.train.forecast import BATCH
from edgeproof.train.keep import arrays_of, below, load_arrays
from edgeproof.train.settings import TrainConfig

__all__ = ["Forest"]

LOSSES = ("bce", "weighted_bce")
OF_DESCENT = ("average", "precision", "accumulate", "head_bias_from_prior", "warmup_share")


class Forest:
    """Trees of a model whose config has `fit_trees`, grown on the training samples.

    Raises:
        ConfigError: a loss that trees are not grown on, or a setting that only gradient descent has.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.batch_size = 0
        self.seen, self.margin_N = 0, np.empty(0)
        self.model: nn.Module = task.model.build(  # pyright: ignore[reportAttributeAccessIssue] - every model config builds
            task.dataset.x.shape[2], task.dataset.window, len(task.dataset.symbols)
        ).to(task.x.device)
        name = task.model.model_dump()["name"]
        loss = task.loss.model_dump()
        if loss["name"] not in LOSSES or loss["label_smoothing"]:
            raise ConfigError(f"model {name} is grown on bce or weighted_bce without label_smoothing; set loss=bce")
        for key in OF_DESCENT:
            if getattr(task.settings, key) != TrainConfig.model_fields[key].default:
                raise ConfigError(f"train.{key} belongs to gradient descent, and model {name} has none; leave it out")

    def epoch(self, number: int, schedule: dict[str, Any]) -> dict[str, Any]:
        """Look at the trees of one more stage."""
        del schedule
        task = self.task
        model, (_, y_N, weight_N) = task.model.model_dump(), self._samples
        trees = -(-model["trees"] * (number + 1) // task.settings.epochs)
        grown, margins = self._grown
        self.model.head.take(grown, trees)  # pyright: ignore[reportAttributeAccessIssue, reportCallIssue] - as the loop has looked
        while self.seen < trees:
            self.margin_N, self.seen = next(margins), self.seen + 1
        loss = float((np.logaddexp(0.0, (1 - 2 * y_N) * self.margin_N) * weight_N).mean())
        figures = score(self.model, task.x, task.validation, window=task.dataset.window, epoch=number)
        return {"train_loss": loss, "lr": model["learning_rate"], "grad_norm": 0.0} | figures

    @cached_property
    def _grown(self) -> tuple[GrownTrees, Iterator[np.ndarray]]:
        """All trees, and what the training samples get from more and more of them; the same bits after a resume."""
        grown: GrownTrees = self.task.model.fit_trees(*self._samples)  # pyright: ignore[reportAttributeAccessIssue] - the loop has looked
        return grown, grown.margins()

    @cached_property
    def _samples(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Inputs f32[N, K], labels and weights f64[N]; classes weigh alike for weighted_bce."""
        task, part = self.task, self.task.train
        pairs = zip(part.index.split(BATCH), part.asset.split(BATCH), strict=True)
        rows = [self.model.encoder(gather(task.x, index, task.dataset.window), asset) for index, asset in pairs]  # pyright: ignore[reportCallIssue] - a module
        y, weight = part.y.cpu().numpy().astype(np.float64), part.weight.cpu().numpy().astype(np.float64)
        if task.loss.model_dump()["name"] == "weighted_bce":
            weight = weight / np.where(y == 1, y.mean(), 1 - y.mean())
        return torch.cat(rows).cpu().numpy(), y, weight

    def scored(self, number: int) -> nn.Module:
        """All trees so far."""
        del number
        return self.model

    def may_stop(self, number: int) -> bool:
        """Always."""
        del number
        return True

    def arrays(self) -> dict[str, np.ndarray]:
        """The trees."""
        return {f"model.{name}": array for name, array in arrays_of(self.model).items()}

    def load(self, arrays: Mapping[str, np.ndarray], source: Path) -> None:
        """Take up the trees; those of the next stage are grown with all others anew."""
        load_arrays(self.model, below("model.", arrays), source)
