"""What a run's model is shown, for the checks of any model: its own start, its loss, some of its training samples."""

# N samples, B batch, L window, F features

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from edgeproof.core.rng import Rng
from edgeproof.features.scale import Preprocessor
from edgeproof.gates.subject import Batch, Subject
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.learn import fold_dataset
from edgeproof.recipe.prepare import Prepared
from edgeproof.recipe.transfer import inherit
from edgeproof.samples.split.fold import Fold
from edgeproof.samples.windows import gather
from edgeproof.train.descent import Task, begin_model, make_task
from edgeproof.train.losses import BceConfig

__all__ = ["Shown", "shown"]

STIR = 0.01
RARE = 0.25


@dataclass(frozen=True)
class Shown:
    """One fold as its training would meet it, on the processor.

    Attributes:
        config: the run's config.
        prepared: the open span.
        preprocessor: fitted on the fold's training samples, or the parent's.
        task: dataset, model, loss and settings.
        model: at its start.
        rng: of the checks.
    """

    config: RunConfig
    prepared: Prepared
    preprocessor: Preprocessor
    task: Task
    model: nn.Module
    rng: Rng

    def batch(self, index: np.ndarray) -> Batch:
        """These samples, flat indices i64[B], as the model is called with them."""
        data, places = self.task.dataset, torch.from_numpy(index)
        y = torch.from_numpy(data.y.reshape(-1)[index].astype(np.float32))
        return Batch((gather(self.task.x, places, data.window), places // data.x.shape[1]), y)

    def drawn(self, count: int, *name: str) -> np.ndarray:
        """i64[N]: some training samples, at most `count`, in a random order."""
        return self.rng.child("samples", *name).numpy().permutation(self.task.dataset.fold.train)[:count]

    def mixed(self, count: int) -> Subject:
        """Model and plain cross-entropy on one batch of training samples, of either class the same number."""
        drawn = self.drawn(len(self.task.dataset.fold.train), "mixed")
        positive = self.task.dataset.y.reshape(-1)[drawn] > 0.5
        chosen = np.concatenate([drawn[positive][: count // 2], drawn[~positive][: count - count // 2]])
        return Subject(self.model, BceConfig().build(), [self.batch(chosen)], "binary", self.rng)

    def balanced(self, count: int, size: int) -> Subject:
        """As `subject` with plain cross-entropy; of a class rarer than a fourth so many that it is a fourth."""
        share = float(self.task.train.y.mean())
        if RARE <= share <= 1 - RARE:
            return self.subject(count, size, plain=True)
        drawn = self.drawn(len(self.task.dataset.fold.train), "balanced")
        rare = (self.task.dataset.y.reshape(-1)[drawn] > 0.5) == (share < RARE)
        few = drawn[rare][: max(1, int(RARE * count))]
        chosen = np.concatenate([few, drawn[~rare][: round(len(few) / RARE) - len(few)]])
        parts = max(2, -(-len(chosen) // size))
        batches = [self.batch(chosen[first::parts]) for first in range(parts)]
        return Subject(self.model, BceConfig().build(), batches, "binary", self.rng)

    def subject(self, count: int, size: int, *, plain: bool = False) -> Subject:
        """Model, loss and `count` training samples in batches of `size`.

        Args:
            count: of samples.
            size: of each batch.
            plain: cross-entropy in place of the run's own loss.
        """
        chosen = self.drawn(count)
        size = max(1, min(size, -(-len(chosen) // 2)))  # two batches, however few samples
        batches = [self.batch(chosen[start : start + size]) for start in range(0, len(chosen), size)]
        loss: Any = BceConfig() if plain else self.task.loss
        return Subject(self.model, loss.build(float(self.task.train.y.mean())), batches, "binary", self.rng)

    def stirred(self, subject: Subject) -> Subject:
        """The subject with its model moved a little where it begins by saying the same of everything."""
        model = subject.fresh().eval()
        with torch.no_grad():
            said = model(*subject.batches[0].inputs)
            if not bool((said == said[0]).all()):
                return subject
            draw = torch.Generator().manual_seed(self.rng.child("stir").key())
            for parameter in model.parameters():
                parameter.add_(STIR * torch.randn(parameter.shape, generator=draw))
        return replace(subject, model=model)


def shown(config: RunConfig, prepared: Prepared, ledger: Ledger, fold: Fold, *, market: str) -> Shown:
    """What a fold's training would begin with; the checks are made on the processor, wherever it is trained.

    Args:
        config: the run's config.
        prepared: the open span.
        ledger: knows which markets share bars with a parent's.
        fold: one of `learn.proven_folds`.
        market: the ledger's record of the market.

    Raises:
        TrainError: samples of one class only.
    """
    inherited = inherit(config, prepared, ledger, (fold,), market=market)
    preprocessor, dataset = fold_dataset(config, prepared, fold, inherited)
    start = None if inherited is None else inherited.start
    # the first optimiser of a process loads PyTorch's compiler, as any training would: no check's own time
    torch.optim.SGD([nn.Parameter(torch.zeros(()))])
    rng = Rng(config.seed)
    parts = (config.model, config.loss)
    task = make_task(dataset, parts, config.train, rng=rng.child("train"), device="cpu", start=start)
    return Shown(config, prepared, preprocessor, task, begin_model(task), rng.child("gates"))
