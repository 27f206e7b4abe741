"""Gates of reinforcement learning: what makes an agent fail without a sign, looked for before it trains for hours.

The order of looking, and the sizes of batches, are those of Andy Jones (2021, "Debugging RL, without the agonizing
pain"): probes, rewards set by hand, large batches, small networks, then the diagnostics of one update.
"""

# B samples

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from edgeproof.core.errors import OptionError
from edgeproof.core.finding import Finding, Level, failed, passed
from edgeproof.core.rng import Rng
from edgeproof.rl.apart import members_apart
from edgeproof.rl.examine import PROBING, ppo_on
from edgeproof.rl.interface import Discrete, Environment
from edgeproof.rl.learning.learner import kind_of
from edgeproof.rl.look import First, Look, look_at
from edgeproof.rl.probes import check_probes
from edgeproof.rl.settings import PpoConfig

__all__ = [
    "RL_GATES",
    "advantages",
    "batch",
    "check_agent",
    "check_learner",
    "endings",
    "entropy_at_start",
    "first_ratio",
    "gate",
    "hand_set",
    "observations",
    "rewards",
    "small_first",
    "step_size",
    "value",
]

REWARD = 10.0
SMALL = 0.01  # deviation of rewards
OFTEN = 0.01  # share of rewards; fewer are rare events, such as a bonus at the end
UNSCALED = 100.0  # of an observation
BATCH = ((16, 1_000), (256, 10_000), (math.inf, 100_000))  # numbers of an observation, samples of an update
WEIGHTS = 1_000_000
UNEVEN = 0.05  # of the entropy of an even choice
RATIO = {"torch.bfloat16": 1e-2}
SPIKE = 20.0  # standard deviations of one advantage
KL, CLIPPED = 0.05, 0.4
STILL, FAR = 1e-3, 1.0  # of the size of the weights, by one update
FAINT, LOUD = 100.0, 5.0  # grad_norm: of Adam's epsilon, under which steps are short; and where it holds nothing
TITLES = {
    "rl.observations": "Largest size of each number of the account",
    "rl.endings": "How steps of random actions ended",
    "rl.rewards": "Rewards of random actions",
    "rl.hand_set_rewards": "Scale that moves: 1 where it is on",
    "rl.small_networks": "Weights, and the most for a first training",
    "rl.batch": "Samples of an update",
    "rl.entropy_at_start": "Entropy of the untrained policy",
    "rl.first_ratio": "Largest |ratio - 1| before any step",
    "rl.advantages": "Advantages of the first update",
    "rl.value": "Critic's error on its own samples",
    "rl.step": "First update, as shares of what is too much",
}
LEARNED = 1.0 - 1e-6


def check_agent(
    environment: Environment, config: PpoConfig, *, rng: Rng | None = None, samples: int | None = None
) -> list[Finding]:
    """All gates of one training, in the order in which failures should be mended.

    Args:
        environment: reset and stepped; reset it again before training.
        config: of PPO.
        rng: of the look.
        samples: of an update of the training, where `config` takes fewer steps to look at; none: as in `config`.
    """
    look = look_at(environment, config, rng or Rng(0), samples)
    return [found for name in RL_GATES if (found := gate(name, look)) is not None]


def check_learner(config: PpoConfig = PROBING, *, rng: Rng | None = None) -> list[Finding]:
    """The learner itself: the probes, and members of a population that know nothing of each other."""
    return [*check_probes(ppo_on(config), rng=rng), members_apart(rng or Rng(0))]


def gate(name: str, look: Look) -> Finding | None:
    """One gate; None where it needs a first update and there is none."""
    looked = RL_GATES[name]
    return looked(look) if look.first is not None or name in BEFORE else None


