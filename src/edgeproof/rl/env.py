"""The market environment: thousands of accounts stepped as one, on the simulator's own account.

    tape = Tape(prices, present, table, ready, volatility=None, regime=None, outside=Outside(), window=24,
                span=slice(first, stop))
    MarketEnv(tape, EnvConfig(), CostsConfig(), Options(), accounts=1024, members=(0,), gathered=False, engine="njit")

`accounts` is of each member. An action taken at the close of bar t fills at the open of t + 1 and is rewarded at the
close of t + 1. Nothing from `span.stop` on is ever read. Observations are a row of the feature table (where the
window ends) and the account's own numbers (`observe`); `gathered` writes the window out too, for whoever cannot gather.
"""

# N accounts, P members of n accounts, S symbols in G groups of A assets, T bars, L window, K numbers of an account

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.device import thread_count
from edgeproof.core.errors import OptionError, TrainError
from edgeproof.core.rng import Rng
from edgeproof.rl.action import accept
from edgeproof.rl.desk import Desk, Screen, View, World, account_numbers, open_desk, open_screen
from edgeproof.rl.interface import ActionSpace, Layout, Observation, Step
from edgeproof.rl.kernel import begin_accounts, bound, show_accounts, step_accounts
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.reward import PARTS, WeightedConfig, price_of
from edgeproof.rl.tape import Tape, check_tape, feed_by_group, first_starts, grouped, starts_of, table_by_group
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.opening import rules_of
from edgeproof.simulator.options import Options

__all__ = ["MarketEnv"]

DEFAULT = Options()
RANGES_A_THREAD = 4
WORTH_A_THREAD = 1_024  # assets of accounts: a thread's start costs as much as stepping so many
STATE = ("target", "asset", "money", "bar")


