"""TorchTrade's vectorised environment on one symbol, window 12, two features: nanoseconds of CPU time an account-step.

    torchtrade_environment.py PRICES.npz ACCOUNTS STEPS

Driven by its own `_step` and `_reset`, without TorchRL's wrapping around them, which only costs time.
"""

import sys
import time

import numpy as np
import pandas as pd
import torch
from serve import serve
from tensordict import TensorDict  # pyright: ignore[reportMissingImports] - lives in the environment of the peer
from torchtrade.envs.offline.vectorized_sequential import (  # pyright: ignore[reportMissingImports] - the same
    VectorizedSequentialTradingEnv,
    VectorizedSequentialTradingEnvConfig,
)

data, accounts, steps = np.load(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(1)
frame = pd.DataFrame({name: data[name] for name in ("open", "high", "low", "close", "volume")})
frame.insert(0, "timestamp", pd.date_range("2020-01-01", periods=len(frame), freq="1h"))


def features(frame: pd.DataFrame) -> pd.DataFrame:
    """Close location and body share, as ours has them."""
    frame = frame.reset_index()
    spread = (frame["high"] - frame["low"]).clip(lower=1e-12)
    frame["features_location"] = (frame["close"] - frame["low"]) / spread
    frame["features_body"] = (frame["close"] - frame["open"]) / spread
    return frame


config = VectorizedSequentialTradingEnvConfig(
    num_envs=accounts,
    time_frames="1Hour",
    window_sizes=12,
    execute_on="1Hour",
    transaction_fee=0.0004,
    slippage=0.0001,
    max_traj_length=512,
    leverage=2,
)
env = VectorizedSequentialTradingEnv(frame, config, features)
draw = torch.Generator().manual_seed(0)
actions = [torch.randint(0, 3, (accounts,), generator=draw) for _ in range(50)]
env.reset()


def run() -> float:
    started = time.process_time()
    for k in range(steps):
        seen = env._step(TensorDict({"action": actions[k % 50]}, batch_size=[accounts]))
        done = seen["done"]
        if done.any():
            env._reset(TensorDict({"_reset": done}, batch_size=[accounts]))
    return (time.process_time() - started) / (steps * accounts) * 1e9


serve(run)
