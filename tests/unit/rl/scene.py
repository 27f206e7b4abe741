"""Random markets for the tests of the environment, and what the simulator makes of the same actions."""

from typing import Any

import numpy as np
import torch

from edgeproof.core.rng import Rng
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.interface import Observation, Step
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.tape import Tape
from edgeproof.simulator.account import EQUITY
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
from edgeproof.simulator.feed import Outside
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import Track
from tests.unit.simulator.cases import market

SERIES = ("prices", "present", "table", "ready", "volatility", "regime")


def tape_of(seed, symbols=2, bars=60, *, features=2, gaps=0.0, volatility=0.02, window=1) -> Tape:
    """A random walk with random features."""
    rng = np.random.default_rng(seed)
    prices = market(rng, symbols, bars, volatility)
    wick = np.exp(-np.abs(rng.normal(0, volatility / 2, prices.shape[:2])))
    prices[:, :, 1], prices[:, :, 2] = prices[:, :, [0, 3]].max(2) / wick, prices[:, :, [0, 3]].min(2) * wick
    prices[:, :, 4] = rng.exponential(1.0, prices.shape[:2]) / prices[:, :, 3]
    present = rng.random((symbols, bars)) >= gaps
    table = rng.normal(size=(symbols, bars, features)).astype(np.float32)
    table[~present] = 0.0
    return Tape(
        prices=prices,
        present=present,
        table=table,
        ready=present.copy(),
        volatility=rng.uniform(0.5, 2.0, present.shape) * volatility,
        regime=rng.integers(0, 3, present.shape),
        window=window,
        outside=Outside(funding_rate=np.where(rng.random(present.shape) < 0.2, rng.normal(0, 0.002, present.shape), 0)),
    )


def numbers(tape: Tape, name: str) -> np.ndarray:
    """A series of the tape that is there."""
    series = tape.outside.funding_rate if name == "funding_rate" else getattr(tape, name)
    assert series is not None
    return series


def part_of(tape: Tape, symbols: slice) -> Tape:
    """Some symbols of a tape."""
    series: dict[str, Any] = {name: numbers(tape, name)[symbols] for name in SERIES}
    outside = Outside(funding_rate=numbers(tape, "funding_rate")[symbols])
    return Tape(**series, outside=outside, window=tape.window, span=tape.span)


def copied(observation: Observation) -> tuple[np.ndarray, np.ndarray | None]:
    """An observation that outlives the next step."""
    index = None if observation.index is None else observation.index.numpy().copy()
    return observation.dense.numpy().copy(), index


def kept(step: Step) -> dict[str, np.ndarray]:
    """Everything of a step, by name, that outlives the next one."""
    parts = {name: value.numpy().copy() for name, value in step.figures.items()}
    for name in ("reward", "terminated", "truncated"):
        parts[name] = getattr(step, name).numpy().copy()
    for name, seen in (("now", step.observation), ("final", step.final)):
        dense, index = copied(seen)
        parts[f"{name}_dense"] = dense
        if index is not None:
            parts[f"{name}_index"] = index
    return parts


def random_actions(env: MarketEnv, steps: int, seed: int = 0) -> list[torch.Tensor]:
    """Uniform actions for every account."""
    rng, config = np.random.default_rng(seed), env.config
    if config.actions == "discrete":
        return [torch.from_numpy(rng.integers(0, len(config.levels), env.accounts)) for _ in range(steps)]
    shape, most = (env.accounts, config.assets), 1.2 * config.largest
    return [torch.from_numpy(rng.uniform(-most, most, shape).astype(np.float32)) for _ in range(steps)]


def walked(env: MarketEnv, actions: list[torch.Tensor], seed: int = 0) -> tuple[np.ndarray, np.ndarray, list]:
    """Rows i64[N] at which the first episodes begin, equity f64[N, H + 1] at every close, and every step."""
    index = env.reset(Rng(seed)).index
    rows, curve, steps = np.zeros(0) if index is None else index.numpy().copy(), [env.state()["money"][:, EQUITY]], []
    for action in actions:
        steps.append(kept(env.step(action)))
        curve.append(env.state()["money"][:, EQUITY])
    return rows, np.array(curve).T, steps


def weights_of(config: EnvConfig, actions: list[torch.Tensor], n: int) -> np.ndarray:
    """Target weights f64[A, H] that account n's actions ask for."""
    if config.actions == "discrete":
        return np.array(config.levels)[[int(action[n]) for action in actions]][np.newaxis]
    low = -config.largest if config.short else 0.0
    return np.clip(np.array([action[n].numpy().astype(np.float64) for action in actions]), low, config.largest).T


def simulated(tape: Tape, start: int, weights: np.ndarray, costs: CostsConfig, options: Options) -> Track:
    """What the simulator makes of targets from bar `start` on, all symbols of the tape in one account."""
    decided = np.arange(tape.present.shape[1]) >= start
    whole = np.zeros(tape.present.shape)
    whole[:, start : start + weights.shape[1]] = weights
    volatility = tape.volatility if options.in_volatilities else None
    outside = Outside(volatility, tape.outside.funding_rate)
    return simulate(tape.prices, tape.present, whole, decided, costs, options=options, outside=outside)
