"""Stable-Baselines3's PPO on CartPole-v1 in 8 environments: environment steps a CPU second, learning included."""

import sys
import time

import torch
from serve import serve
from stable_baselines3 import PPO  # pyright: ignore[reportMissingImports] - lives in the environment of the peer
from stable_baselines3.common.env_util import make_vec_env  # pyright: ignore[reportMissingImports] - lives in the environment of the peer

STEPS = 20_480
SETTINGS = {
    "same": {"n_steps": 128, "batch_size": 256, "n_epochs": 4, "ent_coef": 0.01},
    "default": {},  # 2,048 steps, minibatches of 64, 10 epochs
}

kind, shared = sys.argv[1], sys.argv[2] == "shared"
torch.set_num_threads(torch.get_num_threads())
policy = {"activation_fn": torch.nn.ReLU if shared else torch.nn.Tanh, "net_arch": {"pi": [64, 64], "vf": [64, 64]}}
model = PPO("MlpPolicy", make_vec_env("CartPole-v1", 8), policy_kwargs=policy, device="cpu", **SETTINGS[kind])


def run() -> dict[str, float]:
    before, cpu, wall = model.num_timesteps, time.process_time(), time.perf_counter()
    model.learn(STEPS, reset_num_timesteps=False)
    steps = model.num_timesteps - before
    return {"cpu": steps / (time.process_time() - cpu), "wall": steps / (time.perf_counter() - wall)}


serve(run)
