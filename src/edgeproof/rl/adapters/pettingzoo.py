"""Our environments as PettingZoo's: every account an agent, or every asset of one account an agent of its own."""

# N accounts, A assets

from typing import Any

import numpy as np
from pettingzoo import ParallelEnv

from edgeproof.core.errors import OptionError
from edgeproof.core.rng import Rng
from edgeproof.rl.adapters.shown import acted, action_space, figures_of, last_seen, observation_space, spaces, written
from edgeproof.rl.interface import Continuous, Environment

__all__ = ["AccountsParallel", "AssetsParallel"]

LARGE = 2**62


class AccountsParallel(ParallelEnv):
    """Accounts as agents that meet in one market; an agent leaves with the end of its episode."""

    metadata = {"name": "edgeproof_accounts_v0", "render_modes": []}  # noqa: RUF012 - PettingZoo's

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.possible_agents = [f"account_{number}" for number in range(environment.accounts)]
        self.agents: list[str] = []
        self._seen = {agent: observation_space(environment) for agent in self.possible_agents}
        self._acts = {agent: action_space(environment) for agent in self.possible_agents}
        self._write = written(environment)
        self._draws = np.random.default_rng()

    def observation_space(self, agent: str) -> Any:
        """The same object at every call."""
        return self._seen[agent]

    def action_space(self, agent: str) -> Any:
        """The same object at every call."""
        return self._acts[agent]

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """All agents begin an episode."""
        del options
        self._draws = np.random.default_rng(seed) if seed is not None else self._draws
        self.agents = list(self.possible_agents)
        self._all = self._write(self.environment.reset(Rng(int(self._draws.integers(LARGE)))))
        return dict(zip(self.agents, self._all, strict=True)), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """One step; who has left is not heard any more."""
        idle = self._acts[self.possible_agents[0]]
        rest = 0 if hasattr(idle, "n") else np.zeros(idle.shape, np.float32)
        step = self.environment.step(
            acted(self.environment, [actions.get(agent, rest) for agent in self.possible_agents])
        )
        ended = (step.terminated | step.truncated).numpy()
        self._all = self._write(last_seen(step))
        figures, live = figures_of(step.figures), [self.possible_agents.index(agent) for agent in self.agents]
        names = self.possible_agents
        told = (
            {names[n]: self._all[n] for n in live},
            {names[n]: float(step.reward[n]) for n in live},
            {names[n]: bool(step.terminated[n]) for n in live},
            {names[n]: bool(step.truncated[n]) for n in live},
            {names[n]: {name: float(row[n]) for name, row in figures.items()} for n in live},
        )
        self.agents = [names[n] for n in live if not ended[n]]
        return told

    def state(self) -> np.ndarray:
        """What all agents see together."""
        return self._all.ravel()


class AssetsParallel(ParallelEnv):
    """The assets of one account as agents: each gives its own target weight, all share the account and its reward.

    Raises:
        OptionError: several accounts, or actions that are not a weight an asset.
    """

    metadata = {"name": "edgeproof_assets_v0", "render_modes": []}  # noqa: RUF012 - PettingZoo's

    def __init__(self, environment: Environment, names: tuple[str, ...] | None = None) -> None:
        space = environment.actions
        if environment.accounts != 1 or not isinstance(space, Continuous):
            raise OptionError("assets are agents of one account with continuous actions; set accounts=1, continuous")
        self.environment = environment
        self.possible_agents = list(names or (f"asset_{number}" for number in range(space.size)))
        if len(self.possible_agents) != space.size:
            raise OptionError(f"{len(self.possible_agents)} names for {space.size} assets; give one each")
        self.agents: list[str] = []
        self._seen = {agent: observation_space(environment) for agent in self.possible_agents}
        box = spaces().Box
        self._acts = {agent: box(space.low, space.high, (1,), np.float32) for agent in self.possible_agents}
        self._write = written(environment)
        self._draws = np.random.default_rng()

    def observation_space(self, agent: str) -> Any:
        """The same object at every call."""
        return self._seen[agent]

    def action_space(self, agent: str) -> Any:
        """The same object at every call."""
        return self._acts[agent]

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """The account begins an episode."""
        del options
        self._draws = np.random.default_rng(seed) if seed is not None else self._draws
        self.agents = list(self.possible_agents)
        self._all = self._write(self.environment.reset(Rng(int(self._draws.integers(LARGE)))))[0]
        return {agent: self._all.copy() for agent in self.agents}, {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """One step of the account."""
        weights = [float(np.asarray(actions[agent]).reshape(())) for agent in self.possible_agents]
        step = self.environment.step(acted(self.environment, weights))
        terminated, truncated = bool(step.terminated[0]), bool(step.truncated[0])
        ended, agents = terminated or truncated, self.agents
        self._all = self._write(last_seen(step))[0]
        info = {name: float(row[0]) for name, row in step.figures.items()}
        self.agents = [] if ended else agents
        return (
            {agent: self._all.copy() for agent in agents},
            dict.fromkeys(agents, float(step.reward[0])),
            dict.fromkeys(agents, terminated),
            dict.fromkeys(agents, truncated),
            {agent: dict(info) for agent in agents},
        )

    def state(self) -> np.ndarray:
        """What the account sees."""
        return self._all.copy()
