"""FinRL's StockTradingEnv on one ticker, from its own file (MIT), unchanged: nanoseconds of CPU time a step.

    finrl_environment.py FILE PRICES.npz STEPS

Stable-Baselines3 is imported by the file for a wrapper that is not used here: a name stands in for it.
"""

import runpy
import sys
import time
import types

import numpy as np
import pandas as pd
from serve import serve

file, prices, steps = sys.argv[1], np.load(sys.argv[2])["close"], int(sys.argv[3])
for name in ("stable_baselines3", "stable_baselines3.common", "stable_baselines3.common.vec_env"):
    sys.modules[name] = types.ModuleType(name)
setattr(sys.modules["stable_baselines3.common.vec_env"], "DummyVecEnv", None)  # noqa: B010 - a module that declares none
module = runpy.run_path(file)

days = 2_500
frame = pd.DataFrame({"date": np.arange(days).astype(str), "tic": "A", "close": prices[:days], "macd": 0.1, "rsi": 0.2})
env = module["StockTradingEnv"](
    df=frame,
    stock_dim=1,
    hmax=100,
    initial_amount=1_000_000,
    num_stock_shares=[0],
    buy_cost_pct=[0.0005],
    sell_cost_pct=[0.0005],
    reward_scaling=1e-4,
    state_space=5,
    action_space=1,
    tech_indicator_list=["macd", "rsi"],
    print_verbosity=10**9,
)
actions = np.random.default_rng(0).uniform(-1.0, 1.0, (steps, 1))


def run() -> float:
    env.reset()
    started = time.process_time()
    for action in actions:
        if env.step(action)[2]:
            env.reset()
    return (time.process_time() - started) / steps * 1e9


serve(run)
