"""Worlds of a few states, as tables: small enough that every value and every best action is known exactly.

All accounts live in the same world, each in its own state. With `autoreset="next"` an episode's end is followed by a
row in which nothing happens (Gymnasium's NEXT_STEP); that row is not valid.
"""

# N accounts, P members, S states, A actions, K numbers of an observation

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.errors import OptionError
from edgeproof.core.rng import Rng
from edgeproof.rl.interface import Discrete, Layout, Observation, Step

__all__ = ["CUT", "ENDS", "GOES_ON", "Chain", "ChainEnvironment"]

GOES_ON, ENDS, CUT = range(3)  # what a step does to its episode: nothing, terminates it, truncates it


@dataclass(frozen=True)
class Chain:
    """A finite Markov decision process, deterministic but for where episodes begin.

    Attributes:
        looks: [S][K] what a state looks like; two may look alike.
        reward: [S][A], or [P][S][A] where members live by different rewards.
        to: [S][A] the state that follows; of a step that ends the episode, its last.
        ends: [S][A] GOES_ON, ENDS or CUT.
        start: [S] probabilities of where an episode begins.
        restart: [S][A] the state in which the episode after this step begins, -1: drawn from `start`.
    """

    looks: Sequence[Sequence[float]]
    reward: Sequence
    to: Sequence[Sequence[int]]
    ends: Sequence[Sequence[int]]
    start: Sequence[float]
    restart: Sequence[Sequence[int]] | None = None

    @property
    def members(self) -> int:
        """P that it needs, 1 where all accounts live by the same rewards."""
        return np.asarray(self.reward).shape[0] if np.asarray(self.reward).ndim == 3 else 1


@dataclass
class ChainEnvironment:
    """Accounts in a chain, member-major.

    Raises:
        OptionError: accounts that cannot be shared out evenly between the chain's members.
    """

    chain: Chain
    accounts: int
    autoreset: Literal["same", "next"] = "same"
    _where: Tensor = field(init=False)
    _over: Tensor = field(init=False)  # NEXT_STEP: the episode has ended and the next one has not begun
    _next: Tensor = field(init=False)  # where the next episode begins
    _draws: torch.Generator = field(init=False)

    def __post_init__(self) -> None:
        chain, members = self.chain, self.chain.members
        if self.accounts < 1 or self.accounts % members:
            raise OptionError(f"{self.accounts} accounts cannot be shared out among {members} members; take a multiple")
        self._looks = torch.tensor(chain.looks, dtype=torch.float32)
        reward = torch.tensor(chain.reward, dtype=torch.float32)
        self._reward = reward if reward.dim() == 3 else reward[None]
        self._to, self._ends = torch.tensor(chain.to), torch.tensor(chain.ends)
        self._restart = torch.full_like(self._to, -1) if chain.restart is None else torch.tensor(chain.restart)
        self._start = torch.tensor(chain.start, dtype=torch.float64)
        self._member = torch.arange(self.accounts) // (self.accounts // members)
        self.reset(Rng(0))

    @property
    def actions(self) -> Discrete:
        """One number an account."""
        return Discrete(self._to.shape[1])

    @property
    def layout(self) -> Layout:
        """What the state looks like."""
        return Layout(self._looks.shape[1])

    def reset(self, rng: Rng) -> Observation:
        """Begin anew everywhere."""
        self._draws = rng.torch()
        self._where = self._drawn()
        self._over = torch.zeros(self.accounts, dtype=torch.bool)
        self._next = self._where.clone()
        return self._seen(self._where)

    def step(self, action: Tensor) -> Step:
        """Look the action's row up; an account between episodes begins its next one instead."""
        resting, at = self._over, self._where
        outcome = torch.where(resting, GOES_ON, self._ends[at, action])
        over = outcome != GOES_ON
        reached = torch.where(resting, self._next, self._to[at, action])
        reward = torch.where(resting, 0.0, self._reward[self._member, at, action])
        fixed = self._restart[at, action]
        begin = torch.where(fixed >= 0, fixed, self._drawn())
        if self.autoreset == "next":
            self._where, self._over = reached, over
            self._next = torch.where(over, begin, self._next)
        else:
            self._where = torch.where(over, begin, reached)
        return Step(self._seen(self._where), reward, outcome == ENDS, outcome == CUT, self._seen(reached), ~resting, {})

    def state(self) -> dict[str, np.ndarray]:
        """Where all accounts are, and the draws to come."""
        names = {"where": self._where, "over": self._over, "next": self._next, "draws": self._draws.get_state()}
        return {name: tensor.numpy().copy() for name, tensor in names.items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> Observation:
        """Put all accounts back."""
        self._where, self._over, self._next, draws = (
            torch.from_numpy(np.array(state[name])) for name in ("where", "over", "next", "draws")
        )
        self._draws.set_state(draws)
        return self._seen(self._where)

    def _drawn(self) -> Tensor:
        return torch.multinomial(self._start, self.accounts, replacement=True, generator=self._draws)

    def _seen(self, states: Tensor) -> Observation:
        return Observation(self._looks[states])
