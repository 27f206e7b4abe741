"""Bugs planted into PPO, one at a time: each names the probe, gate or reference value that must catch it.

Several were shipped elsewhere: skrl#449 (time limits), pytorch/rl#4209 (the next episode's value at a truncation),
rl-triton#4 (bootstrapped twice), cleanrl#16 (the last step's advantage), rsl_rl (V of the state acted on at a limit).
"""

# P members, H steps, N accounts

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from edgeproof.rl import keys
from edgeproof.rl.learning import collect, learner, loss, normalise, objective, update
from edgeproof.rl.learning.buffers import Rollout


@dataclass(frozen=True)
class Bug:
    """One defect.

    Attributes:
        name: what is wrong.
        owner, attribute: where it is planted.
        make: of what is there, what takes its place.
        caught_by: `probe.*`, `rl.*` (a gate), or `reference.*`.
    """

    name: str
    owner: Any
    attribute: str
    make: Callable[[Any], Any]
    caught_by: str


def gae_with(**change: Callable) -> Callable[[Any], Any]:
    """The advantages of changed terms; each change is told all of them."""

    def make(right: Any) -> Any:
        def gae(reward, value, next_value, terminated, truncated, *, gamma, lam):
            terms = {"reward": reward, "value": value, "next_value": next_value, "terminated": terminated}
            terms |= {"truncated": truncated, "gamma": gamma, "lam": lam}
            terms |= {name: how(terms) for name, how in change.items()}
            five = [terms.pop(name) for name in ("reward", "value", "next_value", "terminated", "truncated")]
            return right(*five, **terms)

        return gae

    return make


def leaking(flag: str) -> Callable[[Any], Any]:
    """A trace that runs on across one kind of end, while what is bootstrapped stays right."""

    def make(right: Any) -> Any:
        del right

        def gae(reward, value, next_value, terminated, truncated, *, gamma, lam):
            delta = reward + gamma * next_value * (~terminated) - value
            cut = truncated if flag == "terminated" else terminated
            advantage, following = torch.empty_like(delta), torch.zeros_like(delta[0])
            for t in range(len(delta) - 1, -1, -1):
                following = delta[t] + gamma * lam * (~cut[t]) * following
                advantage[t] = following
            return advantage

        return gae

    return make


def last_step_off(right: Any) -> Any:
    def gae(reward, value, next_value, terminated, truncated, *, gamma, lam):
        advantage = right(reward, value, next_value, terminated, truncated, gamma=gamma, lam=lam)
        advantage[-1] = (gamma * lam * (~(terminated | truncated)))[-1] * advantage[-1]
        return advantage

    return gae


def ends_ignored(right: Any) -> Any:
    """V of the row that comes next, whatever episode it is of."""

    def values(value, last_value, ended, final_value):
        return right(value, last_value, torch.zeros_like(ended), final_value)

    return values


def current_value(right: Any) -> Any:
    """At a time limit V of the state that was acted on (rsl_rl)."""

    def values(value, last_value, ended, final_value):
        return right(value, last_value, ended, torch.where(final_value != 0, value, final_value))

    return values


def twice(right: Any) -> Any:
    """The final value in the reward, and bootstrapped again."""
    return gae_with(reward=lambda t: t["reward"] + t["gamma"] * t["next_value"] * t["truncated"])(right)


def upside_down(right: Any) -> Any:
    return lambda log_ratio, *rest: right(-log_ratio, *rest)


def hopeful(right: Any) -> Any:
    """The larger of clipped and unclipped instead of the smaller."""
    del right

    def policy_loss(log_ratio, advantage, clip, weight=None):
        ratio = log_ratio.exp()
        held = torch.minimum(torch.maximum(ratio, 1.0 - torch.as_tensor(clip)), 1.0 + torch.as_tensor(clip))
        return -objective.mean(torch.maximum(ratio * advantage, held * advantage), weight)

    return policy_loss


