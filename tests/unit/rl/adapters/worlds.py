"""Environments of ours that adapters are tried on: a market with a table, one written out, and a chain."""

from typing import Literal

import torch

from edgeproof.rl.chain import CUT, ENDS, GOES_ON, Chain, ChainEnvironment
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.interface import Observation
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.simulator.costs import CostsConfig
from tests.unit.rl.scene import tape_of

# 0 -> 1 -> 2 by action 0 (cut off there), ruin by action 1
STAIRS = Chain(
    ((0.0,), (1.0,), (2.0,)),
    ((1, -1), (2, -2), (3, -3)),
    ((1, 0), (2, 1), (2, 2)),
    ((GOES_ON, ENDS), (GOES_ON, ENDS), (CUT, ENDS)),
    (1, 0, 0),
)


def stairs(accounts=1):
    return ChainEnvironment(STAIRS, accounts)


def market(
    accounts=1,
    *,
    gathered=False,
    assets=1,
    actions: Literal["discrete", "continuous"] = "discrete",
    episode_bars=12,
):
    config = EnvConfig(actions=actions, assets=assets, episode_bars=episode_bars)
    return MarketEnv(tape_of(3, window=4), config, CostsConfig(), accounts=accounts, gathered=gathered)


def whole(environment, observation: Observation):
    """What `gathered` writes, by a plain loop over accounts."""
    if observation.index is None:
        return observation.dense.clone()
    table, window = environment.layout.table, environment.layout.window
    rows = [table[i - window + 1 : i + 1].flatten() for i in observation.index.tolist()]
    return torch.cat((torch.stack(rows), observation.dense), 1)
