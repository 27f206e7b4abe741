"""Why an agent's training shows a symptom: the causes of each, and what of its figures speaks for them.

The order of looking is Andy Jones' (2021, "Debugging RL, without the agonizing pain"): rewards and what is observed
before losses, losses before the step's size, that before how much is sampled.
"""

from collections.abc import Iterator
from math import log10

import numpy as np

from edgeproof.gates.agent_history import AgentHistory, AgentKnown, preference
from edgeproof.gates.cause import LIKELY, POSSIBLE, SHOWN, STRONG, Cause

__all__ = [
    "BLOWN",
    "BONUS",
    "CALM_RATE",
    "COLLAPSED",
    "LARGE",
    "LEAST_STEPS",
    "NOWHERE",
    "SMALL",
    "STABLE_STEPS",
    "apart",
    "blown",
    "collapsed",
    "critic",
    "flat",
    "not_finite",
    "undertrained",
]

SMALL, LARGE = 0.01, 10.0  # deviation of the rewards
NOWHERE = 1e-6  # largest KL of a policy that does not move
BLOWN = 0.1  # KL of one update
BONUS = 1e-3  # coefficient of the entropy below which nothing is explored for its own sake
COLLAPSED = 0.1  # of the entropy of an even choice
EVEN = 0.97  # of it, to the end: the bonus holds the policy where it began
CALM_RATE = 1e-3  # at which steps are seldom too large
MANY_STEPS = 500  # of the gradient, on one rollout
FEW = 64  # samples of a minibatch
WORSE = -0.5  # explained variance of a critic that is far off
LEAST_STEPS, STABLE_STEPS, LONG_STEPS = 1_000_000, 2_000_000, 10_000_000


def not_finite(history: AgentHistory, known: AgentKnown) -> Iterator[Cause]:
    """What the environment gave, the rewards' size, or a step too large."""
    what = str(known.failed.get("what", ""))
    fix = (
        "mend what computes it: divisions by zero, logarithms of 0, bars that are not there; then `edgeproof rl probe`"
    )
    given = what in ("observation", "reward")
    because = f"the environment gave a {what} that is not finite" if given else ""
    name = "observations or rewards that are NaN or infinite"
    yield Cause("data pipeline", name, SHOWN if given else POSSIBLE, because, fix)
    if given:
        return
    yield from _size(history, known)
    yield _lower_rate(known, LIKELY + (_most(history.kl) > BLOWN) + _loud(known), _rate(history, known))


def blown(history: AgentHistory, known: AgentKnown) -> Iterator[Cause]:
    """A path of its own for old probabilities, the rate, passes over one rollout, minibatches."""
    error = _first(history.ratio)
    if error is not None and error > 1e-2:
        because = f"|ratio - 1| is {error:.2g} in the first minibatch, before the policy has moved"
        fix = "take old log-probabilities from the path of the new ones: same weights, precision and normalisation"
        yield Cause("loss", "old log-probabilities of another path", SHOWN, because, fix)
    high = known.lr is not None and known.lr > CALM_RATE
    yield _lower_rate(known, STRONG if high else LIKELY, _rate(history, known))
    steps = _gradient_steps(known)
    many = steps is not None and steps > MANY_STEPS
    because = f"{steps:,} gradient steps on one rollout" if many else ""
    change = () if known.epochs is None else (f"agent.epochs={min(known.epochs, 4)}", "agent.target_kl=0.02")
    fix = "take fewer epochs, or let target_kl end an update"
    yield Cause("one batch", "too many passes over one rollout", STRONG if many else POSSIBLE, because, fix, change)
    yield _minibatch(known)


def collapsed(history: AgentHistory, known: AgentKnown) -> Iterator[Cause]:
    """Steps too large, no bonus, or one action that is best everywhere."""
    loud = _most(history.kl) > BLOWN
    because = f"an update moved the policy by a KL of {_most(history.kl):.2g}" if loud else ""
    yield _lower_rate(known, STRONG + _loud(known) if loud else POSSIBLE, because)
    low = known.entropy is not None and known.entropy < BONUS
    because = f"its coefficient is {known.entropy:g}" if low else ""
    change = () if known.entropy is None else (f"agent.entropy={max(0.01, 3 * known.entropy):.2g}",)
    fix = "raise the entropy bonus, so that the policy goes on exploring"
    yield Cause("loss", "no entropy bonus to speak of", STRONG if low else POSSIBLE, because, fix, change)
    still = _last(history.turnover)
    idle = still is not None and still < 1e-3
    because = f"it no longer trades (turnover {still:.2g} a bar on validation)" if idle else ""
    fix = "compare costs with the moves of a bar (rl.costs in gates.json), and look at what is observed"
    yield Cause("data pipeline", "one action that is best everywhere", LIKELY if idle else POSSIBLE, because, fix)


