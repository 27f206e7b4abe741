"""Training: epochs until the last or until validation stops improving; killed at any moment, it resumes exactly.

The epoch is the unit of resume: order and dropout are keyed by its number, and everything else is in `last`.
"""

import platform
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edgeproof.core.config import Config
from edgeproof.core.container import read_container
from edgeproof.core.device import torch_device
from edgeproof.core.errors import Interrupted, TrainError
from edgeproof.core.finding import Finding
from edgeproof.core.progress import Progress
from edgeproof.core.rng import Rng
from edgeproof.samples.dataset import Dataset
from edgeproof.train.epoch import Session, part_of, score_epoch, train_epoch
from edgeproof.train.forecast import as_tensor
from edgeproof.train.keep import Memory, keep_epoch, load_arrays, resume, weights_sha, write_last
from edgeproof.train.seeding import seeded
from edgeproof.train.settings import TrainConfig

__all__ = ["Trained", "fit"]


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
        model: with the weights of the best epoch, in evaluation mode.
        history: a row an epoch: epoch, train_loss, log_loss, accuracy, precision, recall, f1_plus, f1_threshold, auc,
            pr_auc, brier, lr, grad_norm, seconds, best (true for one row).
        best_epoch: from 1.
        checkpoint: file of the best epoch.
        seconds: over all epochs, those before a kill included.
        sha: content hash of the model's weights.
        ended: `epochs` or `patience`.
        findings: what a resumed training has to say about changed conditions.
    """

    model: nn.Module
    history: list[dict[str, Any]]
    best_epoch: int
    checkpoint: Path
    seconds: float
    sha: str
    ended: str
    findings: tuple[Finding, ...] = ()


def fit(
    dataset: Dataset,
    model_config: Config,
    loss_config: Config,
    train_config: TrainConfig,
    *,
    rng: Rng,
    folder: Path,
    progress: Progress | None = None,
) -> Trained:
    """Train a model on the fold's training samples, watched on its validation samples.

    Args:
        dataset: scaled features, labels and a proven fold.
        model_config: an entry of MODELS.
        loss_config: an entry of LOSSES.
        train_config: epochs, rate, batch and so on.
        rng: everything random in this training; the same rng gives the same bytes.
        folder: checkpoints go here; a training of the same config, seed and data that lies here is taken up.
        progress: of `train_config.epochs` steps; a line an epoch with the time left.

    Raises:
        TrainError: one class only, non-finite loss, or the folder holds another training.
        BundleError: the folder's checkpoint is truncated or altered.
        Interrupted: stopped from the keyboard; the same call goes on after the last finished epoch.
    """
    session = _session(dataset, model_config, loss_config, train_config, rng)
    device = session.x.device
    identity = {
        "data": dataset.sha,
        "model": model_config.model_dump(mode="json"),
        "loss": loss_config.model_dump(mode="json"),
        "train": train_config.model_dump(mode="json"),
        "seed": [rng.seed, *rng.path],
    }
    machine = _machine(device)
    memory, findings = resume(folder, session.model, session.optimiser, identity=identity, machine=machine)
    if memory is None:
        memory = Memory(schedule=train_config.scheduler.start())  # pyright: ignore[reportAttributeAccessIssue] - schedule
    if progress is not None:
        progress.resume(memory.epoch)
    try:
        while not memory.ended:
            memory = _one_epoch(session, memory, folder)
            write_last(folder, session.model, session.optimiser, memory, identity=identity, machine=machine)
            if progress is not None:
                progress.step(_line(memory, train_config))
    except KeyboardInterrupt as stop:
        raise Interrupted(f"training stopped after epoch {memory.epoch}; the same command goes on from there") from stop
    return _finish(session.model, memory, folder, findings)


def _session(dataset: Dataset, model: Config, loss: Config, settings: TrainConfig, rng: Rng) -> Session:
    device = torch_device(settings.device)
    train = part_of(dataset, dataset.fold.train, device, "training")
    validation = part_of(dataset, dataset.fold.validation, device, "validation")
    with seeded(rng.child("init"), device):
        module: nn.Module = model.build(dataset.x.shape[2], dataset.window, len(dataset.symbols))  # pyright: ignore[reportAttributeAccessIssue] - every model config builds
    if settings.head_bias_from_prior:
        _set_prior(module, float(train.y.mean()))
    module.to(device)
    optimiser = settings.optimiser.build(module.parameters(), settings.lr, settings.weight_decay)  # pyright: ignore[reportAttributeAccessIssue] - every optimiser config builds
    return Session(
        model=module,
        optimiser=optimiser,
        loss=loss.build(),  # pyright: ignore[reportAttributeAccessIssue] - every loss config builds
        x=as_tensor(dataset.x).to(device),
        window=dataset.window,
        train=train,
        validation=validation,
        settings=settings,
        schedule=settings.scheduler,  # pyright: ignore[reportArgumentType] - every schedule has share
        rng=rng,
    )


def _set_prior(module: nn.Module, share: float) -> None:
    head = getattr(module, "head", None)
    if not hasattr(head, "set_prior"):
        raise TrainError("train.head_bias_from_prior: this model has no head with set_prior(share); set it to false")
    head.set_prior(share)  # pyright: ignore[reportOptionalMemberAccess] - has it


def _machine(device: torch.device) -> dict[str, Any]:
    """What must be equal for equal bits."""
    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "device": device.type,
        "processor": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
    }


def _one_epoch(session: Session, memory: Memory, folder: Path) -> Memory:
    began = time.perf_counter()
    settings, epoch = session.settings, memory.epoch
    figures = train_epoch(session, epoch, memory.schedule) | score_epoch(session, epoch)
    row = {"epoch": epoch + 1, **figures, "seconds": time.perf_counter() - began, "best": False}
    memory = replace(memory, epoch=epoch + 1, history=(*memory.history, row))
    memory = keep_epoch(folder, session.model, memory, settings.loss_metric)
    score = -row["log_loss"] if settings.loss_metric == "log_loss" else row[settings.loss_metric]
    better = memory.best is None or score > memory.best + settings.min_delta
    waited = 0 if better else memory.waited + 1
    stopped = settings.patience is not None and waited >= settings.patience
    return replace(
        memory,
        history=tuple(entry | {"best": entry["epoch"] == memory.kept[0].epoch} for entry in memory.history),
        schedule=session.schedule.after_epoch(memory.schedule, score),
        best=score if better else memory.best,
        waited=waited,
        ended="epochs" if memory.epoch >= settings.epochs else "patience" if stopped else "",
    )


def _line(memory: Memory, settings: TrainConfig) -> str:
    row = memory.history[-1]
    best = memory.kept[0].epoch
    extra = "" if settings.loss_metric != "f1_plus" else f"  f1+ {row['f1_plus']:.4f}"
    stop = "  stopped: no improvement" if memory.ended == "patience" else ""
    return (
        f"loss {row['train_loss']:.4f}  validation {row['log_loss']:.4f}  auc {row['auc']:.4f}{extra}"
        f"  best epoch {best}{stop}"
    )


def _finish(model: nn.Module, memory: Memory, folder: Path, findings: tuple[Finding, ...]) -> Trained:
    best = memory.kept[0]
    path = folder / best.file
    arrays, _, _ = read_container(path)
    load_arrays(model, arrays, path)
    model.eval()
    return Trained(
        model=model,
        history=[dict(row) for row in memory.history],
        best_epoch=best.epoch,
        checkpoint=path,
        seconds=sum(row["seconds"] for row in memory.history),
        sha=weights_sha(model),
        ended=memory.ended,
        findings=findings,
    )