class MarketEnv:
    """Many accounts on one market, as an `Environment`.

    Args:
        tape: bars and features.
        config: what an agent may do and what it is paid for.
        costs: of every trade.
        options: rules of every account.
        accounts: of each member.
        members: number of each member of the population; a member draws the same episodes in any company.
        gathered: observations are dense f32[N, L * A * F + K], and the layout has no table.
        engine: `njit`, or `python`, the same source interpreted, equal to the last bit; both on the CPU.

    Raises:
        OptionError: no account, an option that an environment has no meaning for, another device.
        DataError: arrays that do not fit, features that are no numbers, a span too short for an episode.
    """

    def __init__(
        self,
        tape: Tape,
        config: EnvConfig,
        costs: CostsConfig,
        options: Options = DEFAULT,
        *,
        accounts: int,
        members: Sequence[int] = (0,),
        gathered: bool = False,
        engine: Literal["njit", "python"] = "njit",
    ) -> None:
        _check(accounts, members, options, engine)
        check_tape(tape, config)
        self.config = config
        self._world = _world(tape, config, costs, options)._replace(gathered=gathered)
        owners = np.array([(member, account) for member in members for account in range(accounts)], np.int64)
        regimes = 1 if tape.regime is None else int(tape.regime.max(initial=0)) + 1
        weighted = isinstance(config.reward, WeightedConfig)
        self._desk: Desk = open_desk(owners, config.assets, regimes, exits=weighted)
        width, state = tape.window * self._world.table.shape[1], account_numbers(config.assets)
        self._screen: Screen = open_screen(len(owners), state + (width if gathered else 0), parts=weighted)
        table = None if gathered else torch.from_numpy(self._world.table)
        self._layout = Layout(self._screen.now.dense.shape[1], table, 0 if gathered else tape.window)
        self._space, self._levels = config.space, np.array(config.levels)
        self._pool: ThreadPoolExecutor | None = None
        self._threads = max(1, min(len(owners), len(owners) * config.assets // WORTH_A_THREAD))
        self._ranges = _ranges(len(owners), min(self._threads, thread_count()))
        self._interpreted = engine == "python"
        self._step = _step_of(self._screen, gathered)

    @property
    def accounts(self) -> int:
        """N."""
        return len(self._desk.place)

    @property
    def actions(self) -> ActionSpace:
        """What an action is."""
        return self._space

    @property
    def layout(self) -> Layout:
        """What an observation is made of."""
        return self._layout

    @property
    def targets(self) -> np.ndarray:
        """f64[N, A] target weights that the last action asked for."""
        return self._desk.accounts.target[:, 0].copy()

    def reset(self, rng: Rng) -> Observation:
        """Begin the first episode of every account; starts are keyed by (member, account, episode)."""
        self._world = self._world._replace(key=rng.child("environment").key())
        self._desk.place[:, :5] = 0
        self._desk.visits[:] = 0.0
        self._bind()
        self._run(self._begin)
        return self._step.observation

    def step(self, action: Tensor) -> Step:
        """One step of every account.

        Raises:
            TrainError: an action that is out of range or no number; nothing has moved then.
        """
        if self._world.key < 0:
            raise TrainError("environment: step before reset; call reset(rng) first")
        accept(action, self._space, self._levels, self._desk.accounts.target)
        self._run(self._advance)
        return self._step

    def state(self) -> dict[str, np.ndarray]:
        """Everything that the next steps depend on."""
        desk = self._desk
        parts = {name: getattr(desk.accounts, name).copy() for name in STATE}
        own = {"place": desk.place.copy(), "memory": desk.memory.copy(), "visits": desk.visits.copy()}
        return {**parts, **own, "key": np.array([self._world.key])}

    def restore(self, state: Mapping[str, np.ndarray]) -> Observation:
        """Take up where `state` was taken.

        Raises:
            TrainError: the state of another environment.
        """
        desk = self._desk
        own = {"place": desk.place, "memory": desk.memory, "visits": desk.visits}
        for name, part in {**{name: getattr(desk.accounts, name) for name in STATE}, **own}.items():
            if name not in state or state[name].shape != part.shape:
                raise TrainError(
                    f"environment: the state's {name} is not that of this environment; resume the run's own"
                )
            part[:] = state[name]
        self._world = self._world._replace(key=int(state["key"][0]))
        self._bind()
        self._run(self._show)
        return self._step.observation

    def _bind(self) -> None:
        """Bind the kernel to this environment's arrays, and to the key of its randomness."""
        arrays = (self._world, self._desk, self._screen)
        parts = (begin_accounts, step_accounts, show_accounts)
        if self._interpreted:
            self._begin, self._advance, self._show = (partial(_interpreted, part, arrays) for part in parts)
        else:
            self._begin, self._advance, self._show = (bound(part, *arrays) for part in parts)

    def _run(self, part: Callable[[int, int], object]) -> None:
        """Every account, in ranges that the threads take one after the other.

        So a thread that another process keeps waiting does less; one that has not even begun is not waited for.
        """
        threads = 1 if self._interpreted else min(self._threads, thread_count())
        if threads == 1:
            part(0, self.accounts)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(threads - 1)
        ranges = iter(self._ranges)

        def work() -> None:
            for first, last in ranges:
                part(first, last)

        others = [self._pool.submit(work) for _ in range(threads - 1)]
        work()
        for other in others:
            if not other.cancel():
                other.result()


def _interpreted(part: Callable[..., None], arrays: tuple[World, Desk, Screen], first: int, last: int) -> None:
    part(first, last, *arrays)


def _ranges(accounts: int, threads: int) -> list[tuple[int, int]]:
    """Equal ranges of the accounts, several a thread."""
    count = max(1, min(threads * RANGES_A_THREAD, accounts))
    return list(pairwise(accounts * i // count for i in range(count + 1)))


def _check(accounts: int, members: Sequence[int], options: Options, engine: str) -> None:
    """Refuse what no environment can be made of."""
    if accounts < 1 or not members:
        raise OptionError(f"environment: {accounts} accounts of {len(members)} members; write at least one of each")
    if len(set(members)) < len(members) or min(members) < 0:
        raise OptionError(f"environment: members {list(members)}: numbers from 0 on, each once")
    if options.fill_at_close:
        raise OptionError("environment: fill_at_close is an ablation of backtests; an agent would trade at what it saw")
    if engine not in ("njit", "python"):
        raise OptionError(f"environment: no engine {engine!r}: accounts are stepped on the CPU; write njit or python")


def _world(tape: Tape, config: EnvConfig, costs: CostsConfig, options: Options) -> World:
    """What all accounts read; its key is drawn at the reset."""
    A, bars = config.assets, tape.present.shape[1]
    groups, starts = len(tape.present) // A, starts_of(tape, config)
    rules = rules_of(costs, options, funded=tape.outside.funding_rate is not None, brief=True)
    seen = isinstance(config.reward, WeightedConfig)
    regime = np.zeros(tape.present.shape, np.int64) if tape.regime is None else tape.regime.astype(np.int64)
    volatility = None if tape.volatility is None else np.nan_to_num(tape.volatility, posinf=0.0)
    return World(
        key=-1,
        rules=rules,
        feed=feed_by_group(tape, costs, options, A),
        table=table_by_group(tape, A),
        volatility=grouped(volatility, A) if seen and volatility is not None else np.empty((groups, 0, 0)),
        regime=grouped(regime, A) if seen else np.empty((groups, 0, 0), np.int64),
        starts=starts if config.starts == "random" else first_starts(starts, bars, groups),
        random=config.starts == "random",
        bars=bars,
        last=tape.bounds[1] - 1,
        episode_bars=config.episode_bars,
        window=tape.window,
        gathered=False,
        start_money=options.start,
        price=price_of(config.reward, rules),
    )


def _step_of(screen: Screen, gathered: bool) -> Step:
    """The outputs as the tensors that every step answers with."""
    parts = {name: torch.from_numpy(screen.parts)[:, k] for k, name in enumerate(PARTS) if len(screen.parts)}
    growth, turnover = torch.from_numpy(screen.growth), torch.from_numpy(screen.turnover)
    return Step(
        observation=_observation(screen.now, gathered),
        reward=torch.from_numpy(screen.reward),
        terminated=torch.from_numpy(screen.terminated),
        truncated=torch.from_numpy(screen.truncated),
        final=_observation(screen.final, gathered),
        valid=torch.ones(len(screen.reward), dtype=torch.bool),
        figures={"net_growth": growth, "turnover": turnover, **parts},
    )


def _observation(view: View, gathered: bool) -> Observation:
    return Observation(torch.from_numpy(view.dense), None if gathered else torch.from_numpy(view.row))