def flat(history: AgentHistory, known: AgentKnown) -> Iterator[Cause]:
    """Rewards, a policy that does not move, a bonus that holds it, exploration that ended, or nothing to be found."""
    yield from _size(history, known)
    yield from _held(history, known)
    most = _most(history.kl)
    if most < NOWHERE:
        because = f"no update moved the policy by a KL of more than {most:.2g}"
        low = known.lr is None or known.lr < 1e-5
        change = () if known.lr is None else ("agent.lr=0.0003",)
        fix = "raise the learning rate; if it is usual already, look at the actor's gradient (`edgeproof rl probe`)"
        yield Cause("gradient flow", "learning rate too low", SHOWN if low else STRONG, because, fix, change)
    if most > BLOWN:
        yield _lower_rate(known, STRONG + _loud(known), _rate(history, known))
    end = _end_share(history, known)
    if end is not None and end < COLLAPSED:
        because = f"the entropy is down to {end:.0%} of an even choice, and nothing was gained"
        change = () if known.entropy is None else (f"agent.entropy={max(0.01, 3 * known.entropy):.2g}",)
        fix = "raise the entropy bonus, start episodes nearer to what is rewarded"
        yield Cause("one batch", "exploration that ended too early", STRONG, because, fix, change)
    if known.value_coefficient == 0.0:
        yield _no_value()
    few = _last(history.steps)
    if few is not None and few < LEAST_STEPS:
        yield _longer(few, LIKELY)
    weight = LIKELY if most >= NOWHERE and (end is None or end < EVEN) else POSSIBLE
    because = "the policy moved, and the reward did not follow" if weight else ""
    fix = "test the learner by `edgeproof rl probe`; if it passes, what is observed does not tell what pays after costs"
    yield Cause("architecture", "nothing that can be earned from these observations", weight, because, fix)


def critic(history: AgentHistory, known: AgentKnown) -> Iterator[Cause]:
    """A loss that counts for nothing, rewards of the wrong size, the rate, a horizon beyond the rollout, or noise."""
    if known.value_coefficient is not None and known.value_coefficient < 0.01:
        yield _no_value()
    yield from _size(history, known)
    most, end = _most(history.kl), _last(history.explained) or 0.0
    if most < NOWHERE:
        because = f"no update moved the policy by a KL of more than {most:.2g}"
        change = () if known.lr is None else ("agent.lr=0.0003",)
        yield Cause("gradient flow", "learning rate too low", STRONG, because, "raise the learning rate", change)
    if most > BLOWN:
        yield _lower_rate(known, STRONG + _loud(known), _rate(history, known))
    far = known.gamma is not None and known.gamma > 0.995
    because = f"gamma {known.gamma:g} looks {1 / max(1 - known.gamma, 1e-9):,.0f} steps ahead" if far else ""  # pyright: ignore
    change = ("agent.gamma=0.98",) if far else ()
    fix = "lower gamma to what the task needs, or take longer rollouts"
    yield Cause("one batch", "returns that reach beyond a rollout", LIKELY if far else POSSIBLE, because, fix, change)
    weight = LIKELY if end > WORSE else POSSIBLE
    because = "it is near 0, where a critic is that knows only the mean" if weight else ""
    fix = "nothing may be wrong: returns that are mostly noise look so; compare the policy on validation"
    yield Cause("architecture", "returns that these observations do not tell", weight, because, fix)


def undertrained(steps: float, known: AgentKnown) -> Iterator[Cause]:
    """Too few steps."""
    yield _longer(steps, SHOWN if steps < LEAST_STEPS else STRONG)
    del known


def apart(wobble: float, known: AgentKnown, history: AgentHistory) -> Iterator[Cause]:
    """Trainings cut short, rollouts that are too small, steps that are too large."""
    steps = _last(history.steps)
    if steps is not None and steps < STABLE_STEPS:
        yield _longer(steps, LIKELY)
    few = known.samples is not None and known.samples < 10_000
    because = f"{known.samples:,} samples an update" if few else ""
    change = () if known.samples is None else (f"agent.steps={max(1, 16_384 // max(1, known.samples)) * 32}",)
    fix = "take more samples an update: more accounts, longer rollouts"
    yield Cause("one batch", "rollouts too small", STRONG if few else POSSIBLE, because, fix, change if few else ())
    high = known.lr is not None and known.lr > CALM_RATE and (_most(history.kl) > BLOWN or wobble > 0.5)
    because = _rate(history, known) if high else ""
    yield _lower_rate(known, STRONG if high else POSSIBLE, because)
    fix = "train several seeds as members (combine=multi_start) and keep the best on validation"
    yield Cause("architecture", "luck of the first weights", POSSIBLE, "", fix)


