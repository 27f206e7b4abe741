"""Run by `test_device.py` in its own process: whole trainings on a device that is none (`far`), beside the processor's.

Prints how many ended with the processor's weights, whether one that was taken up on the other device did too, and
whether what lies on both was refused.
"""

import dataclasses
import sys
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import torch

from edgeproof.core.rng import Rng
from edgeproof.rl.agent import Agent
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.interface import Observation
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.ppo import TrainedAgent, train_ppo
from edgeproof.rl.settings import PpoConfig
from edgeproof.simulator.costs import CostsConfig
from tests.unit.rl.far import FAR, Afar, far
from tests.unit.rl.scene import tape_of

ACCOUNTS, STEPS, UPDATES = 8, 5, 2
BODY = {
    "steps": STEPS,
    "accounts": ACCOUNTS,
    "minibatch": 20,
    "epochs": 2,
    "total_steps": STEPS * ACCOUNTS * UPDATES,
    "precision": "fp64",
    "net": {"actor": [8], "critic": [8]},
    "save_seconds": 0,
}
CASES: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"normalise_observations": True, "normalise_rewards": True}, {}),
    ({"target_kl": 1e-5, "clip_schedule": "linear"}, {}),
    ({"clip_value": True, "normalise_observations": True}, {"actions": "continuous", "largest": 0.5}),
    ({"net": {"actor": [8], "critic": [8], "shared": True, "activation": "silu"}}, {"reward": "weighted"}),
    ({"encoder": {"name": "learned", "model": {"name": "mlp", "hidden": [4]}}}, {}),
)


class _StopError(Exception):
    pass


def world(body: Mapping[str, Any]) -> MarketEnv:
    """Two members' accounts, in episodes of four bars."""
    tape = dataclasses.replace(tape_of(7, 2, 60, window=3), span=slice(4, 56))
    config, costs = EnvConfig.model_validate({"episode_bars": 4, **body}), CostsConfig(commission_bps=4.0)
    return MarketEnv(tape, config, costs, accounts=ACCOUNTS, members=(0, 4))


def acts(agent: Agent) -> dict[str, list[float]]:
    """A validation, which is the processor's."""
    seen = Observation(torch.zeros(4, agent.inputs.dense), torch.full((4,), 5))
    assert agent.act(seen).device.type == "cpu"
    return {"score": agent.policy.flat.mean(1).tolist()}


def trained(number: int, folder: str, *, away: bool, stop: int = 0) -> TrainedAgent | None:
    """A training here or far, perhaps broken off after so many updates."""
    body, market = CASES[number]

    def watch(row: Mapping[str, Any]) -> None:
        if row["update"] == stop:
            raise _StopError

    device = "cuda" if away else "cpu"
    configs = [PpoConfig.model_validate({**BODY, **body, "device": device, "lr": lr}) for lr in (1e-3, 3e-3)]
    with far() if away else nullcontext(), suppress(_StopError):
        where: Any = Afar(world(market)) if away else world(market)
        return train_ppo(where, configs, rng=Rng(1), folder=Path(folder), validate=acts, watch=watch)
    return None


def gap(number: int) -> float:
    """The largest difference of a weight, and of what the history tells."""
    with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as there:
        near, away = trained(number, here, away=False), trained(number, there, away=True)
    assert near is not None
    assert away is not None
    assert (near.devices, away.devices) == (("cpu",), (FAR.type,))
    told = [[row[name] for row in one.history for name in ("loss", "kl", "reward")] for one in (near, away)]
    weights = (near.agent.policy.flat - away.agent.policy.flat).abs().max()
    return max(float(weights), float((torch.tensor(told[0]) - torch.tensor(told[1])).abs().max()))


def moved() -> float:
    """The largest difference to a training in a piece, of one that is taken up on the other device, each way."""
    with tempfile.TemporaryDirectory() as whole:
        right, found = trained(0, whole, away=False), []
    assert right is not None
    for first in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            assert trained(0, folder, away=first, stop=1) is None
            again = trained(0, folder, away=not first)
        assert again is not None
        assert len(again.devices) == 2
        found.append(float((right.agent.policy.flat - again.agent.policy.flat).abs().max()))
    return max(found)


def refused() -> int:
    """How many of these are refused: sums, products, chosen rows and reads that a GPU refuses too."""
    count = 0
    with far():
        here, there, rows = torch.ones(3, 3), torch.ones(3, 3, device=FAR), torch.arange(2)
        for wrong in (
            lambda: here + there,
            lambda: there @ here,
            lambda: torch.where(here > 0, there, there),
            lambda: there.index_select(0, rows),
            lambda: here[rows.to(FAR)],
            lambda: torch.cat((here, there)),
            lambda: there.addcmul_(here, here),
            there.numpy,
        ):
            try:
                wrong()
            except (AssertionError, RuntimeError, TypeError):
                count += 1
        assert (there[rows] + 1).device == FAR
    return count


def main() -> None:
    sys.stdout.write(f"{sum(gap(number) < 1e-12 for number in range(len(CASES)))} {moved() < 1e-12} {refused()}\n")


if __name__ == "__main__":
    main()
