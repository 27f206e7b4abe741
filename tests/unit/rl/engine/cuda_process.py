"""Run by `test_cuda.py` in its own process: environments on Numba's CUDA simulator beside those of the processor.

Prints how many were equal to the last bit in every step, how many episodes ended in them, whether an action that is
none moved nothing, and whether agents learned the same.
"""

import contextlib
import dataclasses
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edgeproof.core.errors import TrainError
from edgeproof.core.rng import Rng
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.ppo import TrainedAgent, train_ppo
from edgeproof.rl.settings import PpoConfig
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


class _StopError(Exception):
    pass


def trained(devices: tuple[str, ...], folder: Path) -> TrainedAgent:
    """An agent that learns two updates on each of these devices, in one training."""
    tape = dataclasses.replace(tape_of(7, 2, 40, window=3), span=slice(4, 36))
    small = {"steps": 4, "accounts": 3, "minibatch": 4, "total_steps": 24 * len(devices), "precision": "fp32"}
    body = {**small, "net": {"actor": [4], "critic": [4]}, "save_seconds": 0, "normalise_observations": True}

    for number, device in enumerate(devices, 1):

        def watch(row: Mapping[str, Any], number: int = number) -> None:
            if row["update"] == 2 * number and number < len(devices):
                raise _StopError

        world = MarketEnv(tape, EnvConfig(episode_bars=4), COSTS, accounts=3, members=(0, 4), device=device)
        configs = [PpoConfig.model_validate(body | {"device": device})] * 2
        with contextlib.suppress(_StopError):
            return train_ppo(world, configs, rng=Rng(1), folder=folder, watch=watch)
    raise AssertionError


def learned() -> bool:
    """Trainings on the device, on the processor, and from one to the other and back end with the same weights."""
    with tempfile.TemporaryDirectory() as place:
        ways = (("cpu",) * 3, ("cuda",) * 3, ("cuda", "cpu", "cuda"))
        found = [trained(way, Path(place) / str(number)).sha for number, way in enumerate(ways)]
    return len(set(found)) == 1


def main() -> None:
    found = [stepped(number) for number in range(len(CASES))]
    said = (sum(equal for equal, _ in found), sum(ended for _, ended in found), refused(), learned())
    sys.stdout.write(" ".join(map(str, said)) + "\n")


if __name__ == "__main__":
    main()
