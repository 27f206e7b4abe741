"""A rollout as samples: parts of it in random order, and the minibatch that a part is."""

# P members, H steps, N = P * n accounts, B samples of a minibatch, A action numbers

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from edgeproof.rl.inputs import Inputs
from edgeproof.rl.learning.buffers import Rollout

__all__ = ["Batch", "Samples", "gather", "minibatches", "samples_of"]

RUN, MANY = 16, 64  # accounts of a run, and from how many accounts of a member on there are runs
LARGE = 16 * RUN  # samples of a minibatch from which on a run more or less is a sixteenth of it at most


@dataclass(frozen=True)
class Samples:
    """A rollout as samples, in order of step and account: row t * N + p * n + i.

    Attributes:
        dense: [H * N, K] as the networks read it, or the whole observation.
        index: i64[H * N] where windows have yet to be read.
        action: i64[H * N] or [H * N, A].
        numbers: [5, H * N] log-probability, advantage, target, value, and 1 for rows that count.
        whole: every row counts.
        members: P.
        accounts: n.
    """

    dense: Tensor
    index: Tensor | None
    action: Tensor
    numbers: Tensor
    whole: bool
    members: int
    accounts: int

    def together(self, minibatch: int) -> int:
        """Samples that no minibatch of this size parts: neighbours of one step, where many accounts are in many places.

        They are as apart as any others, and lie side by side in memory: with 1,024 accounts gathering them takes 0.6 to
        0.8 of the time, drawing their order 0.3. A small minibatch is drawn sample by sample: runs would make it larger
        than asked for, or of a few steps alone.
        """
        return RUN if self.accounts % RUN == 0 and self.accounts >= MANY and minibatch >= LARGE else 1


@dataclass(frozen=True)
class Batch:
    """A minibatch of every member.

    Attributes:
        inputs: how observations become rows.
        rows: i64[P, B] of the samples.
        samples: that the rows are of.
    """

    inputs: Inputs
    rows: Tensor
    samples: Samples

    def member(self, place: int) -> "Batch":
        """One member's."""
        return Batch(self.inputs, self.rows[place : place + 1], self.samples)

    def taken(self) -> Samples:
        """Its samples alone, in its order; of one member."""
        rows, samples = self.rows[0], self.samples
        dense, action, numbers = samples.dense[rows], samples.action[rows], samples.numbers[:, rows]
        index = None if samples.index is None else samples.index[rows]
        return replace(samples, dense=dense, index=index, action=action, numbers=numbers)

    @property
    def x(self) -> Tensor:
        """Inputs [P, B, I], gathered by who asks: what another thread has written comes more slowly than it is made."""
        place, samples = self.rows.flatten(), self.samples

        def of(table: Tensor) -> Tensor:
            return table.index_select(0, place).unflatten(0, self.rows.shape)

        dense = of(samples.dense)
        return dense if samples.index is None else self.inputs.rows(dense, of(samples.index))

    @property
    def action(self) -> Tensor:
        """i64[P, B] or [P, B, A] that were taken."""
        return self.samples.action[self.rows]

    @property
    def numbers(self) -> Tensor:
        """[5, P, B] as in `Samples`."""
        return self.samples.numbers[:, self.rows]

    @property
    def weight(self) -> Tensor | None:
        """[P, B] 1 for rows that count; None where all do."""
        return None if self.samples.whole else self.numbers[4]


def samples_of(rollout: Rollout, advantage: Tensor, *, dense: Tensor, index: Tensor | None, members: int) -> Samples:
    """The samples of a rollout with these advantages [H, N], dense numbers [H, N, K] and windows i64[H, N]."""
    columns = (rollout.logp, advantage, advantage + rollout.value, rollout.value, rollout.valid.to(advantage.dtype))
    return Samples(
        dense=dense.flatten(0, 1),
        index=None if index is None else index.flatten(),
        action=rollout.action.flatten(0, 1),
        numbers=torch.stack(columns).flatten(1),
        whole=bool(rollout.valid.all()),
        members=members,
        accounts=rollout.logp.shape[1] // members,
    )


def minibatches(samples: Samples, parts: Iterable[Tensor]) -> Iterator[Tensor]:
    """Rows i64[P, B] of each minibatch of an epoch.

    Args:
        samples: of P members.
        parts: i64[P, B] each, numbers of each member's own samples, counted by step and own account.
    """
    n, p = samples.accounts, torch.arange(samples.members).unsqueeze(1)
    for own in parts:
        yield own if samples.members == 1 else own + own // n * (n * (samples.members - 1)) + p * n  # % is slow


def gather(samples: Samples, inputs: Inputs, rows: Tensor) -> Batch:
    """The minibatch of these rows i64[P, B]."""
    return Batch(inputs, rows, samples)