def observations(look: Look) -> Finding:
    """Observations are numbers, and of a size that networks can read."""
    check, dense = "rl.observations", look.chance.dense
    bad = ~np.isfinite(dense)
    if bad.any() or not look.table_finite:
        where = "the feature table"
        if bad.any():
            step, account, number = np.argwhere(bad)[0].tolist()
            where = f"step {step}, account {account}, {_named(look, number)}"
        fix = "mend what computes the observation: divisions by zero, logarithms of 0, bars that are not there"
        plot, count = _numbers(look, bad.sum(axis=(0, 1)), 0, "bad"), int(bad.sum())
        claim = f"an observation is NaN or infinite: {where}"
        return failed(check, "error", claim, fix, measured=count, threshold=0, where=where, plot=plot)
    sizes = np.abs(dense).max(axis=(0, 1), initial=0.0)
    largest, plot = float(sizes.max(initial=0.0)), _numbers(look, sizes, UNSCALED, "largest")
    if largest > UNSCALED:
        claim = f"{_named(look, int(sizes.argmax()))} of the observation reaches {largest:.3g}"
        fix = "scale it, or set normalise_observations"
        return failed(check, "warning", claim, fix, measured=largest, threshold=UNSCALED, plot=plot)
    return passed(
        check, f"observations are finite, {largest:.3g} at most", measured=largest, threshold=UNSCALED, plot=plot
    )


def endings(look: Look) -> Finding:
    """A step terminates its episode or truncates it, never both."""
    check, chance = "rl.endings", look.chance
    both = int((chance.terminated & chance.truncated).sum())
    counts = [int(chance.terminated.sum()), int(chance.truncated.sum()), both]
    plot = _bars(check, counts, None, "", "steps", names=["terminated", "truncated", "both"])
    if both:
        fix = "set truncated only where the task itself went on: what is terminated has no future to bootstrap"
        claim = f"{both} steps are both terminated and truncated"
        return failed(check, "error", claim, fix, measured=both, threshold=0, plot=plot)
    claim = f"{counts[0]} steps terminated, {counts[1]} truncated, none both"
    if not any(counts):
        steps, accounts = chance.terminated.shape
        claim = f"no episode ended in the {steps} steps of {accounts} accounts that were looked at: nothing to see"
    return passed(check, claim, measured=both, threshold=0, plot=plot)


def rewards(look: Look) -> Finding:
    """Rewards are within -10 and 10, differ, and are not so small that a critic does not see them."""
    check, reward = "rl.rewards", look.chance.reward
    if not np.isfinite(reward).all():
        bad = int((~np.isfinite(reward)).sum())
        fix = "mend what computes the reward: divisions by zero, logarithms of 0"
        return failed(check, "error", f"{bad} rewards are NaN or infinite", fix, measured=bad, threshold=0, plot=None)
    largest, spread = float(np.abs(reward).max(initial=0.0)), float(reward.std()) if len(reward) else 0.0
    plot = _histogram(check, reward, REWARD, "reward of a step")
    beyond, held = (float((np.abs(reward) >= limit).mean()) for limit in (np.nextafter(REWARD, 11.0), REWARD))
    if beyond:
        level: Level = "error" if beyond > OFTEN else "warning"
        fix = f"divide rewards by hand, by about {largest / REWARD:.2g} or more, before any normalisation"
        claim = f"rewards reach {largest:.4g}; learning rates and clips are made for -10 to 10"
        return failed(check, level, claim, fix, measured=largest, threshold=REWARD, plot=plot)
    if held > OFTEN:
        claim = f"{held:.0%} of all rewards lie at the ends of -10 to 10, where they are cut off"
        fix = "lower the reward's scale, until its usual size is near 1"
        return failed(check, "error", claim, fix, measured=held, threshold=OFTEN, plot=plot)
    if spread == 0.0 and not look.chance.terminated.any():
        claim = (
            f"all {len(reward):,} rewards of random actions are {reward[0] if len(reward) else 0:.3g}: nothing to learn"
        )
        fix = "reward steps on the way, or start episodes nearer to what is rewarded, or explore longer"
        return failed(check, "warning", claim, fix, measured=largest, threshold=REWARD, plot=plot)
    if 0.0 < spread < SMALL:
        claim = f"rewards deviate by {spread:.2g}: a critic, whose values begin near 1, drowns them for long"
        fix = f"multiply rewards by hand, by about {10 ** round(-math.log10(spread)):,.0f} (environment.reward.scale)"
        return failed(check, "warning", claim, fix, measured=spread, threshold=SMALL, plot=plot)
    return passed(check, f"rewards are within {largest:.3g}", measured=largest, threshold=REWARD, plot=plot)


