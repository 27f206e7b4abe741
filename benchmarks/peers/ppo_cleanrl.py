"""CleanRL's `ppo.py` as it is, on CartPole-v1 in 8 environments: environment steps a CPU second, learning included.

It is a file, not a package: its place is given. Its logging is left out, which is in its favour.
"""

import runpy
import sys
import time
import types
from typing import Any

from serve import serve

STEPS = 20_480


class Silent:
    """Stands in for TensorBoard's writer."""

    def __init__(self, *_: Any) -> None:
        pass

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: None


def told(name: str, **contents: Any) -> None:
    """Put a module in place of one that would only log or read the command line."""
    module = types.ModuleType(name)
    module.__dict__.update(contents)
    sys.modules[name] = module


told("torch.utils.tensorboard", SummaryWriter=Silent)
told("tyro", cli=lambda kind: kind(num_envs=8, total_timesteps=STEPS, cuda=False))


def run() -> dict[str, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    runpy.run_path(sys.argv[1], run_name="__main__")
    return {"cpu": STEPS / (time.process_time() - cpu), "wall": STEPS / (time.perf_counter() - wall)}


serve(run)
