"""Our environments as Gymnasium's: one account as an `Env`, all accounts as a `VectorEnv` of SAME_STEP."""

# N accounts, A action numbers, K numbers of an observation

from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from edgeproof.core.errors import OptionError
from edgeproof.core.rng import Rng
from edgeproof.rl.adapters.shown import acted, action_space, figures_of, last_seen, observation_space, written
from edgeproof.rl.interface import Environment

__all__ = ["AccountEnv", "AccountsEnv"]

LARGE = 2**62


class AccountEnv(gymnasium.Env):
    """An environment of one account.

    The step that ends an episode answers its last observation; `reset` without a seed then goes on with the next
    episode, in the middle of one it draws a new beginning.

    Raises:
        OptionError: an environment of several accounts.
    """

    def __init__(self, environment: Environment) -> None:
        if environment.accounts != 1:
            raise OptionError(f"an Env is one account, not {environment.accounts}; take AccountsEnv, a VectorEnv")
        self.environment = environment
        self.observation_space, self.action_space = observation_space(environment), action_space(environment)
        self._write = written(environment)
        self._next: np.ndarray | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """Begin an episode; a seed decides all later ones."""
        super().reset(seed=seed, options=options)
        following, self._next = self._next, None
        if following is not None and seed is None:
            return following, {}
        rng = Rng(int(self.np_random.integers(LARGE)))
        return self._write(self.environment.reset(rng))[0], {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """One step of the account."""
        step = self.environment.step(acted(self.environment, action))
        terminated, truncated = bool(step.terminated[0]), bool(step.truncated[0])
        ended = terminated or truncated
        self._next = self._write(step.observation)[0] if ended else None
        info = {name: float(row[0]) for name, row in step.figures.items()}
        return self._write(last_seen(step))[0], float(step.reward[0]), terminated, truncated, info


class AccountsEnv(VectorEnv):
    """An environment's accounts; an episode that ends is followed in the same step by the next one."""

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012 - Gymnasium's name for a class's facts

    def __init__(self, environment: Environment) -> None:
        self.environment, self.num_envs = environment, environment.accounts
        self.single_observation_space = observation_space(environment)
        self.single_action_space = action_space(environment)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._write = written(environment)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode in every account.

        Raises:
            OptionError: a mask of accounts: all begin anew by themselves.
        """
        if options is not None and "reset_mask" in options:
            raise OptionError("accounts begin anew in the step that ends their episode; reset them all, without a mask")
        numbers = [one for one in seed if one is not None] if isinstance(seed, list) else seed
        if numbers is not None and numbers != []:
            self._np_random = np.random.default_rng(numbers)
        return self._write(self.environment.reset(Rng(int(self.np_random.integers(LARGE))))), {}

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One step of every account."""
        step = self.environment.step(acted(self.environment, actions))
        terminated, truncated = step.terminated.numpy().copy(), step.truncated.numpy().copy()
        ended, figures = terminated | truncated, figures_of(step.figures)
        info: dict[str, Any] = {}
        for name, row in figures.items():
            info |= {name: row, f"_{name}": ~ended}
        if ended.any():
            final, last = np.full(self.num_envs, None, dtype=object), self._write(last_seen(step))
            for i in np.flatnonzero(ended):
                final[i] = last[i]
            told = {key: value for name, row in figures.items() for key, value in ((name, row), (f"_{name}", ended))}
            info |= {"final_obs": final, "_final_obs": ended, "final_info": told, "_final_info": ended}
        return self._write(step.observation), step.reward.double().numpy(), terminated, truncated, info
