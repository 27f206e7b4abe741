"""One training on several processes: each takes its share of every batch, and a step is that of the whole batch.

With N samples in a batch, rank r holds some of them, and the gradient is the sum over ranks of those of
sum_i w_i loss_i / N, so weights count as they do in one process. Batch norm reads the mean and variance of the whole
batch. Dropout is drawn apart on each rank, so that with dropout two processes and one agree in law, and without it to
rounding. The first process alone writes; what it remembers of an epoch, the others are told.
"""

# N samples of a batch, C channels, R ranks

import atexit
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous
from torch.nn.modules.batchnorm import _BatchNorm

from edgeproof.core.errors import ConfigError, EdgeproofError, Interrupted
from edgeproof.core.ranks import local_rank, process_count

__all__ = ["ALONE", "Team", "depart", "shared_statistics", "team", "together"]

FOREVER = timedelta(days=30)  # others wait while the first judges; a process that dies is noticed at once
GRACE_SECONDS = 3.0  # for the one that failed to say why
GONE = "another process of this training ended without a word"
LOST = ("connection", "gloo", "nccl", "socket", "broken pipe", "store")


@dataclass(frozen=True)
class Team:
    """The processes that train together.

    Attributes:
        rank: of this one, from 0.
        count: of all.
    """

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def key(self) -> tuple[int, ...]:
        """What names this process's own randomness; nothing where it is alone."""
        return () if self.count == 1 else (self.rank,)

    def share(self, count: int) -> slice:
        """This process's part of `count` neighbouring samples; shares differ in size by at most one."""
        return slice(self.rank * count // self.count, (self.rank + 1) * count // self.count)

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all processes."""
        if self.count > 1:
            distributed.all_reduce(tensor)
        return tensor

    def sum_gradients(self, model: nn.Module) -> None:
        """Let every process hold the whole gradient; it travels in one piece."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        flat = self.sum(torch.cat([gradient.reshape(-1) for gradient in gradients]))
        for gradient, part in zip(gradients, flat.split([one.numel() for one in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def tell(self, value: Any) -> Any:
        """The first process's value (of JSON) in every process."""
        if self.count == 1:
            return value
        text = json.dumps(value).encode() if self.leads else b""
        size = self.sum(torch.tensor([len(text)]))
        data = torch.zeros(int(size), dtype=torch.uint8)
        if self.leads:
            data = torch.frombuffer(bytearray(text), dtype=torch.uint8)
        distributed.broadcast(data, 0)
        return json.loads(data.numpy().tobytes())

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The first process goes through the block, then all others."""
        if not self.leads:
            self.tell(None)
        yield
        if self.leads:
            self.tell(None)

    def device(self, device: torch.device) -> torch.device:
        """The device of this process: on CUDA each has its own.

        Raises:
            ConfigError: more processes than devices.
        """
        if self.count == 1 or device.type != "cuda":
            return device
        if local_rank() >= torch.cuda.device_count():
            raise ConfigError(
                f"train.device={device.type}: {local_rank() + 1} processes or more on {torch.cuda.device_count()} CUDA "
                "devices; start one process a device"
            )
        torch.cuda.set_device(local_rank())
        return torch.device("cuda", local_rank())


ALONE = Team()


def team() -> Team:
    """The team that this process belongs to."""
    if not distributed.is_initialized():
        return ALONE
    return Team(distributed.get_rank(), distributed.get_world_size())


@contextmanager
def together() -> Iterator[Team]:
    """Let the processes that torchrun started work together; one that fails ends all, and it alone says why.

    Those that only learn that another failed leave with its exit status and without a word.
    """
    if process_count() == 1 or distributed.is_initialized():
        yield team()
        return
    store, rank, count = next(rendezvous("env://"))
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    inner = PrefixStore("team", store)
    distributed.init_process_group(backend, store=inner, rank=rank, world_size=count, timeout=FOREVER)
    atexit.register(_leave)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _told_to_end)  # torchrun ends all where one has ended
    try:
        yield Team(rank, count)
    except Exception as error:
        _end(error, store)


def depart(status: int) -> None:
    """End this process with a status once all are here, so that torchrun ends none of them while it still speaks.

    Nothing is done where it is alone. What PyTorch's threads would do at the very end is left out: some abort there.
    """
    if process_count() > 1:
        _leave()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _leave() -> None:
    if distributed.is_initialized():
        team().tell(None)
        distributed.destroy_process_group()


def _told_to_end(number: int, frame: object) -> None:
    del number, frame
    raise Interrupted(f"{GONE}; start all of them again: the same command goes on after the last finished epoch")


def _end(error: Exception, store: Store) -> None:
    """Raise the error in the first process that fails, leave in the others."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the last word is spoken here
    lost = not isinstance(error, EdgeproofError) and any(word in str(error).lower() for word in LOST)
    distributed.destroy_process_group()
    try:
        first = (not lost or not _claimed(store)) and store.add("failed", 1) == 1
        if first:
            status = Interrupted.exit_status if lost else getattr(error, "exit_status", 1)
            store.set("status", str(status))
    except RuntimeError:  # the store went with the process that kept it
        first = True
    if first and lost:
        raise Interrupted(
            f"{GONE}; start all of them again: the same command goes on after the last finished epoch"
        ) from error
    if first:
        raise error
    time.sleep(GRACE_SECONDS)
    os._exit(int(store.get("status")))


def _claimed(store: Store) -> bool:
    """Whether another process says within a moment that it has failed."""
    until = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < until:
        if store.add("failed", 0) > 0:
            return True
        time.sleep(0.05)
    return False


class _Sum(torch.autograd.Function):
    """The sum over all processes; what flows back to each is the sum of what flows back to all."""

    @staticmethod
    def forward(context: Any, tensor: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        del context
        return team().sum(tensor.clone())

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        del context
        return team().sum(gradient.clone())


@contextmanager
def shared_statistics(model: nn.Module, crew: Team) -> Iterator[None]:
    """Let every batch norm of a model in training mode read the statistics of the whole batch."""
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)] if crew.count > 1 else []
    for norm in norms:
        norm.forward = partial(_normalised, norm)  # pyright: ignore[reportAttributeAccessIssue] - for this block
    try:
        yield
    finally:
        for norm in norms:
            del norm.forward


def _normalised(norm: _BatchNorm, x_BC: Tensor) -> Tensor:
    """Batch norm over the samples of all processes (Ioffe & Szegedy 2015, algorithm 1); further axes are samples too.

    The variance is the mean square of what is left of the mean: two passes, as float32 asks for.
    """
    if not norm.training:
        return type(norm).forward(norm, x_BC)
    total: Callable[[Tensor], Any] = _Sum.apply
    axes = [0, *range(2, x_BC.dim())]
    shape = [1, -1, *([1] * (x_BC.dim() - 2))]
    x = x_BC.float()
    own = x.new_tensor([x.numel() / x.shape[1]])
    sums = total(torch.cat((x.sum(axes), own)))
    count = sums[-1].detach()
    mean = sums[:-1] / count
    rest = x - mean.view(shape)
    variance = total((rest * rest).sum(axes)) / count
    with torch.no_grad():
        if norm.running_mean is not None and norm.running_var is not None:
            share = 0.1 if norm.momentum is None else norm.momentum
            norm.running_mean.lerp_(mean.detach(), share)
            norm.running_var.lerp_(variance.detach() * count / (count - 1), share)
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked.add_(1)
    said = rest * (variance + norm.eps).rsqrt().view(shape)
    if norm.affine:
        said = said * norm.weight.view(shape) + norm.bias.view(shape)
    return said.to(x_BC.dtype)