def hand_set(look: Look) -> Finding:
    """Rewards are scaled by hand first: a running normalisation moves while the critic learns."""
    check, on = "rl.hand_set_rewards", look.config.normalise_rewards
    plot = _bars(check, [float(on)], 0.5, "", "normalise_rewards", names=["normalise_rewards"])
    if on:
        fix = "set normalise_rewards=false and scale rewards by hand; turn it on when that is not enough"
        claim = "rewards are normalised while training, by a scale that moves"
        return failed(check, "warning", claim, fix, measured=on, threshold=False, plot=plot)
    return passed(check, "rewards keep the scale that was set", measured=on, threshold=False, plot=plot)


def small_first(look: Look) -> Finding:
    """The networks are small enough for a first training: at most a million weights, fewer than there are steps."""
    check, limit = "rl.small_networks", min(WEIGHTS, look.config.total_steps)
    plot = _bars(check, [look.weights, limit], limit, "", "weights", names=["weights", "limit"])
    if look.weights > limit:
        claim = f"{look.weights:,} weights for {look.config.total_steps:,} steps"
        fix = "begin small, with agent.net.actor=[64,64] agent.net.critic=[64,64]; grow when something is learned"
        return failed(check, "warning", claim, fix, measured=look.weights, threshold=limit, plot=plot)
    return passed(check, f"{look.weights:,} weights", measured=look.weights, threshold=limit, plot=plot)


def batch(look: Look) -> Finding:
    """An update sees enough samples: as many as are usual for such a task, or as its gradient's noise asks for."""
    check, seen, noise = "rl.batch", look.samples, _first(look).noise
    usual = next(samples for inputs, samples in BATCH if look.inputs <= inputs)
    needed = min(usual, noise) if math.isfinite(noise) else usual
    plot = _bars(check, [seen, usual, noise], needed, "", "samples", names=["of an update", "usual", "noise scale"])
    told = {"measured": seen, "threshold": needed, "noise_scale": noise if math.isfinite(noise) else None, "plot": plot}
    told_noise = (
        f"the gradient's noise scale is {noise:,.0f}" if math.isfinite(noise) else "no gradient stands out of noise"
    )
    if seen < needed:
        claim = f"an update sees {seen:,} samples; {usual:,} are usual for {look.inputs} numbers, and {told_noise}"
        fix = f"raise accounts or steps until accounts * steps is {math.ceil(needed):,} or more"
        return failed(check, "warning", claim, fix, **told)
    return passed(check, f"an update sees {seen:,} samples; {told_noise}", **told)


def entropy_at_start(look: Look) -> Finding:
    """An untrained policy has no preference: log of the number of actions, or of continuous ones the set deviation."""
    check, got = "rl.entropy_at_start", _first(look).entropy
    space = look.actions
    if isinstance(space, Discrete):
        right, said = math.log(space.count), f"log({space.count})"
        within = max(UNEVEN * right, 1e-6)
    else:
        right = space.size * (look.config.net.log_std + 0.5 * math.log(2 * math.pi * math.e))
        said, within = f"that of deviation exp({look.config.net.log_std:g})", UNEVEN * space.size
    plot = _bars(check, [got, right], right, "", "nats", names=["entropy", "even choice"])
    told = {"measured": got, "threshold": right, "within": within, "plot": plot}
    if not abs(got - right) <= within:
        claim = f"the untrained policy's entropy is {got:.4f}, {right:.4f} is {said}: it prefers something already"
        return failed(check, "error", claim, "start the actor's last layer near 0 (orthogonal, gain 0.01)", **told)
    return passed(check, f"the untrained policy's entropy is {got:.4f}, {said}", **told)


