"""Which of several processes this one is, by the variables that torchrun sets; alone where it did not start us."""

import os

__all__ = ["leads", "local_rank", "process_count", "process_rank"]


def process_count() -> int:
    """Processes that share one piece of work."""
    started = {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys()
    return int(os.environ["WORLD_SIZE"]) if started else 1


def process_rank() -> int:
    """Number of this one among them, from 0."""
    return int(os.environ["RANK"]) if process_count() > 1 else 0


def local_rank() -> int:
    """Number of this one among those on its machine, from 0: the device that is its own."""
    return int(os.environ.get("LOCAL_RANK", process_rank())) if process_count() > 1 else 0


def leads() -> bool:
    """Whether this is the one that writes and speaks."""
    return process_rank() == 0
