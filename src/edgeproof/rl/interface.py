"""What an environment and an agent say to each other: one call steps all accounts; ended episodes begin anew in it.

Own and foreign environments speak it alike. Accounts are member-major: with P members of n accounts each, account
`p * n + i` is the i-th of member p. An episode that ends is followed in the same step by the first observation of the
next one (Gymnasium's SAME_STEP); what was seen last is in `final`, for bootstrapping where the episode was truncated.
"""

# N accounts, P members, A assets or action numbers, K dense numbers, R rows of the feature table, L window, F features

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from torch import Tensor

from edgeproof.core.rng import Rng

__all__ = ["ActionSpace", "Continuous", "Discrete", "Environment", "Layout", "Observation", "Step"]


@dataclass(frozen=True)
class Discrete:
    """Actions 0 .. count - 1, i64[N]."""

    count: int


@dataclass(frozen=True)
class Continuous:
    """Actions f32[N, size], each between `low` and `high`; the environment clips, the agent stores what it drew."""

    size: int
    low: float
    high: float


ActionSpace = Discrete | Continuous


@dataclass(frozen=True)
class Layout:
    """How an observation becomes numbers: the window of the feature table that ends at `index`, then the dense part.

    Attributes:
        dense: K, numbers of the dense part.
        table: f32[R, F], rows in order of time within a symbol; None where observations are dense alone.
        window: L, rows of the table that are seen, the last of them `index`.
        names: of the numbers of the dense part, K of them; empty where they are not known.
    """

    dense: int
    table: Tensor | None = None
    window: int = 0
    names: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Numbers of a whole observation, L * F + K."""
        return self.dense + (0 if self.table is None else self.window * self.table.shape[1])


@dataclass(frozen=True)
class Observation:
    """What all accounts see.

    Attributes:
        dense: f32[N, K] the account's own state; of a foreign environment, everything.
        index: i64[N] row of the feature table at which the window ends; None where the layout has no table.
    """

    dense: Tensor
    index: Tensor | None = None


@dataclass(frozen=True)
class Step:
    """What one step of all accounts brought.

    The tensors belong to the environment and hold until its next step: an agent copies what it keeps.

    Attributes:
        observation: to act on next; of the new episode where one has ended.
        reward: f32[N].
        terminated: bool[N] the task itself has ended: ruin. Nothing follows, so nothing is bootstrapped.
        truncated: bool[N] the episode was cut off by time or by the end of the span; what would follow has a value.
        final: the last observation of the episode; its rows count where it has ended.
        valid: bool[N] rows that are a step at all; False in reset rows of NEXT_STEP environments, which no loss may
            see.
        figures: f32[N] each, by name: parts of the reward, net growth, turnover.
    """

    observation: Observation
    reward: Tensor
    terminated: Tensor
    truncated: Tensor
    final: Observation
    valid: Tensor
    figures: Mapping[str, Tensor] = field(default_factory=dict)


class Environment(Protocol):
    """Many accounts, or copies of a foreign environment, stepped as one."""

    @property
    def accounts(self) -> int:
        """N."""
        ...

    @property
    def actions(self) -> ActionSpace:
        """What an action is."""
        ...

    @property
    def layout(self) -> Layout:
        """What an observation is made of."""
        ...

    def reset(self, rng: Rng) -> Observation:
        """Begin an episode in every account; all later randomness of the environment comes from `rng`."""
        ...

    def step(self, action: Tensor) -> Step:
        """One step of every account: i64[N] or f32[N, A]."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """Everything that the next steps depend on, for exact resume.

        Raises:
            OptionError: an environment that cannot be taken up again.
        """
        ...

    def restore(self, state: Mapping[str, np.ndarray]) -> Observation:
        """Take up where `state` was taken; answers the observation to act on."""
        ...
