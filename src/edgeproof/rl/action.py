"""Actions become target weights, each checked before any account moves."""

# N accounts, A assets

import numba
import numpy as np
from torch import Tensor

from edgeproof.core.errors import TrainError
from edgeproof.rl.interface import ActionSpace, Continuous, Discrete

__all__ = ["accept", "check_kind", "within_gross"]


@numba.njit(cache=True, nogil=True)
def _from_places(action: np.ndarray, levels: np.ndarray, target: np.ndarray) -> int:
    """Target weights of discrete actions; the first account whose action is none, else -1."""
    wrong = False
    for n in range(action.shape[0]):  # without a way out, many are compared at once
        wrong |= (action[n] < 0) | (action[n] >= levels.shape[0])
    if wrong:
        for n in range(action.shape[0]):
            if not 0 <= action[n] < levels.shape[0]:
                return n
    for n in range(action.shape[0]):
        target[n, 0, 0] = levels[action[n]]
    return -1


@numba.njit(cache=True, nogil=True)
def _from_weights(action: np.ndarray, low: float, high: float, target: np.ndarray) -> int:
    """Target weights of continuous actions, within `low` and `high`; the first account with a NaN, else -1."""
    for n in range(action.shape[0]):
        for a in range(action.shape[1]):
            if action[n, a] != action[n, a]:
                return n
    for n in range(action.shape[0]):
        for a in range(action.shape[1]):
            target[n, 0, a] = min(max(np.float64(action[n, a]), low), high)
    return -1


def check_kind(action: Tensor, space: ActionSpace, count: int) -> None:
    """Refuse actions of another shape or type than `count` accounts take.

    Raises:
        TrainError: they are.
    """
    shape = (count,) if isinstance(space, Discrete) else (count, space.size)
    kind = "whole numbers" if isinstance(space, Discrete) else "floats"
    if not isinstance(action, Tensor):
        raise TrainError(f"environment: actions as {type(action).__name__}; write a torch tensor of {kind} {shape}")
    if tuple(action.shape) != shape or action.is_floating_point() == isinstance(space, Discrete):
        raise TrainError(f"environment: actions {action.dtype} {tuple(action.shape)}; write {kind} {shape}")


def within_gross(action: Tensor, space: Continuous, gross: float) -> Tensor:
    """Weights [N, A] within the space, scaled down together where their sizes sum to more than `gross`."""
    held = action.clamp(space.low, space.high)
    return held * (gross / held.abs().sum(dim=1, keepdim=True)).clamp(max=1.0)


def accept(action: Tensor, space: ActionSpace, levels: np.ndarray, target: np.ndarray) -> None:
    """Write the target weights f64[N, 1, A] that `action` asks for.

    Raises:
        TrainError: another shape or type, an action out of range, a weight that is no number; nothing is written then.
    """
    check_kind(action, space, len(target))
    given = action.detach().cpu().numpy()
    if isinstance(space, Discrete):
        bad = _from_places(given, levels, target)
        if bad >= 0:
            raise TrainError(f"environment: action {given[bad]} of account {bad} is none of 0 to {space.count - 1}")
        return
    bad = _from_weights(given, space.low, space.high, target)
    if bad >= 0:
        raise TrainError(f"environment: the action of account {bad} is NaN; the policy's output is no number")
