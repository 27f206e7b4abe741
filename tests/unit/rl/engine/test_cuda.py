"""The environment's device path on Numba's CUDA simulator: the bytes of the processor's; a clear word without a GPU."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from edgeproof.core.errors import ConfigError
from edgeproof.rl import reward
from edgeproof.rl.engine import desk, kernel, observe
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.simulator.costs import CostsConfig
from tests.unit.rl.engine.cuda_process import CASES
from tests.unit.rl.scene import tape_of

ROOT = Path(__file__).parents[4]
ABOUT = {"price_of", "account_numbers", "open_desk", "open_screen", "turned"}
EVERYWHERE = {"abs", "int", "float", "range", "math.log", "math.sqrt", "np.uint64", "register_jitable", "numba.njit"}
AROUND = {"step_accounts", "_look_ahead"}  # loops over accounts, which a device's threads are instead


def test_the_cuda_simulator_steps_accounts_to_the_last_bit():
    command = [sys.executable, "-W", "error", "-m", "tests.unit.rl.engine.cuda_process"]
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "EDGEPROOF_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    equal, ended, refused, learned = done.stdout.split() or ("", "0", "", done.stderr)
    assert equal == str(len(CASES)), done.stderr
    assert int(ended) > 30
    assert refused == "True"
    assert learned == "True"  # on the device, on the processor, and from one to the other


def test_a_device_s_thread_calls_nothing_but_the_kernel_and_what_every_target_compiles():
    # Numba's own min and max, for one, run on its CUDA simulator and do not compile for a GPU
    called, own = set(), set()
    for module in (kernel, observe, reward, desk):
        for node in ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                own.add(node.name)
                if isinstance(node, ast.FunctionDef) and node.name not in ABOUT | AROUND:
                    called |= {ast.unparse(inner.func) for inner in ast.walk(node) if isinstance(inner, ast.Call)}
    simulator = {"Account", "Feed", "decide", "open_bar", "close_bar", "ruin", "larger", "smaller"}
    assert called - own - simulator - EVERYWHERE == set()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_without_a_gpu_the_environment_says_so(device):
    with pytest.raises(ConfigError, match=f"environment: device={device}: no CUDA device on this machine; use cpu"):
        MarketEnv(tape_of(0), EnvConfig(episode_bars=5), CostsConfig(), accounts=2, device=device)