def samples_with(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Changed samples."""
    return lambda right: lambda *args, **named: change(right(*args, **named))


def column(place: int, values: Callable[[Any, torch.Tensor], torch.Tensor]) -> Callable[[Any], Any]:
    """Another column of the samples' numbers: 0 log-probability, 1 advantage, 2 target, 4 rows that count."""

    def change(samples: Any) -> Any:
        numbers = samples.numbers.clone()
        numbers[place] = values(samples, numbers[place])
        return replace(samples, numbers=numbers)

    return change


def all_count(samples: Any) -> Any:
    return replace(column(4, lambda _, weight: torch.ones_like(weight))(samples), whole=True)


def next_members(samples: Any, advantage: torch.Tensor) -> torch.Tensor:
    by_account = advantage.unflatten(0, (-1, samples.members * samples.accounts))
    return by_account.roll(samples.accounts, 1).flatten()


def detached(right: Any) -> Any:
    return lambda value, *rest, **named: right(value.detach() + 0 * value, *rest, **named)


def negated(right: Any) -> Any:
    return lambda *args, **named: -right(*args, **named)


def last_negated(right: Any) -> Any:
    """Of two answers the second with its sign turned."""

    def both(*args, **named):
        first, second = right(*args, **named)
        return first, -second

    return both


def pooled(right: Any) -> Any:
    """Every member's advantages by the mean and deviation of all."""

    def normalised(advantage, weight=None, eps=1e-8):
        flat = None if weight is None else weight.reshape(1, -1)
        return right(advantage.reshape(1, -1), flat, eps).reshape(advantage.shape)

    return normalised


def seen_together(right: Any) -> Any:
    """A running mean that all members share."""

    def see(self, rows):
        right(self, rows.reshape(1, -1, rows.shape[-1]).expand(len(rows), -1, -1))

    return see


def clipped_together(right: Any) -> Any:
    """One norm for the gradients of all members."""

    def clip(gradient, limit):
        norm = right(gradient.view(1, -1), limit[:1])
        return norm.expand(len(gradient))

    return clip


def same_noise(right: Any) -> Any:
    """All members draw the first one's numbers."""

    def noise(self, *args):
        drawn = right(self, *args)
        return drawn[:, :1].expand_as(drawn).contiguous()

    return noise


def first_discount(right: Any) -> Any:
    return gae_with(gamma=lambda t: t["gamma"][0].expand_as(t["gamma"]))(right)


def kept_clipped(right: Any) -> Any:
    """What is stored is what was done, the log-probability that of what was drawn."""

    def act(self, t, observation, action, logp):
        right(self, t, observation, action.clamp(-1, 1) if action.is_floating_point() else action, logp)

    return act


def one_late(right: Any) -> Any:
    """The observation that followed the action instead of the one that it answered."""

    def act(self, t, observation, action, logp):
        right(self, t, observation, action, logp)
        if t:
            self.dense[t - 1] = observation.dense

    return act


NO_ENDS = {
    "next_value": lambda t: torch.cat((t["value"][1:], t["next_value"][-1:])),
    "terminated": lambda t: torch.zeros_like(t["terminated"]),
    "truncated": lambda t: torch.zeros_like(t["truncated"]),
}
STALE = samples_with(column(0, lambda _, logp: logp.roll(1)))

BUGS = [
    Bug("done mask left out", learner, "gae", gae_with(**NO_ENDS), "probe.constant_reward"),
    Bug(
        "rewards one step late", learner, "gae", gae_with(reward=lambda t: t["reward"].roll(1, 0)), "probe.seen_choice"
    ),
    Bug(
        "rewards one step early",
        learner,
        "gae",
        gae_with(reward=lambda t: t["reward"].roll(-1, 0)),
        "probe.seen_choice",
    ),
    Bug("the last step's advantage off", learner, "gae", last_step_off, "reference.gae"),
    Bug("reset observation as bootstrap", collect, "next_values", ends_ignored, "probe.final_observation"),
    Bug("V of the current state at a time limit", collect, "next_values", current_value, "probe.final_observation"),
    Bug(
        "truncation as termination",
        learner,
        "gae",
        gae_with(terminated=lambda t: t["terminated"] | t["truncated"]),
        "probe.time_limit",
    ),
    Bug("bootstrapped twice", learner, "gae", twice, "probe.final_observation"),
    Bug("trace across terminated episodes", learner, "gae", leaking("terminated"), "probe.credit_terminated"),
    Bug("trace across truncated episodes", learner, "gae", leaking("truncated"), "probe.credit_truncated"),
    Bug("lambda left out", learner, "gae", gae_with(lam=lambda t: t["lam"] * 0), "probe.hidden_choice"),
    Bug("discount left out", learner, "gae", gae_with(gamma=lambda t: t["gamma"] * 0 + 1), "probe.discounted_reward"),
    Bug("one discount for all members", learner, "gae", first_discount, "probe.member_discount"),
    Bug("sign of the ratio", objective, "policy_loss", upside_down, "probe.choice"),
    Bug("sign of the policy's loss", objective, "policy_loss", negated, "probe.choice"),
    Bug("the clip's wrong side", objective, "policy_loss", hopeful, "reference.policy_loss"),
    Bug("stale log-probabilities", learner, "samples_of", STALE, "rl.first_ratio"),
    Bug("clipped action stored", Rollout, "act", kept_clipped, "rl.first_ratio"),
    Bug("observations one step late", Rollout, "act", one_late, "probe.seen_choice"),
    Bug("detached value", objective, "value_loss", detached, "rl.value"),
    Bug("sign of the value loss", objective, "value_loss", negated, "rl.value"),
    Bug(
        "targets that lack the value",
        learner,
        "samples_of",
        samples_with(column(2, lambda s, _: s.numbers[1])),
        "probe.constant_reward",
    ),
    Bug("reset rows count", learner, "samples_of", samples_with(all_count), "probe.reset_rows"),
    Bug(
        "advantage of another member",
        learner,
        "samples_of",
        samples_with(column(1, next_members)),
        "probe.rival_members",
    ),
    Bug("sign of the entropy", loss, "log_prob_and_entropy", last_negated, "probe.indifferent"),
    Bug("advantages normalised over all members", objective, "normalised", pooled, "rl.members_apart"),
    Bug("a normaliser that members share", normalise.Moments, "see", seen_together, "rl.members_apart"),
    Bug("gradients clipped over all members", update, "clip_gradient", clipped_together, "rl.members_apart"),
    Bug("members that draw the same numbers", keys.Keys, "noise", same_noise, "rl.members_apart"),
]
