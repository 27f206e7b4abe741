"""A batch size that is found: the largest that fits, by doubling, with enough steps left in an epoch."""

from collections.abc import Callable

import torch

__all__ = ["LARGEST", "STEPS", "find_batch_size", "is_out_of_memory"]

LARGEST = {"cpu": 8192, "cuda": 65536}  # a processor gains nothing beyond: caches are full at some hundreds
STEPS = 16  # an epoch of fewer steps learns little


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, of the device or of the machine."""
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and ("out of memory" in text or "not enough memory" in text)
    )


def find_batch_size(step: Callable[[int], None], samples: int, device: str, *, least: int = 2) -> int:
    """The largest size, `least` doubled again and again, for which a training step fits.

    Args:
        step: one training step of this many samples; it may run out of memory.
        samples: of the training set.
        device: `cpu` or `cuda`.
        least: smallest size that is asked for.

    Returns:
        At most `LARGEST`, and at most a 16th of the training samples.
    """
    size = least
    while 2 * size <= min(LARGEST[device], samples // STEPS):
        size *= 2
    while size > least:
        try:
            step(size)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        else:
            return size
        if device == "cuda":
            torch.cuda.empty_cache()
        size //= 2
    return least
