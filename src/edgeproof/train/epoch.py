"""One epoch: every training sample once in a keyed order, then every figure on validation.

A step's batch may be run in parts whose gradients add up to that of the whole (`accumulate`). No step waits for a
number: losses and gradient norms are summed on the device and read once an epoch.
"""

# N samples, B batch, L window, F features

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor, nn

from edgeproof.core.errors import Diverged, TrainError
from edgeproof.core.rng import Rng
from edgeproof.samples.dataset import Dataset
from edgeproof.samples.windows import window_view
from edgeproof.stats.classify import classification
from edgeproof.train.average import Averaged, recompute_batch_norm
from edgeproof.train.batch import is_out_of_memory
from edgeproof.train.drawn import Drawn
from edgeproof.train.forecast import BATCH, as_tensor, logits
from edgeproof.train.losses import Loss
from edgeproof.train.precision import Mixed
from edgeproof.train.schedule import Moment, warm_up
from edgeproof.train.seeding import seeded
from edgeproof.train.settings import TrainConfig
from edgeproof.train.team import ALONE, Team, shared_statistics

__all__ = ["FIGURES", "Part", "Session", "part_of", "refresh_batch_norm", "score", "train_epoch"]

FIGURES = ("log_loss", "accuracy", "precision", "recall", "f1_plus", "f1_threshold", "auc", "pr_auc", "brier")


@dataclass(frozen=True)
class Part:
    """Samples of one part of the fold, on the device: flat index i64[N], asset i64[N], label and weight f32[N]."""

    index: Tensor
    asset: Tensor
    y: Tensor
    weight: Tensor

    def taken(self, which: slice) -> "Part":
        """Neighbouring samples of it."""
        return Part(self.index[which], self.asset[which], self.y[which], self.weight[which])


