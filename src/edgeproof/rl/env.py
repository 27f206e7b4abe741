"""The market environment: thousands of accounts stepped as one, on the simulator's own account.

    tape = Tape(prices, present, table, ready, volatility=None, regime=None, outside=Outside(), window=24,
                span=slice(first, stop))
    MarketEnv(tape, EnvConfig(), CostsConfig(), Options(), accounts=1024, members=(0,), gathered=False, engine="njit")

`accounts` is of each member. An action taken at the close of bar t fills at the open of t + 1 and is rewarded at the
close of t + 1. Nothing from `span.stop` on is ever read. Observations are a row of the feature table (where the
window ends) and the account's own numbers (`observe`); `gathered` writes the window out too, for whoever cannot gather.
"""

# N accounts, P members of n accounts, S symbols in G groups of A assets, T bars, L window, K numbers of an account

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from edgeproof.core.device import torch_device
from edgeproof.core.errors import OptionError, TrainError
from edgeproof.core.identity import sha_json
from edgeproof.core.rng import Rng
from edgeproof.rl.action import check_kind, within_gross
from edgeproof.rl.engine.desk import OWNER, Screen, View, World, account_numbers, open_desk, open_screen
from edgeproof.rl.engine.here import Here
from edgeproof.rl.engine.observe import account_names
from edgeproof.rl.interface import ActionSpace, Continuous, Layout, Observation, Step
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.reward import PARTS, WeightedConfig, price_of
from edgeproof.rl.tape import Tape, check_tape, feed_by_group, first_starts, grouped, starts_of, table_by_group
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.opening import rules_of
from edgeproof.simulator.options import Options

__all__ = ["MarketEnv"]

DEFAULT = Options()
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
        device: `cpu`, or `cuda`: bars, accounts and all tensors of a step lie there, and actions come from there; or
            `auto`: `cuda` where there is one.

    Attributes:
        rules: hash of what accounts may do, pay and are paid for; a training is taken up under the same ones alone.

    Raises:
        OptionError: no account, an option that an environment has no meaning for.
        ConfigError: a device that is not here.
        DataError: arrays that do not fit, features that are no numbers, a span too short for an episode.
    """

    def __init__(  # noqa: PLR0913 - what an environment is made of
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
        device: str = "cpu",
    ) -> None:
        _check(accounts, members, options, engine, device)
        check_tape(tape, config)
        self.config, self._space = config, config.space
        said = {"environment": config, "costs": costs, "account": options}
        self.rules = sha_json(
            {name: part.model_dump(mode="json") for name, part in said.items()} | {"span": tape.bounds}
        )
        self._machine = _machine(accounts * len(members), config.assets, engine, device)
        self._world = self._machine.world(_world(tape, config, costs, options)._replace(gathered=gathered))
        owners = np.array([(member, account) for member in members for account in range(accounts)], np.int64)
        regimes = 1 if tape.regime is None else int(tape.regime.max(initial=0)) + 1
        weighted, width = isinstance(config.reward, WeightedConfig), self._world.width
        numbers = account_numbers(config.assets) + (tape.window * width if gathered else 0)
        self._desk = self._machine.taken(open_desk(owners, config.assets, regimes, exits=weighted))
        self._screen = self._machine.taken(open_screen(len(owners), numbers, parts=weighted))
        self._levels = torch.tensor(config.levels, dtype=torch.float64, device=self.device)
        table = torch.as_tensor(self._world.table).view(-1, width)
        names = account_names(config.assets)
        self._layout = Layout(numbers) if gathered else Layout(numbers, table, tape.window, names)
        self._step = _step_of(self._screen, gathered)

    @property
    def device(self) -> torch.device:
        """Where observations, actions and rewards lie."""
        return self._machine.device

    @property
    def place(self) -> str:
        """Who steps the accounts: `cpu` or `cuda`."""
        return self._machine.place

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

    def asked(self, action: Tensor) -> np.ndarray:
        """f64[N, A] target weights that an action asks for; nothing moves.

        Raises:
            TrainError: an action that is out of range or no number.
        """
        target: Any = torch.zeros_like(torch.as_tensor(self._desk.accounts.target))
        self._machine.accept(self._held(action), self._space, self._levels, target)
        return target[:, 0].cpu().numpy()

    def reset(self, rng: Rng) -> Observation:
        """Begin the first episode of every account; starts are keyed by (member, account, episode)."""
        self._world = self._world._replace(key=rng.child("environment").key())
        self._desk.place[:, :OWNER] = 0
        self._desk.visits.zero_()
        self._bind()
        self._begin()
        return self._step.observation

    def step(self, action: Tensor) -> Step:
        """One step of every account.

        Raises:
            TrainError: an action that is out of range or no number; nothing has moved then.
        """
        if self._world.key < 0:
            raise TrainError("environment: step before reset; call reset(rng) first")
        self._machine.accept(self._held(action), self._space, self._levels, self._desk.accounts.target)
        self._advance()
        return self._step

    def _held(self, action: Tensor) -> Tensor:
        """The action, its weights within the gross exposure that an account may ask for."""
        if not (self.config.gross and isinstance(self._space, Continuous)):
            return action
        check_kind(action, self._space, self.accounts)
        return within_gross(action, self._space, self.config.gross)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that the next steps depend on."""
        parts = {name: part.cpu().numpy().copy() for name, part in self._parts().items()}
        return {**parts, "key": np.array([self._world.key])}

    def restore(self, state: Mapping[str, np.ndarray]) -> Observation:
        """Take up where `state` was taken.

        Raises:
            TrainError: the state of another environment.
        """
        for name, part in self._parts().items():
            if name not in state or state[name].shape != part.shape:
                raise TrainError(
                    f"environment: the state's {name} is not that of this environment; resume the run's own"
                )
            part.copy_(torch.from_numpy(np.ascontiguousarray(state[name])))
        self._world = self._world._replace(key=int(state["key"][0]))
        self._bind()
        self._show()
        return self._step.observation

    def _bind(self) -> None:
        """Bind the kernel to this environment's arrays, and to the key of its randomness."""
        self._begin, self._advance, self._show = self._machine.bound(self._world, self._desk, self._screen)

    def _parts(self) -> dict[str, Tensor]:
        """What later steps depend on, the key apart."""
        desk = self._desk
        own = {"place": desk.place, "memory": desk.memory, "visits": desk.visits}
        return {name: getattr(desk.accounts, name) for name in STATE} | own


