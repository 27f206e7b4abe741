"""A rollout: what H steps of all accounts brought, in memory that is taken once and filled anew."""

# H steps, N accounts, K dense numbers, A action numbers, M truncated steps

from dataclasses import dataclass, field

import torch
from torch import Tensor

from edgeproof.rl.interface import ActionSpace, Discrete, Layout, Observation, Step

__all__ = ["Final", "Rollout"]


@dataclass
class Final:
    """Last observations of truncated episodes, in the order in which they ended.

    Attributes:
        step, account: i64[m] of each step's truncated rows.
        dense: f32[m, K].
        index: i64[m], where the layout has a table.
    """

    step: list[Tensor] = field(default_factory=list)
    account: list[Tensor] = field(default_factory=list)
    dense: list[Tensor] = field(default_factory=list)
    index: list[Tensor] = field(default_factory=list)


class Rollout:
    """Steps of all accounts; observations with a feature table are stored as the row at which their window ends.

    Args:
        layout: of the observations.
        actions: of the environment.
        steps: H.
        accounts: N.
        kind: floating type of log-probabilities, values and rewards.
    """

    def __init__(
        self, layout: Layout, actions: ActionSpace, steps: int, accounts: int, kind: torch.dtype = torch.float32
    ) -> None:
        shape = (steps, accounts)
        self.dense = torch.zeros(*shape, layout.dense)
        self.index = None if layout.table is None else torch.zeros(shape, dtype=torch.int64)
        self.action = (
            torch.zeros(shape, dtype=torch.int64)
            if isinstance(actions, Discrete)
            else torch.zeros(*shape, actions.size)
        )
        self.logp, self.value, self.reward = (torch.zeros(shape, dtype=kind) for _ in range(3))
        self.terminated, self.truncated, self.valid = (torch.zeros(shape, dtype=torch.bool) for _ in range(3))
        self.last: Observation | None = None
        self.final = Final()

    def begin(self) -> None:
        """Forget what was cut off in the last rollout."""
        self.final = Final()

    def judge(self, t: int | slice, value: Tensor) -> None:
        """What the critic expects at step t, or at several."""
        self.value[t] = value

    def act(self, t: int, observation: Observation, action: Tensor, logp: Tensor) -> None:
        """What was seen at step t, and what was done."""
        self.dense[t] = observation.dense
        if self.index is not None and observation.index is not None:
            self.index[t] = observation.index
        self.action[t], self.logp[t] = action, logp

    def bring(self, t: int, step: Step) -> None:
        """What step t brought."""
        self.reward[t], self.terminated[t], self.truncated[t] = step.reward, step.terminated, step.truncated
        self.valid[t] = step.valid
        cut = step.truncated & step.valid
        if bool(cut.any()):
            rows = cut.nonzero().flatten()
            self.final.step.append(torch.full_like(rows, t))
            self.final.account.append(rows)
            self.final.dense.append(step.final.dense[rows])
            if step.final.index is not None:
                self.final.index.append(step.final.index[rows])
