"""The training stage of an agent: its environment from the training span, its validation, and what it says of a span.

Everything after it is the road of every model: what the agent does is said as forecasts (`policy: follow`), traded,
counted and judged.
"""

# P members, S symbols in G accounts of A assets, T bars, L window, F features, K numbers of an account

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import torch

from edgeproof.backtest.policies.follow import said_as
from edgeproof.combine.lesson import Combined
from edgeproof.combine.starts import StartsConfig
from edgeproof.core.clock import bars_per_year
from edgeproof.core.errors import DataError
from edgeproof.core.finding import Finding
from edgeproof.core.progress import Progress
from edgeproof.core.rng import Rng
from edgeproof.labels.volatility import volatility_over_gaps
from edgeproof.models.actor import Actor
from edgeproof.recipe.agent_known import seen_in
from edgeproof.recipe.agent_validation import account_name, episodes_rows, reward_agrees, validation_figures
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.prepare import Prepared
from edgeproof.recipe.sight import encoded
from edgeproof.regimes.regime import UNKNOWN
from edgeproof.regimes.rules import RulesConfig
from edgeproof.rl.agent import Agent
from edgeproof.rl.course import Course
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.export import actor_of
from edgeproof.rl.inputs import Inputs
from edgeproof.rl.interface import Layout
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.ppo import TrainedAgent, train_ppo
from edgeproof.rl.reward import WeightedConfig
from edgeproof.rl.roll import Act, Rolled, roll
from edgeproof.rl.settings import PpoConfig
from edgeproof.rl.tape import Tape, group_count, starts_of
from edgeproof.samples.dataset import windows_ready
from edgeproof.samples.split.fold import Fold
from edgeproof.simulator.options import Options
from edgeproof.train.forecast import Forecast
from edgeproof.train.keep import weights_sha
from edgeproof.train.loop import Trained

__all__ = ["Ground", "acting", "agent_episodes", "agent_forecast", "learn_agent", "population", "training_bars"]

VOLATILITY_BARS = 24
ALL = slice(None)


