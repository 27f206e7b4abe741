"""Our environments as Stable-Baselines3's `VecEnv`, which is loaded when it is asked for: we do not depend on it."""

# N accounts, K numbers of an observation

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgeproof.core.errors import OptionError
from edgeproof.core.rng import Rng
from edgeproof.rl.adapters.shown import acted, action_space, figures_of, last_seen, observation_space, written
from edgeproof.rl.interface import Environment

__all__ = ["as_vec_env"]


def as_vec_env(environment: Environment, seed: int = 0) -> Any:
    """A `stable_baselines3.common.vec_env.VecEnv` of all accounts.

    An ended episode's last observation is in `infos[i]["terminal_observation"]`, and `TimeLimit.truncated` says whether
    it was cut off.

    Raises:
        OptionError: Stable-Baselines3 is not installed.
    """
    try:
        vec_env = importlib.import_module("stable_baselines3.common.vec_env").VecEnv
    except ImportError as error:
        raise OptionError(f"{error}; pip install stable-baselines3 where it is to be trained") from error
    return type("EdgeproofVecEnv", (_Accounts, vec_env), {})(environment, seed)


class _Accounts:
    """The methods of a `VecEnv`."""

    num_envs: int

    def __init__(self, environment: Environment, seed: int) -> None:
        self.environment, self._write = environment, written(environment)
        self.render_mode, self._seed = None, seed
        super().__init__(environment.accounts, observation_space(environment), action_space(environment))  # type: ignore[call-arg]

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Of the next reset."""
        self._seed = self._seed if seed is None else seed
        return [self._seed] * self.num_envs

    def reset(self) -> np.ndarray:
        """Begin an episode in every account."""
        self._seed, rng = self._seed + 1, Rng(self._seed, ("stable_baselines3",))
        self.reset_infos: list[dict] = [{} for _ in range(self.num_envs)]
        return self._write(self.environment.reset(rng))

    def step_async(self, actions: np.ndarray) -> None:
        """Say what is to be done."""
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Do it."""
        step = self.environment.step(acted(self.environment, self._actions))
        terminated, truncated = step.terminated.numpy(), step.truncated.numpy()
        ended, figures = terminated | truncated, figures_of(step.figures)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if ended.any():
            last = self._write(last_seen(step))
            for i in np.flatnonzero(ended):
                infos[i] = {name: float(row[i]) for name, row in figures.items()}
                infos[i]["terminal_observation"] = last[i]
                infos[i]["TimeLimit.truncated"] = bool(truncated[i] and not terminated[i])
        return self._write(step.observation), step.reward.numpy().copy(), ended, infos

    def close(self) -> None:
        """Nothing is held."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of the environment behind all accounts."""
        return [getattr(self.environment, attr_name)] * len(self._places(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set one.

        Raises:
            OptionError: accounts cannot differ.
        """
        if len(self._places(indices)) != self.num_envs:
            raise OptionError(f"accounts share one environment; set {attr_name} of all, or of none")
        setattr(self.environment, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **named: Any) -> list[Any]:
        """Call a method of the environment behind all accounts, once."""
        answer = getattr(self.environment, method_name)(*args, **named)
        return [answer] * len(self._places(indices))

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Nothing wraps an account."""
        del wrapper_class
        return [False] * len(self._places(indices))

    def _places(self, indices: Any) -> list[int]:
        if indices is None:
            return list(range(self.num_envs))
        return [indices] if isinstance(indices, int) else list(indices)