def first_ratio(look: Look) -> Finding:
    """Before any step old and new log-probabilities are the same numbers."""
    check, got = "rl.first_ratio", float(_first(look).row["ratio_error"])
    limit = RATIO.get(str(kind_of(look.config.precision)), 1e-5)
    plot = _bars(check, [got], limit, "", "|ratio - 1|", names=["first minibatch"])
    if not got < limit:
        claim = f"|ratio - 1| is {got:.3g} in the first minibatch, before the policy has moved"
        fix = (
            "take old log-probabilities from the path of the new ones: same weights, same precision, same "
            "normalisation, and of the actions as they are stored"
        )
        return failed(check, "error", claim, fix, measured=got, threshold=limit, plot=plot)
    return passed(check, f"|ratio - 1| is {got:.2g} in the first minibatch", measured=got, threshold=limit, plot=plot)


def advantages(look: Look) -> Finding:
    """Advantages are numbers, differ between samples, and no single one decides an update."""
    check, advantage = "rl.advantages", _first(look).advantage
    spread = float(advantage.std()) if np.isfinite(advantage).all() else math.nan
    if not math.isfinite(spread):
        fix = "look at rewards and values: one of them is not finite"
        return failed(
            check, "error", "advantages are NaN or infinite", fix, measured=None, threshold="finite", plot=None
        )
    size = float(np.abs(advantage).max(initial=0.0))
    far = float(np.abs(advantage - advantage.mean()).max() / spread) if spread > 1e-6 * max(size, 1e-12) else 0.0
    plot = _histogram(check, advantage, None, "advantage")
    if far == 0.0:
        claim = f"all advantages are {advantage.mean():.3g}: no action is better than another"
        fix = "check that rewards depend on actions, and that observations and rewards belong to the same step"
        return failed(check, "warning", claim, fix, measured=spread, threshold=0.0, plot=plot)
    if far > SPIKE:
        claim = f"one advantage is {far:.0f} standard deviations from the mean: it decides the update alone"
        fix = "clip or rescale rewards, or take more samples an update"
        return failed(check, "warning", claim, fix, measured=far, threshold=SPIKE, plot=plot)
    return passed(check, f"advantages reach {far:.1f} standard deviations", measured=far, threshold=SPIKE, plot=plot)


def value(look: Look) -> Finding:
    """The critic learns from its own rollout."""
    first, check = _first(look), "rl.value"
    before, after = first.value_loss
    plot = _bars(check, [before, after], LEARNED * before, "", "squared error", names=["before", "after"])
    told = {"measured": 1.0 - after / before if before > 0 else 0.0, "threshold": 1.0 - LEARNED, "plot": plot}
    told |= {"moved": first.moved}
    claim = f"the critic's error {_went(before, after)}"
    if not after <= LEARNED * before + 1e-12:
        because, fix = _why_not(look.config, first)
        return failed(check, "error", f"{claim} on the samples that it learned from{because}", fix, **told)
    return passed(check, claim, **told)


def _why_not(config: PpoConfig, first: First) -> tuple[str, str]:
    """Why a critic has not learned, and the setting that does it; loss and critic themselves come last."""
    moved = f"{first.moved:,.0f} times" if first.moved >= 2 else f"{first.moved:.2g} of"
    moved = f": the update moved the weights by {moved} their size, which is "
    rate, norm = f"agent.lr, which is {config.lr:g} (3e-4 is usual)", f"agent.grad_norm, {config.grad_norm:g} (0.5 is)"
    if config.value_coefficient == 0.0:
        return ", as agent.value_coefficient=0 asks it to learn nothing", "set agent.value_coefficient=0.5"
    if first.moved < STILL:
        low = config.grad_norm < FAINT * config.adam_eps
        return moved + "too little", f"raise {rate}" + (f", and {norm}" if low else "")
    if not first.moved < FAR or not float(first.row["kl"]) < KL:
        high = config.grad_norm > LOUD
        return moved + "too far", f"lower {rate}" + (f", and {norm}" if high else "")
    fix = f"try another {rate}; with a loss or critic of your own look for a detach between the two, and at its sign"
    return "", fix