def _check(accounts: int, members: Sequence[int], options: Options, engine: str, device: str) -> None:
    """Refuse what no environment can be made of."""
    if accounts < 1 or not members:
        raise OptionError(f"environment: {accounts} accounts of {len(members)} members; write at least one of each")
    if len(set(members)) < len(members) or min(members) < 0:
        raise OptionError(f"environment: members {list(members)}: numbers from 0 on, each once")
    if options.fill_at_close:
        raise OptionError("environment: fill_at_close is an ablation of backtests; an agent would trade at what it saw")
    if engine not in ("njit", "python"):
        raise OptionError(f"environment: no engine {engine!r}; write njit or python, and for a GPU device=cuda")
    if engine == "python" and device != "cpu":
        raise OptionError(f"environment: engine python is the processor's, not that of device {device}; leave one out")


def _machine(count: int, assets: int, engine: str, device: str) -> Any:
    """What steps the accounts: a `here.Here`, or a `cuda.There` of the same surface."""
    device = torch_device("auto").type if device == "auto" else device
    if device == "cpu":
        return Here(count, assets, interpreted=engine == "python")
    from edgeproof.rl.engine.cuda import There

    return There(count, device)


def _world(tape: Tape, config: EnvConfig, costs: CostsConfig, options: Options) -> World:
    """What all accounts read; its key is drawn at the reset."""
    A, bars = config.assets, tape.present.shape[1]
    groups, starts, table = len(tape.present) // A, starts_of(tape, config), table_by_group(tape, A)
    rules = rules_of(costs, options, funded=tape.outside.funding_rate is not None, brief=True)
    seen = isinstance(config.reward, WeightedConfig)
    regime = np.zeros(tape.present.shape, np.int64) if tape.regime is None else tape.regime.astype(np.int64)
    volatility = None if tape.volatility is None else np.nan_to_num(tape.volatility, posinf=0.0)
    return World(
        key=-1,
        rules=rules,
        feed=feed_by_group(tape, costs, options, A),
        table=table.reshape(-1),
        width=table.shape[1],
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
    shown: Any = screen  # of tensors
    parts = {name: shown.parts[:, k] for k, name in enumerate(PARTS) if len(shown.parts)}
    return Step(
        observation=_observation(screen.now, gathered),
        reward=shown.reward,
        terminated=shown.terminated,
        truncated=shown.truncated,
        final=_observation(screen.final, gathered),
        valid=torch.ones_like(shown.terminated),
        figures={"net_growth": shown.growth, "turnover": shown.turnover, **parts},
    )


def _observation(view: View, gathered: bool) -> Observation:
    seen: Any = view  # of tensors
    return Observation(seen.dense, None if gathered else seen.row)
