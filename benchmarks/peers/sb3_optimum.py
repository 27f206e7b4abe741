"""Stable-Baselines3's PPO on a known-truth market until it earns 90% of the best: see benchmarks/time_to_optimum.py.

sb3_optimum.py KIND ACCOUNTS BATCH SEED CPU_SECONDS         (KIND: own, or ours)
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edgeproof.core.device import set_threads
from edgeproof.rl.adapters.sb3 import as_vec_env
from edgeproof.rl.adapters.shown import written
from time_to_optimum import Scene, reach, scene

ROLLOUT = 16_384  # steps of all environments, with our settings


def settings_of(kind: str, on: Scene, accounts: int) -> dict[str, Any]:
    """Its own defaults, with 2,048 steps of every environment; or those that ours learns with."""
    agent = on.agent
    net = {"net_arch": {"pi": list(agent.net.actor), "vf": list(agent.net.critic)}}
    if kind == "own":
        return {"gamma": agent.gamma, "policy_kwargs": net}
    return {
        "n_steps": ROLLOUT // accounts,
        "n_epochs": agent.epochs,
        "learning_rate": agent.lr,
        "gamma": agent.gamma,
        "gae_lambda": agent.gae_lambda,
        "ent_coef": agent.entropy,
        "policy_kwargs": net,
    }


def main(kind: str, accounts: int, batch: int, seed: int, limit_s: float) -> None:
    import torch
    from stable_baselines3 import PPO  # pyright: ignore[reportMissingImports] - lives in the environment of the peer

    set_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        on: Scene = scene(Path(folder))
    world = on.environment(accounts)
    write = written(world)
    vectors, settings = as_vec_env(world, seed), settings_of(kind, on, accounts)
    model = PPO("MlpPolicy", vectors, batch_size=batch, seed=seed, device="cpu", **settings)
    rollout = model.n_steps * accounts

    def learn() -> int:
        model.learn(rollout, reset_num_timesteps=False)
        return model.num_timesteps

    def act(observation: object) -> torch.Tensor:
        return torch.from_numpy(model.predict(write(observation), deterministic=True)[0])

    print(json.dumps(reach(learn, lambda: on.share(act), limit_s)), flush=True)


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