@dataclass(frozen=True)
class Ground:
    """What agents act on: a prepared span, its features as they see them.

    Attributes:
        config: the run's config.
        prepared: the span.
        x: f32[S, T, F] scaled features, or encodings of windows.
        ready: bool[S, T] of encodings; none: of the features.
        window: L; none: the config's.
    """

    config: RunConfig
    prepared: Prepared
    x: np.ndarray
    ready: np.ndarray | None = None
    window: int | None = None

    @cached_property
    def regime(self) -> np.ndarray:
        """i64[S, T]: the market's regime as it is known at the close of each bar; one of its own where none is."""
        panel = self.prepared.panel
        found = cast("RulesConfig", self.config.regimes).regimes(panel)  # or any other part of REGIMES
        code = np.where(found.code == UNKNOWN, len(found.names), found.code).astype(np.int64)
        return np.broadcast_to(code, panel.present.shape)

    @cached_property
    def options(self) -> Options:
        """Rules of an account, whose money is what the book puts on its symbols, for what depends on its size."""
        own, accounts = self.config.options, len(self.prepared.panel.present) / self.config.environment.assets
        if own.start == Options().start:  # then nothing depends on it
            return own
        return own.model_copy(update={"start": own.start * self.config.exposure / accounts})

    def seen_by(self, actor: Actor, *, bars: slice = ALL, assets: np.ndarray | None = None) -> "Ground":
        """What an actor acts on: where it sees encodings, they are made of the features' windows once.

        Args:
            actor: of a bundle or a training.
            bars: at which windows end; no other is ready.
            assets: i64[S] id of each symbol as the actor knows it, -1 unknown; none: the symbol's position.
        """
        if actor.sight is None:
            return self
        ready, window = self.prepared.table.ready, self.config.window
        seen = encoded(actor.sight, self.x, ready, window=window, bars=bars, assets=assets)
        whole, able = windows_ready(ready, window), np.zeros_like(ready)
        able[:, bars] = whole[:, bars]
        return replace(self, x=seen, ready=able, window=1)

    def tape(self, span: slice, symbols: np.ndarray | None = None) -> Tape:
        """The bars of `span`, of all symbols or of these."""
        panel, table, config = self.prepared.panel, self.prepared.table, self.config
        weighted = isinstance(config.environment.reward, WeightedConfig)
        seen = weighted or config.options.in_volatilities
        volatility = volatility_over_gaps(panel, VOLATILITY_BARS) if seen else None
        ready = table.ready if self.ready is None else self.ready
        chosen = slice(None) if symbols is None else symbols
        return Tape(
            prices=panel.prices[chosen],
            present=panel.present[chosen],
            table=self.x[chosen],
            ready=ready[chosen],
            volatility=None if volatility is None else volatility[chosen],
            regime=self.regime[chosen] if weighted else None,
            window=self.window or config.window,
            span=span,
        )

    def environment(self, span: slice, members: int, tape: Tape | None = None) -> MarketEnv:
        """Where P members learn: on the bars of `span`, or on a tape of their own."""
        config, agent = self.config, cast("PpoConfig", self.config.agent)
        accounts, names, tape = agent.accounts, range(members), self.tape(span) if tape is None else tape
        rules = (_exploring(config.environment, agent), config.costs, self.options)
        return MarketEnv(tape, *rules, accounts=accounts, members=names, device=agent.device)

    def walk(self, act: Callable[[Layout], Act], span: slice, members: int = 1) -> tuple[Rolled, np.ndarray] | None:
        """What agents do along a span, and the symbols of accounts with a ready window in it; None where none has."""
        config, T, able = self.config, self.prepared.panel.present.shape[1], self.able(span)
        if not len(able):
            return None
        alone = _exploring(config.environment).model_copy(update={"starts": "first", "episode_bars": 0})
        names, rules, accounts = range(members), (config.costs, self.options), len(able) // alone.assets
        world = MarketEnv(self.tape(span, able), alone, *rules, accounts=accounts, members=names)
        return roll(act(world.layout), world, symbols=len(able), bars=T), able

    def able(self, span: slice) -> np.ndarray:
        """Symbols of the accounts for which there is a bar in the span at which they may begin, i64.

        Raises:
            OptionError: the symbols cannot be dealt out to accounts of so many.
        """
        tape, (S, T), assets = self.tape(span), self.prepared.panel.present.shape, self.config.environment.assets
        (first, stop), accounts = tape.bounds, group_count(S, assets)
        if stop - first < 2:
            return np.empty(0, np.int64)
        try:
            starts = starts_of(tape, self.config.environment.model_copy(update={"episode_bars": 0}))
        except DataError:  # no window of the span is ready
            return np.empty(0, np.int64)
        able = np.intersect1d(np.arange(accounts), starts // T)
        return (able[:, None] * assets + np.arange(assets)).reshape(-1)


def _exploring(environment: EnvConfig, agent: PpoConfig | None = None) -> EnvConfig:
    """The environment of a training, whose count bonus ends with its first half, or of an evaluation without one."""
    reward = environment.reward
    if not isinstance(reward, WeightedConfig) or (agent is not None and reward.exploration_steps is not None):
        return environment
    steps = 0 if agent is None else agent.updates * agent.steps // 2
    return environment.model_copy(update={"reward": reward.model_copy(update={"exploration_steps": steps})})


def training_bars(prepared: Prepared, fold: Fold, validation: slice) -> slice:
    """The training bars of a fold, up to where their labels end: no episode reads a bar behind them."""
    until = int(prepared.labels.resolved_at.reshape(-1)[fold.train].max())
    return slice(int((fold.train % len(prepared.decide)).min()), min(validation.start, until + 1))


def population(config: RunConfig) -> int:
    """P: how many agents a run trains together."""
    return config.combine.seeds if isinstance(config.combine, StartsConfig) else 1


def learn_agent(
    ground: Ground,
    *,
    train: slice,
    validation: slice,
    record: Callable[[str], None],
    folder: Path,
    write: Callable[[str], None],
    watch: Callable[[Mapping[str, Any]], None] | None = None,
    course: Course | None = None,
) -> Combined:
    """Train an agent, or a population of which the best on validation is kept; each is on record before it is scored.

    Args:
        ground: the span.
        train: bars within which episodes lie.
        validation: bars on which weights and members are chosen.
        record: puts a training on record under a name; without a name it is the run's own.
        folder: checkpoints.
        write: where progress lines go.
        watch: is told every update.
        course: through the stages of the agent's curriculum, where it has one.

    Raises:
        DataError: a span too short for an episode, or validation bars on which nothing can be chosen.
        Diverged: a loss is not finite.
    """
    if not len(ground.able(validation)):
        raise DataError(
            f"agent: validation bars {validation.start}:{validation.stop} hold no ready window with a bar after it: "
            "nothing to choose weights by; shorten window, or give validation more bars"
        )
    config, agent = ground.config, cast("PpoConfig", ground.config.agent)
    for said in agent.notices:
        write(f"note: {said}\n")
    count = population(config)
    labels = [f"start {number + 1}/{count}" for number in range(count)] if count > 1 else [""]
    for label in labels:
        record(label)
    done = train_ppo(
        ground.environment(train, count) if course is None else course,
        [agent] * count,
        rng=Rng(config.seed).child("agent"),
        folder=folder,
        progress=Progress("update", agent.updates, write=write),
        watch=None if watch is None else _told(watch, count, agent.updates),
        validate=lambda learned: _validate(learned, ground, validation),
    )
    return _kept(done, labels, ground, validation)


def _told(watch: Callable[[Mapping[str, Any]], None], count: int, updates: int) -> Callable[[Mapping[str, Any]], None]:
    """Who watches hears of each member, one after the other, as of trainings that were made in a row."""

    def hear(row: Mapping[str, Any]) -> None:
        for place in range(count):
            told = _row(row, place, 0)
            watch({**told, "epoch": place * updates + told["epoch"]})

    return hear


def _validate(agent: Agent, ground: Ground, bars: slice) -> dict[str, list[float]]:
    """Figures of the accounts over the validation bars, of each member."""
    if agent.policy.encoders is None:
        policy = agent.policy.whole()  # bfloat16 would now and then act as the bundle will not

        def act(layout: Layout) -> Act:
            return replace(agent, policy=policy, inputs=Inputs(layout, policy.kind)).act

        return _figures(ground.walk(act, bars, agent.members), ground)
    each = []
    for place in range(agent.members):  # an encoder reads every window once, not at every step of every account
        _, actor = actor_of(agent, place)
        seen = ground.seen_by(actor, bars=bars)
        each.append(_figures(seen.walk(partial(acting, actor), bars), ground))
    return {name: [one[name][0] for one in each] for name in each[0]}


def _figures(found: tuple[Rolled, np.ndarray] | None, ground: Ground) -> dict[str, list[float]]:
    assert found is not None  # noqa: S101 - `learn_agent` has asked
    panel = ground.prepared.panel
    return validation_figures(found[0], bars_per_year=bars_per_year(panel.interval_ns, panel.calendar))


def _kept(done: TrainedAgent, labels: Sequence[str], ground: Ground, bars: slice) -> Combined:
    """The member that is best on validation, as any trained model."""
    score = [_best(done.history, place, update) for place, update in enumerate(done.best_update)]
    place = int(np.argmax(score))
    model_config, actor = actor_of(done.agent, place, ground.config.environment.assets)
    history = [_row(row, place, done.best_update[place]) for row in done.history]
    trained = Trained(
        model=actor,
        history=history,
        best_epoch=done.best_update[place],
        checkpoint=done.checkpoint,
        seconds=done.seconds,
        sha=weights_sha(actor),
        ended="epochs",
        findings=(*_moved(done.devices), *_agreement(actor, ground, bars), *seen_in(history, ground.config)),
    )
    if len(labels) == 1:
        return Combined(trained, model_config)
    rows = [
        {"label": label, "update": update, "net_growth_bps": value}
        for label, update, value in zip(labels, done.best_update, score, strict=True)
    ]
    return Combined(trained, model_config, {"name": "multi_start", "trainings": rows, "kept": labels[place]})


def _best(history: Sequence[Mapping[str, Any]], place: int, update: int) -> float:
    value = _one(history[update - 1].get("validation.score"), place)
    return -np.inf if value is None else float(value)


def _one(value: Any, place: int) -> Any:
    return value[place] if isinstance(value, list) else value


def _row(row: Mapping[str, Any], place: int, best: int) -> dict[str, Any]:
    """A member's row of the history, under the names that every training's rows have."""
    own = {name.replace("figures.", "").replace(".", "_"): _one(value, place) for name, value in row.items()}
    return {"epoch": row["update"], **own, "best": row["update"] == best}


def _moved(devices: Sequence[str]) -> tuple[Finding, ...]:
    """A warning where the training went on elsewhere than it had begun."""
    if len(devices) < 2:
        return ()
    claim = f"training was resumed on another device ({', then '.join(devices)}); weights may differ from those of one"
    remedy = "train in a folder of its own on one device for weights that can be repeated"
    return (Finding(check="train.resume", level="warning", claim=claim, remedy=remedy),)


def _agreement(actor: Actor, ground: Ground, bars: slice) -> tuple[Finding, ...]:
    """A warning where the parts of a weighted reward pay for something else than growth."""
    environment = ground.config.environment
    if not isinstance(environment.reward, WeightedConfig):
        return ()
    found = ground.seen_by(actor, bars=bars).walk(partial(acting, actor), bars)
    return () if found is None else reward_agrees(found[0], environment.episode_bars)


def acting(actor: Actor, layout: Layout) -> Act:
    """What an actor does in an environment of this layout, whose table is what it sees."""
    inputs = Inputs(layout, torch.float32)

    def act(observation: Any) -> torch.Tensor:
        rows = inputs.rows(observation.dense.unsqueeze(0), observation.index.unsqueeze(0))[0]
        with torch.inference_mode():
            return actor.decide(*rows.split((layout.size - layout.dense, layout.dense), dim=1))

    return act


def agent_episodes(ground: Ground, actor: Actor, bars: slice) -> pl.DataFrame:
    """Every account along `bars`, one row a bar that it lived through."""
    found, assets = ground.walk(lambda layout: acting(actor, layout), bars), ground.config.environment.assets
    panel = ground.prepared.panel
    able = np.empty((0, assets), np.int64) if found is None else found[1].reshape(-1, assets)
    names = [account_name([panel.symbols[place] for place in account]) for account in able]
    return episodes_rows(None if found is None else found[0], names, panel.close_time)


def agent_forecast(ground: Ground, actor: Actor, spans: Sequence[slice], *, sha: str, fold: int = 0) -> Forecast:
    """What an actor says along spans, each begun flat: its position as a forecast, see `backtest.policies.follow`.

    An account that is ruined alone may stand for a part of a book that is not: its position ends there too.

    Args:
        ground: the span.
        actor: of a bundle or a training.
        spans: of bars.
        sha: of its weights.
        fold: number of its fold.
    """
    shape = ground.prepared.panel.present.shape
    position, made = np.zeros(shape), np.zeros(shape, bool)
    for bars in spans:
        found = ground.walk(lambda layout: acting(actor, layout), bars)
        if found is not None:
            rolled, able = found
            told = _with_ruin(rolled.made[0], bars.indices(shape[1])[1])
            told = told.repeat(len(able) // len(told), axis=0)  # an account speaks of all its symbols
            position[able, bars], made[able, bars] = rolled.position[0][:, bars], told[:, bars]
    return Forecast(np.where(made, said_as(position), np.float32(0.0)), made, sha, fold)


def _with_ruin(made: np.ndarray, stop: int) -> np.ndarray:
    """Where something is said, bool[G, T]: an account that was ruined before the end says 0 a bar later, once."""
    told, last = made.copy(), made.shape[1] - 1 - made[:, ::-1].argmax(axis=1)
    gone = np.flatnonzero(last < stop - 2)
    told[gone, last[gone] + 1] = True
    return told