@dataclass(frozen=True)
class Session:
    """Everything that stays the same from epoch to epoch.

    Attributes:
        model: trained in place.
        optimiser: of the model's parameters.
        loss: `(logit_B, y_B) -> loss_B`.
        x: f32[S, T, F] on the device; augmented copies of it behind it, S rows each.
        window: L.
        train: training samples.
        settings: of the training.
        rng: root of the training's randomness.
        batch_size: samples a step, about.
        mixed: precision of the steps.
        average: of the weights, if there is one.
        drawn: where training samples are read from, if there are augmented copies.
        team: the processes that share each batch.
    """

    model: nn.Module
    optimiser: torch.optim.Optimizer
    loss: Loss
    x: Tensor
    window: int
    train: Part
    settings: TrainConfig
    rng: Rng
    batch_size: int
    mixed: Mixed
    average: Averaged | None
    drawn: Drawn | None = None
    team: Team = ALONE

    @property
    def batches(self) -> int:
        """Steps an epoch: of about `batch_size` samples each, at least two a part (batch norm needs them)."""
        count, least = len(self.train.index), max(2, self.team.count) * self.settings.accumulate
        return max(1, min(-(-count // self.batch_size), count // least))

    def rate(self, step: int, state: dict[str, Any]) -> float:
        """Learning rate of a step, counted from 0 over all epochs."""
        settings, average = self.settings, self.average
        if average is not None and average.lr is not None and average.counts(step // self.batches):
            return average.lr
        total = settings.epochs * self.batches
        rising = round(settings.warmup_share * total)
        behind = max(0, step - rising)
        moment = Moment(behind / max(1, total - rising), behind / self.batches)
        return warm_up(step, rising) * settings.scheduler.rate(settings.lr, moment, state)  # pyright: ignore[reportAttributeAccessIssue] - every schedule has it

    def windows(self, part: Part) -> Tensor:
        """The windows of these samples, f32[B, L, F]."""
        rows = window_view(self.x, self.window).index_select(0, part.index - (self.window - 1))
        return rows.view(len(part.index), self.window, -1)


def part_of(dataset: Dataset, index: np.ndarray, device: torch.device, name: str) -> Part:
    """Samples of the fold as tensors; weights are scaled to mean 1.

    Raises:
        TrainError: no samples, one class only, or no weight.
    """
    y, weight = dataset.y.reshape(-1)[index], dataset.weight.reshape(-1)[index]
    if len(np.unique(y)) < 2:
        value = f"{y[0]:g}" if len(y) else "missing"
        raise TrainError(
            f"{name} labels are all {value} ({len(y)} samples): nothing to learn from; change the label's threshold, "
            "or bring more bars"
        )
    if not weight.mean() > 0:
        raise TrainError(f"{name} samples have no weight ({len(y)} samples); check the label's weights")
    arrays = (index, index // dataset.x.shape[1], y, weight / weight.mean(dtype=np.float64))
    types = (np.int64, np.int64, np.float32, np.float32)
    return Part(*(as_tensor(a.astype(kind)).to(device) for a, kind in zip(arrays, types, strict=True)))


def train_epoch(session: Session, epoch: int, state: dict[str, Any]) -> dict[str, float]:
    """One pass over the training samples.

    Args:
        session: model and data.
        epoch: number of the epoch, from 0: the key of its order and of its dropout.
        state: of the schedule.

    Returns:
        train_loss (mean over the epoch, as the model changes), lr (of the last step), grad_norm (mean, unclipped).

    Raises:
        Diverged: loss or gradient became non-finite.
        TrainError: memory ran out.
    """
    count, device = len(session.train.index), session.x.device
    order = torch.from_numpy(session.rng.child("shuffle", epoch).numpy().permutation(count)).to(device)
    read = session.train
    if session.drawn is not None:
        read = replace(read, index=session.drawn.index(session.rng, epoch))
    shuffled = Part(*(values.index_select(0, order) for values in vars(read).values()))
    total, steps = torch.zeros(2, dtype=torch.float64, device=device), []
    rate = session.settings.lr
    session.model.train()
    own = session.rng.child("dropout", epoch, *session.team.key())
    with seeded(own, device), shared_statistics(session.model, session.team):
        for number, part in enumerate(_cut(shuffled, session.batches)):
            rate = session.rate(epoch * session.batches + number, state)
            steps.append(_step(session, part, rate))
            total += steps[-1]
    total[:1] = session.team.sum(total[:1].cpu()).to(device)
    loss, norm = (total / torch.tensor([count, session.batches], device=device)).tolist()
    if not np.isfinite([loss, norm]).all():
        raise Diverged(
            f"training became non-finite in epoch {epoch + 1} (loss {loss:g}, gradient norm {norm:g}, learning rate "
            f"{rate:.2g}); lower train.lr, set train.clip_norm=1, or add train.warmup_share=0.1",
            {"what": "loss", "epoch": epoch + 1, "lr": rate, **_trace(torch.stack(steps).cpu().numpy(), count)},
        )
    return {"train_loss": loss, "lr": rate, "grad_norm": norm}


def _trace(steps: np.ndarray, count: int) -> dict[str, Any]:
    """Where in the epoch it happened, and the losses and unclipped gradient norms of at most 20 steps before."""
    bad = int(np.argmin(np.isfinite(steps).all(axis=1)))
    sizes = np.diff(np.linspace(0, count, len(steps) + 1).astype(int))
    seen = slice(max(0, bad - 20), bad)
    return {
        "step": bad + 1,
        "steps": len(steps),
        "first_loss": float(steps[0, 0] / sizes[0]),
        "first_norm": float(steps[0, 1]),
        "losses": (steps[seen, 0] / sizes[seen]).tolist(),
        "norms": steps[seen, 1].tolist(),
    }


def _cut(part: Part, pieces: int) -> Iterator[Part]:
    """Neighbouring samples in pieces that differ in size by at most one."""
    bounds = np.linspace(0, len(part.index), pieces + 1).astype(int).tolist()
    for a, b in pairwise(bounds):
        yield part.taken(slice(a, b))


def _step(session: Session, batch: Part, rate: float) -> Tensor:
    """One optimiser step; returns (sum of losses, gradient norm) without waiting for them."""
    session.optimiser.zero_grad(set_to_none=True)
    count = len(batch.y)
    own = batch.taken(session.team.share(count))
    try:
        losses = [_gradients(session, part, count) for part in _cut(own, session.settings.accumulate)]
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise TrainError(
            f"out of memory in a step of {count} samples; set train.accumulate={2 * session.settings.accumulate} (the "
            "same steps in smaller parts), or a smaller train.batch_size"
        ) from error
    for group in session.optimiser.param_groups:
        group["lr"] = rate
    session.team.sum_gradients(session.model)
    norm = session.mixed.step(session.optimiser, session.model, session.settings.clip_norm)
    if session.average is not None:
        session.average.after_step(session.model)
    return torch.stack((torch.stack(losses).sum().double() * count, norm.detach().double()))


def _gradients(session: Session, part: Part, count: int) -> Tensor:
    """Add the part's share of the gradient of a batch of `count` samples; returns its share of the mean loss."""
    with session.mixed.forward():
        logit_B = session.model(session.windows(part), part.asset)
    loss = (session.loss(logit_B.float(), part.y) * part.weight).sum() / count
    session.mixed.backward(loss)
    return loss.detach()


def refresh_batch_norm(session: Session, model: nn.Module) -> None:
    """Recompute the model's batch-norm statistics on the training samples."""
    pieces = -(-len(session.train.index) // BATCH)
    recompute_batch_norm(model, ((session.windows(part), part.asset) for part in _cut(session.train, pieces)))


def score(model: nn.Module, x: Tensor, part: Part, *, window: int, epoch: int) -> dict[str, Any]:
    """Every figure of `FIGURES` on these samples; accuracy, precision and recall at probability 0.5.

    Raises:
        Diverged: the model's output is not finite.
    """
    said = logits(model, x, part.index, part.asset, window).cpu().numpy()
    figures = classification(expit(said.astype(np.float64)), part.y.cpu().numpy())
    if figures["flag"] == "not_finite":
        raise Diverged(
            f"the model's output became non-finite in epoch {epoch + 1}; lower train.lr, or add train.warmup_share=0.1",
            {"what": "output", "epoch": epoch + 1},
        )
    return {name: figures[name] for name in FIGURES}
