"""Training: epochs until the last or until validation stops improving; killed at any moment, it resumes exactly.

The epoch is the unit of resume: order and dropout are keyed by its number, and everything else is in `last`.
"""

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edgeproof.core.config import Config
from edgeproof.core.container import read_container
from edgeproof.core.device import kept_memory, torch_device
from edgeproof.core.errors import Diverged, Interrupted, OptionError, TrainError
from edgeproof.core.finding import Finding
from edgeproof.core.progress import Progress
from edgeproof.core.rng import Rng
from edgeproof.samples.dataset import Dataset
from edgeproof.train.descent import Descent, Learner, Task, make_task
from edgeproof.train.failure import clear_failure, facts_of, write_failure
from edgeproof.train.forest import Forest
from edgeproof.train.keep import LAST, Memory, keep_epoch, load_arrays, memory_of, resume, weights_sha, write_last
from edgeproof.train.precision import resolved
from edgeproof.train.seeding import reproducible
from edgeproof.train.settings import TrainConfig
from edgeproof.train.team import Team, team
from edgeproof.train.transfer import Start

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


def fit(  # noqa: PLR0913 - what is learned, how, and who hears of it
    dataset: Dataset,
    model_config: Config,
    loss_config: Config,
    train_config: TrainConfig,
    *,
    rng: Rng,
    folder: Path,
    progress: Progress | None = None,
    watch: Callable[[Mapping[str, Any]], None] | None = None,
    start: Start | None = None,
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
        watch: called once for every finished epoch with its row of the history, after the epoch is on disk; epochs
            that a resumed training had finished are not told again. What it raises (a search that gives the training
            up) goes up unchanged, and the folder can be taken up.
        start: an encoder to begin with, of a bundle (`train.transfer.take_encoder`); none: every weight from chance.

    Raises:
        TrainError: one class only, a loss that is not finite (see `failed.json`), or the folder of another training.
        BundleError: the folder's checkpoint is truncated or altered.
        Interrupted: stopped from the keyboard; the same call goes on after the last finished epoch.
    """
    crew, device = team(), team().device(torch_device(train_config.device))
    task = make_task(dataset, (model_config, loss_config), train_config, rng=rng, device=str(device), start=start)
    identity = {
        "data": dataset.sha,
        "model": model_config.model_dump(mode="json"),
        "loss": loss_config.model_dump(mode="json"),
        "train": train_config.model_dump(mode="json"),
        "seed": [rng.seed, *rng.path],
        "start": None if start is None else start.identity(),
    }
    machine = _machine(device, crew, train_config)
    with reproducible(device, wanted=train_config.deterministic), kept_memory():
        learner, memory, findings = _begin(task, folder, identity, machine)
        note = {"identity": identity, "machine": machine, "facts": facts_of(task, learner)}
        if progress is not None:
            progress.resume(memory.epoch)
        try:
            while not memory.ended:
                memory = _one_epoch(learner, task, memory, folder, note=note)
                if progress is not None and crew.leads:
                    progress.step(_line(memory, train_config))
                if watch is not None and crew.leads:
                    watch(dict(memory.history[-1]))
        except KeyboardInterrupt as stop:
            raise Interrupted(
                f"training stopped after epoch {memory.epoch}; the same command goes on from there"
            ) from stop
    return _finish(learner.model, memory, folder, findings)


def _begin(
    task: Task, folder: Path, identity: dict[str, Any], machine: dict[str, Any]
) -> tuple[Learner, Memory, tuple[Finding, ...]]:
    """The learner at its start, or where the training in this folder stands."""
    memory, arrays, findings = resume(folder, identity=identity, machine=machine)
    crew, done = team(), 0 if memory is None else memory.epoch
    if crew.tell(done) != done:
        raise TrainError(f"{folder}: not the same checkpoints for every process; give --out on a disk that all share")
    learner: Learner
    if hasattr(task.model, "fit_trees"):
        if crew.count > 1:
            raise OptionError(
                f"model {task.model.model_dump()['name']} is grown by one process; start it without torchrun"
            )
        learner = Forest(task)
    else:
        learner = Descent(task, 0 if memory is None else memory.batch_size)
    if memory is None:
        start = task.settings.scheduler.start()  # pyright: ignore[reportAttributeAccessIssue] - every schedule has it
        return learner, Memory(schedule=start, batch_size=learner.batch_size), findings
    learner.load(arrays, folder / LAST)
    return learner, memory, findings


def _machine(device: torch.device, crew: Team, settings: TrainConfig) -> dict[str, Any]:
    """What must be equal for equal bits."""
    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "device": device.type,
        "precision": resolved(settings.precision, device),
        "processes": crew.count,
        "processor": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
    }


def _one_epoch(learner: Learner, task: Task, memory: Memory, folder: Path, note: dict[str, Any]) -> Memory:
    """Train an epoch, keep it, write `last`; of several processes the first writes, and tells the others."""
    began, crew = time.perf_counter(), team()
    try:
        figures = learner.epoch(memory.epoch, memory.schedule)
    except Diverged as error:
        if crew.leads:
            write_failure(folder, error, note["facts"])
        raise
    if crew.leads:
        row = {"epoch": memory.epoch + 1, **figures, "seconds": time.perf_counter() - began, "best": False}
        memory = _after_epoch(learner, task.settings, memory, row, folder)
        write_last(folder, learner.arrays(), memory, **note)
        clear_failure(folder)
    return memory if crew.count == 1 else memory_of(crew.tell(asdict(memory)))


def _after_epoch(learner: Learner, settings: TrainConfig, memory: Memory, row: dict[str, Any], folder: Path) -> Memory:
    """What is known after an epoch with this row; the epoch is kept if it is among the best."""
    epoch = memory.epoch
    memory = replace(memory, epoch=epoch + 1, history=(*memory.history, row))
    memory = keep_epoch(folder, learner.scored(epoch), memory, settings.loss_metric)
    score = -row["log_loss"] if settings.loss_metric == "log_loss" else row[settings.loss_metric]
    better = memory.best is None or score > memory.best + settings.min_delta
    waited = 0 if better else memory.waited + int(learner.may_stop(epoch))
    stopped = settings.patience is not None and waited >= settings.patience
    return replace(
        memory,
        history=tuple(entry | {"best": entry["epoch"] == memory.kept[0].epoch} for entry in memory.history),
        schedule=settings.scheduler.after_epoch(memory.schedule, score),  # pyright: ignore[reportAttributeAccessIssue] - every schedule has it
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
