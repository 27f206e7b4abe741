"""One epoch: every training sample once in a keyed order, then every figure on validation.

No step waits for a number: losses and gradient norms are summed on the device and read once an epoch.
"""

# N samples, B batch, L window, F features

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor, nn

from edgeproof.core.errors import TrainError
from edgeproof.core.rng import Rng
from edgeproof.samples.dataset import Dataset
from edgeproof.samples.windows import window_view
from edgeproof.stats.classify import classification
from edgeproof.train.forecast import as_tensor, logits
from edgeproof.train.losses import Loss
from edgeproof.train.schedule import warm_up
from edgeproof.train.seeding import seeded
from edgeproof.train.settings import TrainConfig

__all__ = ["FIGURES", "Part", "Session", "part_of", "score_epoch", "train_epoch"]

FIGURES = ("log_loss", "accuracy", "precision", "recall", "f1_plus", "f1_threshold", "auc", "pr_auc", "brier")


class _Schedule(Protocol):
    def share(self, progress: float, state: dict[str, Any]) -> float: ...
    def after_epoch(self, state: dict[str, Any], score: float) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Part:
    """Samples of one part of the fold, on the device: flat index i64[N], asset i64[N], label and weight f32[N]."""

    index: Tensor
    asset: Tensor
    y: Tensor
    weight: Tensor


@dataclass(frozen=True)
class Session:
    """Everything that stays the same from epoch to epoch.

    Attributes:
        model: trained in place.
        optimiser: of the model's parameters.
        loss: `(logit_B, y_B) -> loss_B`.
        x: f32[S, T, F] on the device.
        window: L.
        train: training samples.
        validation: validation samples.
        settings: of the training.
        schedule: of the learning rate.
        rng: root of the training's randomness.
    """

    model: nn.Module
    optimiser: torch.optim.Optimizer
    loss: Loss
    x: Tensor
    window: int
    train: Part
    validation: Part
    settings: TrainConfig
    schedule: _Schedule
    rng: Rng

    @property
    def batches(self) -> int:
        """Steps an epoch: of about `batch_size` samples each, at least two a step (batch norm needs them)."""
        count = len(self.train.index)
        return max(1, min(-(-count // self.settings.batch_size), count // 2))

    def rate(self, step: int, state: dict[str, Any]) -> float:
        """Learning rate of a step, counted from 0 over all epochs."""
        total = self.settings.epochs * self.batches
        rising = round(self.settings.warmup_share * total)
        progress = max(0, step - rising) / max(1, total - rising)
        return self.settings.lr * warm_up(step, rising) * self.schedule.share(progress, state)


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
        TrainError: loss or gradient became non-finite.
    """
    view, count = window_view(session.x, session.window), len(session.train.index)
    order = torch.from_numpy(session.rng.child("shuffle", epoch).numpy().permutation(count)).to(view.device)
    bounds = np.linspace(0, count, session.batches + 1).astype(int)
    part = Part(*(values.index_select(0, order) for values in vars(session.train).values()))
    starts = part.index - (session.window - 1)
    total = torch.zeros(2, dtype=torch.float64, device=view.device)
    rate = session.settings.lr
    session.model.train()
    with seeded(session.rng.child("dropout", epoch), view.device):
        for number, (a, b) in enumerate(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)):
            rate = session.rate(epoch * session.batches + number, state)
            x = view.index_select(0, starts[a:b]).view(b - a, session.window, -1)
            total += _step(session, (x, part.asset[a:b]), part.y[a:b], part.weight[a:b], rate)
    loss, norm = (total / torch.tensor([count, session.batches], device=view.device)).tolist()
    if not np.isfinite([loss, norm]).all():
        raise TrainError(
            f"training became non-finite in epoch {epoch + 1} (loss {loss:g}, gradient norm {norm:g}, learning rate "
            f"{rate:.2g}); lower train.lr, set train.clip_norm=1, or add train.warmup_share=0.1"
        )
    return {"train_loss": loss, "lr": rate, "grad_norm": norm}


def _step(session: Session, inputs: tuple[Tensor, Tensor], y_B: Tensor, weight_B: Tensor, rate: float) -> Tensor:
    """One optimiser step; returns (sum of losses, gradient norm) without waiting for them."""
    logit_B = session.model(*inputs)
    loss = (session.loss(logit_B, y_B) * weight_B).mean()
    session.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    limit = session.settings.clip_norm
    norm = nn.utils.clip_grad_norm_(session.model.parameters(), float("inf") if limit is None else limit)
    for group in session.optimiser.param_groups:
        group["lr"] = rate
    session.optimiser.step()
    return torch.stack((loss.detach().double() * len(y_B), norm.detach().double()))


def score_epoch(session: Session, epoch: int) -> dict[str, Any]:
    """Every figure of `FIGURES` on validation; accuracy, precision and recall at probability 0.5.

    Raises:
        TrainError: the model's output is not finite.
    """
    part = session.validation
    said = logits(session.model, session.x, part.index, part.asset, session.window).cpu().numpy()
    figures = classification(expit(said.astype(np.float64)), part.y.cpu().numpy())
    if figures["flag"] == "not_finite":
        raise TrainError(
            f"the model's output became non-finite in epoch {epoch + 1}; lower train.lr, or add train.warmup_share=0.1"
        )
    return {name: figures[name] for name in FIGURES}
