"""Symptoms of an agent's training that its table shows: a reward that does not rise, a policy that leaps or freezes.

The figures are those that any PPO logs (Huang et al. 2022, "The 37 implementation details of PPO", detail 12): KL,
clipped share, explained variance, entropy.
"""

# U updates

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgeproof.core.errors import OptionError
from edgeproof.core.finding import Finding
from edgeproof.gates import agent_why as why
from edgeproof.gates.agent_history import AgentHistory, AgentKnown, agent_history_of, preference
from edgeproof.gates.cause import STRONG, symptom
from edgeproof.gates.plot import line

__all__ = [
    "AGENT_SYMPTOMS", "blown", "collapsed", "critic", "diagnose_agent", "diagnose_agent_seeds", "flat_reward",
    "not_finite", "undertrained",
]  # fmt: skip

CLIPPED = 0.5  # of all samples, in the middle of the updates
FEWEST = 6  # updates from which on a curve is read
PART = 0.2  # of the planned updates, before which a flat reward is nothing yet
RISEN = 4.0  # standard errors
USELESS = -0.05  # explained variance: worse than the mean by more than noise makes it
BLIND = 0.01  # explained variance: no better than the mean, which noise alone may be the reason of
KNOWS = 0.1  # of the rewards' variance: the error of a critic that has nothing left to explain
HOPELESS = ("doctor.kl", "doctor.entropy", "doctor.flat_reward")
APART = 0.5  # standard deviation between seeds, as a share of what they gain on average


def diagnose_agent(rows: Sequence[Mapping[str, Any]], *, known: AgentKnown | None = None) -> list[Finding]:
    """Name what is wrong with an agent's training by its table of updates; empty where nothing is.

    Args:
        rows: one an update: `reward` and what there is of `kl`, `clip_share`, `entropy`, `explained_variance`, `steps`,
            each under any usual name (`gates.agent_history.AGENT_FIGURES`).
        known: more about the training.

    Returns:
        A finding a symptom; `evidence["causes"]` ranks its causes.

    Raises:
        OptionError: rows without a reward.
    """
    facts, history = known or AgentKnown(), agent_history_of(rows)
    broken = not_finite(history, facts)
    if broken is not None:  # everything else follows from it
        return [broken]
    found = [finding for look in AGENT_SYMPTOMS.values() if (finding := look(history, facts)) is not None]
    hopeless = any(finding.check in HOPELESS and _seen(finding) for finding in found)
    return [finding for finding in found if not (hopeless and finding.check == "doctor.undertrained")]


def _seen(finding: Finding) -> bool:
    """Whether more steps would not help: its first cause was measured."""
    first = finding.evidence["causes"][0]
    return first["weight"] >= STRONG


def not_finite(history: AgentHistory, known: AgentKnown) -> Finding | None:
    """The environment, the critic or the loss gave what is no number."""
    if not known.failed:
        return None
    update = int(known.failed.get("update") or len(history) + 1)
    claim = f"the {known.failed.get('what', 'loss')} became infinite or NaN in update {update}"
    return symptom("doctor.not_finite", claim, why.not_finite(history, known), measured=update, threshold="finite")


def blown(history: AgentHistory, known: AgentKnown) -> Finding | None:
    """An update that moves the policy so far that what it learned from no longer holds."""
    kl, clipped = (values[~np.isnan(values)] for values in (history.kl, history.clipped))
    most, usual = float(kl.max(initial=0.0)), float(np.median(clipped)) if len(clipped) else 0.0
    if most <= why.BLOWN and usual <= CLIPPED:
        return None
    place = int(np.nanargmax(history.kl)) + 1 if len(kl) else 1
    claim = f"KL blow-up: update {place} moved the policy by {most:.2g}"
    claim += f"; {usual:.0%} of all samples are cut off" if usual > CLIPPED else "; 0.02 is usual"
    drawn = _curve(history.kl, "KL of an update", why.BLOWN)
    return _with(drawn, symptom("doctor.kl", claim, why.blown(history, known), measured=most, threshold=why.BLOWN))


def collapsed(history: AgentHistory, known: AgentKnown) -> Finding | None:
    """The policy always does the same, long before its training is at its end."""
    share = preference(history, known)
    gone = np.flatnonzero(share < why.COLLAPSED)
    planned = known.updates or len(history)
    if not len(gone) or gone[0] + 1 > planned / 2 or _chosen(history, known):
        return None
    claim = (
        f"collapsed entropy: from update {gone[0] + 1} of {planned} on the policy has "
        f"{float(share[gone[0]]):.1%} of the openness that it began with"
    )
    causes, low = why.collapsed(history, known), float(share[gone].min())
    drawn = _curve(share, "openness of the policy", why.COLLAPSED)
    return _with(drawn, symptom("doctor.entropy", claim, causes, measured=low, threshold=why.COLLAPSED))


