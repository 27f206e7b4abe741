"""Run by `test_cuda.py` in its own process: environments on Numba's CUDA simulator beside those of the processor.

Prints how many were equal to the last bit in every step, and how many episodes ended in them.
"""

import dataclasses
import sys

import numpy as np
import torch

from edgeproof.core.errors import TrainError
from edgeproof.core.rng import Rng
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.options import Options
from tests.unit.rl.scene import copied, kept, random_actions, tape_of

COSTS = CostsConfig(commission_bps=4.0, half_spread_bps=1.0, borrow_bps_per_bar=0.5)
STEPS = 9
CASES = (
    ({}, Options(stop_loss=0.02, take_profit=0.02), False, 0.02),
    ({"reward": {"name": "weighted", "exploration_steps": 20}}, Options(take_profit=0.01), True, 0.02),
    ({"reward": "differential_sharpe"}, Options(), False, 0.02),
    ({"actions": "continuous", "assets": 2, "largest": 0.8}, Options(lot=1e-3, stop_volatilities=1.0), True, 0.02),
    (
        {"actions": "continuous", "assets": 2, "largest": 3.0},
        Options(leverage=6.0, maintenance_margin=0.05),
        False,
        0.2,
    ),
    ({"starts": "first", "episode_bars": 0}, Options(delisting_bars=2), False, 0.02),
)


def pair(number: int) -> list[MarketEnv]:
    """The same environment twice: on the device, and on the processor."""
    body, options, gathered, volatility = CASES[number]
    tape = tape_of(number, 2, 40, gaps=0.05, window=3, volatility=volatility)
    tape = dataclasses.replace(tape, span=slice(4, 36))
    config = EnvConfig.model_validate({"episode_bars": 4, **body})
    more = {"accounts": 3, "members": (0, 4), "gathered": gathered}
    return [MarketEnv(tape, config, COSTS, options, device=device, **more) for device in ("cuda", "cpu")]


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """Every array to the last bit; last observations count where an episode has ended."""
    ended = other["terminated"] | other["truncated"]
    return one.keys() == other.keys() and all(
        (one[name][ended] if name.startswith("final") else one[name]).tobytes()
        == (part[ended] if name.startswith("final") else part).tobytes()
        for name, part in other.items()
    )


def stepped(number: int) -> tuple[bool, int]:
    """One case, put down and taken up on the way: whether all was equal, and how many episodes ended."""
    device, plain = pair(number)
    first = [copied(env.reset(Rng(number))) for env in (device, plain)]
    equal, ended = all(np.array_equal(one, other) for one, other in zip(*first, strict=True) if one is not None), 0
    for action in random_actions(plain, STEPS, seed=number):
        one, other = kept(device.step(action)), kept(plain.step(action))
        equal, ended = equal and same(one, other), ended + int((other["terminated"] | other["truncated"]).sum())
        device.restore(plain.state())
    states = device.state(), plain.state()
    return equal and all(states[0][name].tobytes() == part.tobytes() for name, part in states[1].items()), ended


def refused() -> bool:
    """An action that is none moves nothing."""
    env = pair(0)[0]
    env.reset(Rng(0))
    before = env.state()
    try:
        env.step(torch.tensor([0, 1, 2, 3, 1, 0]))
    except TrainError as error:
        return "action 3 of account 3" in str(error) and all((env.state()[k] == v).all() for k, v in before.items())
    return False


def main() -> None:
    found = [stepped(number) for number in range(len(CASES))]
    sys.stdout.write(f"{sum(equal for equal, _ in found)} {sum(ended for _, ended in found)} {refused()}\n")


if __name__ == "__main__":
    main()
