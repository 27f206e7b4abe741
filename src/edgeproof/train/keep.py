"""Checkpoints: the three best epochs by the run's metric, and `last` with everything that a resumed training needs.

Within an epoch the order of writes is best file, `last` (which lists the best files), removal of files no longer
listed. So whatever the moment of a kill, `last` describes one finished epoch and every file that it lists is there.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from edgeproof.core.container import read_container, write_container
from edgeproof.core.errors import TrainError
from edgeproof.core.finding import Finding
from edgeproof.core.identity import sha_named

__all__ = [
    "LAST",
    "Kept",
    "Memory",
    "arrays_of",
    "below",
    "keep_epoch",
    "load_arrays",
    "load_optimiser",
    "memory_of",
    "optimiser_arrays",
    "resume",
    "weights_sha",
    "write_last",
]

LAST = "last.safetensors"
BEST = 3


@dataclass(frozen=True)
class Kept:
    """One of the best epochs: its file, and its score (larger is better)."""

    file: str
    epoch: int
    score: float


@dataclass(frozen=True)
class Memory:
    """What a training knows after an epoch, beside the tensors.

    Attributes:
        epoch: finished epochs.
        history: a row of figures an epoch.
        kept: best epochs, best first.
        schedule: state of the schedule.
        best: score that the next improvement must beat by `min_delta`; none before the first epoch.
        waited: epochs since then.
        ended: why training ended: `epochs`, `patience`, or empty while it goes on.
        batch_size: samples a step, as they were given or found.
    """

    epoch: int = 0
    history: tuple[dict[str, Any], ...] = ()
    kept: tuple[Kept, ...] = ()
    schedule: dict[str, Any] = field(default_factory=dict)
    best: float | None = None
    waited: int = 0
    ended: str = ""
    batch_size: int = 0


def arrays_of(model: nn.Module) -> dict[str, np.ndarray]:
    """The model's parameters and buffers by name; numbers without an axis become arrays of one."""
    return {name: np.atleast_1d(tensor.detach().cpu().numpy()) for name, tensor in model.state_dict().items()}


def weights_sha(model: nn.Module) -> str:
    """Content hash of a model's parameters and buffers."""
    return sha_named(arrays_of(model))


def load_arrays(model: nn.Module, arrays: Mapping[str, np.ndarray], source: Path) -> None:
    """Put saved arrays into a model of the same build.

    Raises:
        TrainError: names or sizes differ from the model's.
    """
    state = model.state_dict()
    sizes = {name: tensor.numel() for name, tensor in state.items()}
    if sizes != {name: array.size for name, array in arrays.items()}:
        raise TrainError(f"{source}: weights do not fit this model; use the config that it was trained with")
    model.load_state_dict({name: torch.from_numpy(arrays[name]).reshape(state[name].shape) for name in state})


def optimiser_arrays(optimiser: torch.optim.Optimizer) -> dict[str, np.ndarray]:
    """What an optimiser remembers, by number of its parameter and name."""
    state = optimiser.state_dict()["state"]
    return {
        f"{number}.{key}": np.atleast_1d(value.detach().cpu().numpy())
        for number, entries in state.items()
        for key, value in entries.items()
        if value is not None
    }


def load_optimiser(optimiser: torch.optim.Optimizer, arrays: Mapping[str, np.ndarray]) -> None:
    """Let an optimiser go on from saved arrays."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, array in arrays.items():
        number, key = name.split(".", 1)
        shape = () if key == "step" else parameters[int(number)].shape
        state.setdefault(int(number), {})[key] = torch.from_numpy(array).reshape(shape)
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def keep_epoch(folder: Path, model: nn.Module, memory: Memory, metric: str) -> Memory:
    """Write the epoch just finished if it is among the best; earlier epochs win ties.

    Args:
        folder: of the checkpoints.
        model: after the epoch.
        memory: its last history row is the epoch's; `metric` names the figure in it.
        metric: `log_loss` (smaller is better) or a figure of which more is better.
    """
    row = memory.history[-1]
    score = -row[metric] if metric == "log_loss" else row[metric]
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    fresh = Kept(f"epoch-{memory.epoch:04d}_{metric}-{row[metric]:.6f}_{stamp}.safetensors", memory.epoch, score)
    kept = tuple(sorted((*memory.kept, fresh), key=lambda entry: (-entry.score, entry.epoch))[:BEST])
    if fresh in kept:
        write_container(folder / fresh.file, arrays_of(model), {"epoch": memory.epoch, "figures": row})
    return replace(memory, kept=kept)


def write_last(
    folder: Path,
    arrays: Mapping[str, np.ndarray],
    memory: Memory,
    *,
    identity: dict[str, Any],
    machine: dict[str, Any],
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write `last`, then remove checkpoints that it no longer lists."""
    header = {"memory": asdict(memory), "identity": identity, "machine": machine, "facts": dict(facts or {})}
    write_container(folder / LAST, arrays, header)
    listed = {entry.file for entry in memory.kept} | {LAST}
    for path in (*folder.glob("epoch-*.safetensors"), *folder.glob(".partial-*")):
        if path.name not in listed:
            path.unlink(missing_ok=True)


def resume(
    folder: Path, *, identity: dict[str, Any], machine: dict[str, Any]
) -> tuple[Memory | None, dict[str, np.ndarray], tuple[Finding, ...]]:
    """What `last` in this folder holds, or None if there is none.

    Raises:
        TrainError: the folder holds the training of another config, seed or data.
        BundleError: `last` is truncated or altered.
    """
    path = folder / LAST
    if not path.exists():
        return None, {}, ()
    arrays, header, _ = read_container(path)
    differing = [key for key in identity if header["identity"].get(key) != identity[key]]
    if differing:
        raise TrainError(
            f"{folder}: holds a training with another {', '.join(differing)}; choose another folder, or remove this one"
        )
    return memory_of(header["memory"]), arrays, _machine_findings(header["machine"], machine, folder)


def memory_of(body: Mapping[str, Any]) -> Memory:
    """The memory that `asdict` made JSON of."""
    kept = tuple(Kept(**entry) for entry in body["kept"])
    return Memory(**dict(body) | {"kept": kept, "history": tuple(body["history"])})


def below(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose name begins with this prefix, under the rest of their name."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _machine_findings(before: dict[str, Any], now: dict[str, Any], folder: Path) -> tuple[Finding, ...]:
    before = {"processes": 1} | before  # as it always was before there could be several
    changed = {key: [before.get(key), now[key]] for key in now if before.get(key) != now[key]}
    if not changed:
        return ()
    text = ", ".join(f"{key} {old} -> {new}" for key, (old, new) in changed.items())
    finding = Finding(
        check="train.resume",
        level="warning",
        claim=f"training was resumed under other conditions ({text}); weights may differ from those of one piece",
        evidence=changed,
        where=str(folder),
        remedy="resume on the same machine with the same versions and EDGEPROOF_THREADS for identical weights",
    )
    return (finding,)