def flat_reward(history: AgentHistory, known: AgentKnown) -> Finding | None:
    """The reward does not rise by more than it moves from update to update."""
    reward = history.reward[~np.isnan(history.reward)]
    early = not known.ended and known.updates is not None and len(history) < PART * known.updates
    if len(reward) < FEWEST or early:
        return None
    rise = max(_rise(reward), _rise(history.episode[~np.isnan(history.episode)]))
    if rise > RISEN:
        return None
    third = max(1, len(reward) // 3)
    first, last = float(reward[:third].mean()), float(reward[-third:].mean())
    claim = (
        f"flat reward: {first:.4g} in the first third of {len(history)} updates, {last:.4g} in the last, {rise:.1f} "
        f"standard errors apart"
    )
    drawn = _curve(history.reward, "reward", None)
    return _with(drawn, symptom("doctor.flat_reward", claim, why.flat(history, known), measured=rise, threshold=RISEN))


def critic(history: AgentHistory, known: AgentKnown) -> Finding | None:
    """The critic is worse than the mean of what it forecasts."""
    there = history.explained[~np.isnan(history.explained)]
    if len(there) < FEWEST:
        return None
    end = float(np.median(there[-max(2, len(there) // 3) :]))
    error, size = history.value_loss[~np.isnan(history.value_loss)], history.size[~np.isnan(history.size)]
    knows = len(error) > 0 and len(size) > 0 and float(error[-1]) < KNOWS * float(size.max()) ** 2
    odd = len(size) > 0 and not why.SMALL <= float(np.median(size)) <= why.LARGE
    if knows or end >= (BLIND if odd else USELESS):
        return None
    said = "is below 0" if end < USELESS else "stays at 0"
    worth = "worse than" if end < USELESS else "no better than"
    claim = f"explained variance {said}: {end:.2f} in the last third of the updates, {worth} no critic at all"
    drawn = _curve(history.explained, "explained variance", 0.0)
    return _with(drawn, symptom("doctor.critic", claim, why.critic(history, known), measured=end, threshold=USELESS))


def undertrained(history: AgentHistory, known: AgentKnown) -> Finding | None:
    """It ended while it still rose, or, which is a remark only, before the least that such trainings take."""
    steps = history.steps[~np.isnan(history.steps)]
    if not known.ended or not len(steps):
        return None
    done = float(steps[-1])
    curve = history.score[~np.isnan(history.score)]
    recent = max(2, len(curve) // 4)
    rising = len(curve) > recent + 1 and bool((np.diff(curve[-recent - 1 :]) > 0).all())
    if done >= (why.LONG_STEPS if rising else why.LEAST_STEPS):
        return None
    end = "and validation still rose at the end" if rising else f"{why.LEAST_STEPS:,} are the least"
    claim = f"undertrained: {int(done):,} steps, {end}"
    causes = why.undertrained(done, known)
    found = symptom("doctor.undertrained", claim, causes, measured=done, threshold=why.LEAST_STEPS)
    return found if rising else replace(found, level="info")


def diagnose_agent_seeds(
    tables: Sequence[Sequence[Mapping[str, Any]]], *, known: AgentKnown | None = None
) -> list[Finding]:
    """Name a spread between seeds that is more than half of what the trainings gain on average.

    Args:
        tables: of each training its rows, as for `diagnose_agent`.
        known: what all of them share.

    Raises:
        OptionError: fewer than two trainings.
    """
    histories = [agent_history_of(rows) for rows in tables]
    curves = [_judged(one) for one in histories]
    if len(curves) < 2:
        raise OptionError("seeds are compared between two trainings or more")
    if any(len(curve) < 2 for curve in curves):
        return []
    tail = [float(curve[-max(1, len(curve) // 4) :].mean()) for curve in curves]
    gain = float(np.mean([end - float(curve[0]) for end, curve in zip(tail, curves, strict=True)]))
    spread = float(np.std(tail, ddof=1))
    noise = float(np.median([_noise(curve) for curve in curves]))
    if spread <= max(APART * abs(gain), 2 * noise):
        return []
    facts = known or AgentKnown()
    claim = (
        f"{len(tail)} seeds end far apart: {min(tail):.4g} to {max(tail):.4g}, standard deviation {spread:.3g}; on "
        f"average they gained {gain:.3g}"
    )
    wobble = noise / max(abs(gain), spread)
    causes = why.apart(wobble, facts, histories[int(np.argmin(tail))])
    return [symptom("doctor.seeds", claim, causes, measured=spread, threshold=APART * abs(gain))]


def _judged(history: AgentHistory) -> np.ndarray:
    """The score on validation where there is one, else the return of an episode, else the reward of a step."""
    curves = (values[~np.isnan(values)] for values in (history.score, history.episode, history.reward))
    return next((curve for curve in curves if len(curve) > 1), np.empty(0))


def _rise(reward: np.ndarray) -> float:
    """Standard errors by which the last third lies above the first third, or above the first twentieth."""
    noise, count = _noise(reward), len(reward)
    if count < FEWEST:
        return -np.inf
    third = max(1, count // 3)
    end = float(reward[-third:].mean())
    rises = []
    for first in {third, max(1, count // 20)}:
        error = noise * np.sqrt(1 / first + 1 / third)
        gain = end - float(reward[:first].mean())
        rises.append(gain / error if error > 0 else RISEN * 2 * float(gain > 0))
    return max(rises)


def _noise(values: np.ndarray) -> float:
    """Deviation of a value around its curve, from second differences: a trend adds nothing (von Neumann 1941)."""
    if len(values) < 3:
        return 0.0
    return float(np.sqrt(np.mean(np.diff(values, 2) ** 2) / 6.0))


def _chosen(history: AgentHistory, known: AgentKnown) -> bool:
    """Whether the policy came to rest where it earns more, by steps of a usual size, free to go on exploring."""
    rewards = (values[~np.isnan(values)] for values in (history.reward, history.episode))
    calm = float(np.nan_to_num(history.kl).max(initial=0.0)) <= why.BLOWN
    free = known.entropy is None or known.entropy >= why.BONUS
    return calm and free and max(_rise(values) for values in rewards) > RISEN


def _curve(values: np.ndarray, title: str, threshold: float | None) -> dict[str, Any]:
    return line(values, title=title, x_label="update", y_label=title, threshold=threshold)


def _with(plot: dict[str, Any], finding: Finding) -> Finding:
    finding.evidence["plot"] = plot
    return finding


AGENT_SYMPTOMS = {
    "doctor.kl": blown,
    "doctor.entropy": collapsed,
    "doctor.flat_reward": flat_reward,
    "doctor.critic": critic,
    "doctor.undertrained": undertrained,
}
