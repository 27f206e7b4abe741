"""What all adapters share: observations written out as arrays of their own, and the spaces they live in."""

# N accounts, A action numbers, K numbers of a whole observation

from typing import Any

import numpy as np
import torch

from edgeproof.core.errors import OptionError
from edgeproof.rl.inputs import Inputs
from edgeproof.rl.interface import Discrete, Environment, Observation, Step
from edgeproof.rl.place import need_processor

__all__ = ["acted", "action_space", "figures_of", "last_seen", "observation_space", "spaces", "written"]

LARGEST = float(np.finfo(np.float32).max)


def spaces() -> Any:
    """Gymnasium's spaces.

    Raises:
        OptionError: it is not installed.
    """
    try:
        from gymnasium import spaces as known
    except ImportError as error:
        raise OptionError("Gymnasium is not installed; pip install 'edgeproof[rl]'") from error
    return known


def written(environment: Environment) -> Any:
    """A function that writes an observation out: f32[N, K], the window before the account's numbers, a copy."""
    need_processor(environment, "another library's learner")
    inputs = Inputs(environment.layout, torch.float32)

    def write(observation: Observation) -> np.ndarray:
        index = None if observation.index is None else observation.index.unsqueeze(0)
        return inputs.rows(observation.dense.unsqueeze(0), index)[0].numpy().copy()

    return write


def last_seen(step: Step) -> Observation:
    """Of each account what its own episode showed last: `final` where it has ended, where alone that counts."""
    ended, now, final = step.terminated | step.truncated, step.observation, step.final
    index = None
    if now.index is not None and final.index is not None:
        index = torch.where(ended, final.index, now.index)
    return Observation(torch.where(ended.unsqueeze(1), final.dense, now.dense), index)


def observation_space(environment: Environment) -> Any:
    """Of one account: any finite numbers."""
    return spaces().Box(-LARGEST, LARGEST, (environment.layout.size,), np.float32)


def action_space(environment: Environment) -> Any:
    """Of one account."""
    actions = environment.actions
    if isinstance(actions, Discrete):
        return spaces().Discrete(actions.count)
    return spaces().Box(actions.low, actions.high, (actions.size,), np.float32)


def acted(environment: Environment, actions: Any) -> torch.Tensor:
    """The actions of all accounts as our environment takes them: i64[N] or f32[N, A]."""
    array = np.asarray(actions)
    if isinstance(environment.actions, Discrete):
        return torch.from_numpy(array.astype(np.int64).reshape(environment.accounts))
    return torch.from_numpy(array.astype(np.float32).reshape(environment.accounts, environment.actions.size))


def figures_of(figures: Any) -> dict[str, np.ndarray]:
    """f32[N] each, copies."""
    return {name: tensor.numpy().copy() for name, tensor in figures.items()}