def _went(before: float, after: float) -> str:
    """Where an error went, with as many digits as it takes to tell the two apart."""
    for digits in range(4, 17):
        told = (f"{before:.{digits}g}", f"{after:.{digits}g}")
        if told[0] != told[1]:
            return f"{'fell' if after < before else 'rose'} from {told[0]} to {told[1]}"
    return f"stayed at {before:.4g}"


def step_size(look: Look) -> Finding:
    """The first update moves the policy, and not too far."""
    row = _first(look).row
    check, kl, clipped = "rl.step", float(row["kl"]), float(row["clip_share"])
    plot = _bars(check, [kl / KL, clipped / CLIPPED], 1.0, "", "of what is too much", names=["kl", "clip share"])
    told = {"measured": kl, "threshold": KL, "clip_share": clipped, "plot": plot}
    if kl > KL or clipped > CLIPPED:
        claim = f"the first update moves the policy by a KL of {kl:.3g} and clips {clipped:.0%} of its samples"
        return failed(check, "warning", claim, "lower lr or epochs, raise minibatch, or set target_kl=0.02", **told)
    several = not isinstance(look.actions, Discrete) or look.actions.count > 1
    if kl < 1e-12 and several:
        fix = "look at lr, at the actor's gradient, and whether all advantages are equal"
        return failed(check, "warning", "the first update does not move the policy", fix, **told)
    return passed(check, f"the first update has a KL of {kl:.2g} and clips {clipped:.0%}", **told)


def _first(look: Look) -> First:
    if look.first is None:
        raise OptionError(
            "there is no first update to look at: observations or rewards are not finite; mend them first"
        )
    return look.first


def _named(look: Look, number: int) -> str:
    """What a number of the observation is: its name, or its place where it has none."""
    return look.names[number] if look.names else f"number {number}"


def _numbers(look: Look, y: np.ndarray, threshold: float, y_label: str) -> dict[str, Any]:
    """A bar for each number of the observation."""
    x_label = "" if look.names else "number of the observation"
    return _bars("rl.observations", y, threshold, x_label, y_label, names=list(look.names) or None)


def _bars(
    check: str, y: Any, threshold: float | None, x_label: str, y_label: str, *, names: list[str] | None = None
) -> dict[str, Any]:
    """At most 64 bars: the largest where there are more."""
    heights = np.asarray(y, dtype=np.float64)
    places = np.sort(np.argsort(-heights)[:64]) if len(heights) > 64 else np.arange(len(heights))
    told = [float(f"{height:.5g}") if math.isfinite(height) else None for height in heights[places]]
    body = {"kind": "bars", "title": TITLES[check], "x": places.tolist(), "y": told, "threshold": threshold}
    told_names = [names[place] if names else str(place) for place in places]
    return {**body, "names": told_names, "x_label": x_label, "y_label": y_label}


def _histogram(check: str, values: np.ndarray, threshold: float | None, x_label: str) -> dict[str, Any]:
    counts, edges = np.histogram(values, bins=24)
    middles = [float(f"{middle:.5g}") for middle in (edges[1:] + edges[:-1]) / 2]
    body = {"kind": "histogram", "title": TITLES[check], "x": middles, "y": counts.tolist(), "threshold": threshold}
    return {**body, "x_label": x_label, "y_label": "samples"}


RL_GATES: dict[str, Callable[[Look], Finding]] = {
    "rl.observations": observations,
    "rl.endings": endings,
    "rl.rewards": rewards,
    "rl.hand_set_rewards": hand_set,
    "rl.small_networks": small_first,
    "rl.batch": batch,
    "rl.entropy_at_start": entropy_at_start,
    "rl.first_ratio": first_ratio,
    "rl.advantages": advantages,
    "rl.value": value,
    "rl.step": step_size,
}
BEFORE = ("rl.observations", "rl.endings", "rl.rewards", "rl.hand_set_rewards", "rl.small_networks")
