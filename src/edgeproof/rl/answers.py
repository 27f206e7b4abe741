"""Asking a trained agent what it should know: each answer is measured in tolerances from the right one."""

# N accounts, P members, n accounts of a member, A actions, K numbers of an observation

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.finding import Finding, failed, passed
from edgeproof.rl.interface import Environment, Observation

__all__ = ["Answer", "Ask", "Learned", "Probe", "judge"]

Right = float | Sequence[float]
LOST = 1e9  # tolerances that an answer is off which is no number


@dataclass(frozen=True)
class Ask:
    """What is asked of a trained agent about one observation, of every account at once, and the right answers.

    Right answers are given by member where they differ between members; None: not asked.

    Attributes:
        look: [K] the dense observation.
        value: of the observation.
        within: tolerance of the value.
        best: the action whose probability has to be at least `sure`.
        policy: [A] all probabilities, or the mean of a continuous action.
        near: tolerance of each of its numbers.
    """

    look: Sequence[float]
    value: Right | None = None
    within: float = 0.1
    best: int | Sequence[int] | None = None
    sure: float = 0.9
    policy: Sequence[float] | None = None
    near: float = 0.1


@dataclass(frozen=True)
class Probe:
    """A world, how to train on it, what is asked afterwards, and where to look if an answer is wrong.

    Attributes:
        make: the environment of so many accounts in all.
        asks: questions with their answers.
        suspects: what a failure of this probe points at.
        discount: gamma to train with, by member where it differs.
        trace: lambda to train with.
        entropy: weight of the entropy bonus; none: the trainer's own.
        steps: of each account, that are enough at a learning rate of 0.01.
        members: P.
    """

    make: Callable[[int], Environment]
    asks: tuple[Ask, ...]
    suspects: str
    discount: Right = 0.9
    trace: float = 0.95
    entropy: float | None = None
    steps: int = 640
    members: int = 1


@dataclass(frozen=True)
class Learned:
    """A trained agent, as far as it is asked.

    Attributes:
        value: f32[N] of an observation of all N accounts.
        policy: probabilities f32[N, A]; of continuous actions their mean.
    """

    value: Callable[[Observation], Tensor]
    policy: Callable[[Observation], Tensor]


@dataclass(frozen=True)
class Answer:
    """One number that was asked for: of the account that is farthest off."""

    asked: str
    got: float
    right: float
    within: float

    @property
    def miss(self) -> float:
        """Distance from the right answer in tolerances; above 1 it is missed."""
        return abs(self.got - self.right) / self.within if np.isfinite(self.got) else LOST


def judge(name: str, probe: Probe, learned: Learned, accounts: int) -> Finding:
    """The finding of one probe; `accounts` are those of one member."""
    answers = [answer for ask in probe.asks for answer in _answers(ask, probe, learned, accounts)]
    worst = max(answers, key=lambda answer: answer.miss)
    told = [{"asked": a.asked, "got": a.got, "right": a.right, "within": a.within} for a in answers]
    plot = {
        "kind": "bars",
        "title": f"{name}: distance from the right answer",
        "x": list(range(len(answers))),
        "y": [answer.miss for answer in answers],
        "names": [answer.asked for answer in answers],
        "threshold": 1.0,
        "x_label": "question",
        "y_label": "tolerances",
    }
    said = f"{worst.asked} is {worst.got:.3g}, right is {worst.right:.3g} within {worst.within:.2g}"
    check, evidence = f"probe.{name}", {"answers": told, "plot": plot}
    if worst.miss <= 1.0:
        return passed(check, f"known answers are found: {said}", measured=worst.miss, threshold=1.0, **evidence)
    claim, remedy = f"a known answer is missed: {said}", f"look at {probe.suspects}"
    return failed(check, "error", claim, remedy, measured=worst.miss, threshold=1.0, **evidence)


def _answers(ask: Ask, probe: Probe, learned: Learned, accounts: int) -> Iterator[Answer]:
    members = probe.members
    observation = Observation(torch.tensor([list(ask.look)] * (accounts * members), dtype=torch.float32))
    look = ", ".join(f"{number:g}" for number in ask.look)
    whose = [""] if members == 1 else [f" of member {m}" for m in range(members)]
    if ask.value is not None:
        values = _by_member(learned.value(observation), members)
        for m, right in enumerate(np.broadcast_to(ask.value, members)):
            yield _farthest(f"V({look}){whose[m]}", values[m, :, 0], float(right), ask.within)
    if ask.best is not None:
        chances = _by_member(learned.policy(observation), members)
        for m, best in enumerate(np.broadcast_to(ask.best, members)):
            yield _farthest(f"P({best} | {look}){whose[m]}", chances[m, :, best], 1.0, 1.0 - ask.sure)
    if ask.policy is not None:
        policy = _by_member(learned.policy(observation), members)
        for m in range(members):
            for number, right in enumerate(ask.policy):
                asked = f"number {number} of the policy at {look}{whose[m]}"
                yield _farthest(asked, policy[m, :, number], right, ask.near)


def _by_member(answer: Tensor, members: int) -> np.ndarray:
    """f64[P, n, A] of f32[N, A], or of f32[N] with A = 1."""
    array = answer.detach().double().cpu().numpy()
    return array.reshape(members, len(array) // members, -1)


def _farthest(asked: str, got: np.ndarray, right: float, within: float) -> Answer:
    off = np.where(np.isfinite(got), np.abs(got - right), np.inf)
    return Answer(asked, float(got[np.argmax(off)]), right, within)