def _size(history: AgentHistory, known: AgentKnown) -> Iterator[Cause]:
    """Rewards whose size a critic, which begins with values near 1, cannot follow; nothing where it is usual."""
    last = known.failed.get("facts", {}).get("reward_deviation")
    sizes = history.size[~np.isnan(history.size)] if last is None else np.array([last])
    if not len(sizes):
        yield Cause("data pipeline", "rewards of another size than 1", POSSIBLE, "", "scale rewards by hand to about 1")
        return
    size = float(np.median(sizes))
    if size == 0.0:
        fix = "reward steps on the way, or start episodes nearer to what is rewarded, or explore longer"
        yield Cause("data pipeline", "rewards that are all alike", SHOWN, "they never differ", fix)
    elif size < SMALL or size > LARGE:
        name = "rewards too small" if size < SMALL else "rewards too large"
        worst = min(1.0, *(float(value) for value in history.explained[~np.isnan(history.explained)]), 1.0)
        seen = worst < -1.0 if size < SMALL else size > 10 * LARGE
        because = f"they deviate by {size:.2g}; a critic begins with values near 1"
        change = () if known.scale is None else (f"environment.reward.scale={_round(known.scale / size):g}",)
        fix = "scale rewards by hand until they deviate by about 1"
        yield Cause("data pipeline", name, SHOWN if seen else STRONG, because, fix, change)


def _held(history: AgentHistory, known: AgentKnown) -> Iterator[Cause]:
    """An entropy bonus that outweighs what can be earned."""
    end = _end_share(history, known)
    if known.entropy is None or end is None or known.entropy < 0.03 or end < EVEN or _most(history.kl) < NOWHERE:
        return
    because = f"the entropy is still {end:.1%} of an even choice, with a bonus of {known.entropy:g}"
    change = (f"agent.entropy={min(0.01, known.entropy / 30):.2g}",)
    yield Cause("loss", "entropy bonus too strong", STRONG + (end > 0.98), because, "lower the entropy bonus", change)


def _lower_rate(known: AgentKnown, weight: int, because: str) -> Cause:
    change = () if known.lr is None else (f"agent.lr={min(known.lr / 10, 3e-4):.2g}",)
    if known.target_kl is None:
        change = (*change, *(("agent.target_kl=0.02",) if change else ()))
    fix = "lower the learning rate, and let target_kl end an update that goes too far"
    return Cause("gradient flow", "learning rate too high", min(SHOWN, weight), because, fix, change)


def _rate(history: AgentHistory, known: AgentKnown) -> str:
    facts = [] if known.lr is None else [f"the rate is {known.lr:g}"]
    facts += [f"an update moved the policy by a KL of {_most(history.kl):.2g}"] if _most(history.kl) > BLOWN else []
    return ", ".join(facts)


def _loud(known: AgentKnown) -> bool:
    return known.lr is not None and known.lr > 10 * CALM_RATE


def _no_value() -> Cause:
    fix = "let the critic learn: value_coefficient=0.5"
    name = "a value loss that counts for nothing"
    return Cause("loss", name, SHOWN, "its coefficient is 0", fix, ("agent.value_coefficient=0.5",))


def _minibatch(known: AgentKnown) -> Cause:
    few = known.minibatch is not None and known.minibatch < FEW
    because = f"{known.minibatch} samples a gradient step" if few else ""
    change = () if known.minibatch is None else (f"agent.minibatch={max(4 * known.minibatch, 256)}",)
    weight, fix = STRONG if few else POSSIBLE, "take larger minibatches"
    return Cause("one batch", "minibatches too small", weight, because, fix, change)


def _longer(steps: float, weight: int) -> Cause:
    wanted = STABLE_STEPS if steps < LEAST_STEPS else LONG_STEPS if steps < LONG_STEPS else int(4 * steps)
    because = f"{int(steps):,} steps; 1 million are the least, 2 to 5 million are stable, 10 million and more are good"
    fix = "train longer"
    return Cause("one batch", "too few steps", weight, because, fix, (f"agent.total_steps={wanted}",))


def _gradient_steps(known: AgentKnown) -> int | None:
    if known.epochs is None or known.minibatch is None or known.samples is None:
        return None
    return known.epochs * -(-known.samples // known.minibatch)


def _end_share(history: AgentHistory, known: AgentKnown) -> float | None:
    return _last(preference(history, known))


def _round(value: float) -> float:
    """To a power of ten."""
    return 10.0 ** round(log10(value))


def _most(values: np.ndarray) -> float:
    """The largest; 1 millionth and more where nothing is known, so that nothing is accused."""
    there = values[~np.isnan(values)]
    return float(there.max()) if len(there) else 2 * NOWHERE


def _first(values: np.ndarray) -> float | None:
    there = values[~np.isnan(values)]
    return float(there[0]) if len(there) else None


def _last(values: np.ndarray) -> float | None:
    there = values[~np.isnan(values)]
    return float(there[-1]) if len(there) else None
