"""An agent along a span: each account from its first ready bar to the end, always the likeliest action."""

# P members, S symbols in G accounts of A assets (S = G x A), N = P x G accounts, T bars

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from edgeproof.core.errors import OptionError
from edgeproof.core.rng import Rng
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.interface import Observation
from edgeproof.rl.place import need_processor
from edgeproof.rl.tape import group_count

__all__ = ["Act", "Rolled", "roll"]

Act = Callable[[Observation], Tensor]


@dataclass(frozen=True)
class Rolled:
    """What agents did.

    Attributes:
        position: f64[P, S, T] target weight decided at each bar, of the account's money; 0 where nothing was decided.
        made: bool[P, G, T] where something was: up to the bar before the account's last, or its ruin.
        earned: f32[P, G, T] log growth of the account in each bar, after costs; 0 where it is not there.
        paid: f32[P, G, T] reward of the step that ended with each bar, likewise.
        net_growth: f64[P] log growth of an account a bar, mean over accounts.
        turnover: f64[P] traded notional a bar as a share of equity, likewise.
        reward: f64[P] a step, likewise.
    """

    position: np.ndarray
    made: np.ndarray
    earned: np.ndarray
    paid: np.ndarray
    net_growth: np.ndarray
    turnover: np.ndarray
    reward: np.ndarray


def roll(act: Act, environment: MarketEnv, *, symbols: int, bars: int) -> Rolled:
    """Let agents act in an environment whose episodes are evaluations.

    Args:
        act: actions of all accounts for what they see.
        environment: `starts` are `first`, an episode has no length of its own, and P x G accounts, member after
            member.
        symbols: S.
        bars: T of the environment's tape.

    Raises:
        OptionError: an environment that begins at random or has other accounts.
    """
    need_processor(environment, "an evaluation")
    config, count = environment.config, environment.accounts
    groups = group_count(symbols, config.assets)
    if config.starts != "first" or config.episode_bars or count % groups:
        raise OptionError("an evaluation needs starts=first, episode_bars=0, and every symbol in an account")
    position, made = np.zeros((count, config.assets, bars)), np.zeros((count, bars), bool)
    earned, paid = (np.zeros((count, bars), np.float32) for _ in range(2))
    sums, alive, rows = np.zeros((count, 4)), np.ones(count, bool), np.arange(count)
    observation = environment.reset(Rng(0))  # nothing in it is drawn by chance
    while alive.any():
        assert observation.index is not None  # noqa: S101 - a market environment that is not gathered has a table
        at = observation.index.numpy() % bars
        action, on = act(observation), rows[alive]
        position[on, :, at[on]], made[on, at[on]] = environment.asked(action)[on], True
        step = environment.step(action)
        parts = [part.numpy()[on] for part in (step.reward, step.figures["net_growth"], step.figures["turnover"])]
        sums[on] += np.stack([*parts, np.ones(len(on))], axis=1)
        paid[on, at[on] + 1], earned[on, at[on] + 1] = parts[:2]
        alive &= ~(step.terminated | step.truncated).numpy()
        observation = step.observation
    shape = (-1, groups)
    reward, growth, turnover = (sums[:, k] / np.maximum(sums[:, 3], 1.0) for k in range(3))
    return Rolled(
        position=position.reshape(-1, symbols, bars),
        made=made.reshape(*shape, bars),
        earned=earned.reshape(*shape, bars),
        paid=paid.reshape(*shape, bars),
        net_growth=growth.reshape(shape).mean(axis=1),
        turnover=turnover.reshape(shape).mean(axis=1),
        reward=reward.reshape(shape).mean(axis=1),
    )
