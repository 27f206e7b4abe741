"""Random markets and options for the tests of the environment, on the simulator's own."""

import numpy as np

from edgeproof.core.rng import Rng
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.tape import Tape
from edgeproof.simulator.feed import Outside
from tests.unit.simulator.cases import market


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


def begun(env: MarketEnv, seed: int = 0) -> MarketEnv:
    """The environment after its reset."""
    env.reset(Rng(seed))
    return env
