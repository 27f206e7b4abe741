"""The GPU's path on Numba's CUDA simulator: the same bytes as the interpreted engine; a clear word without a GPU."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import cuda

from edgeproof.core.errors import OptionError
from edgeproof.simulator import account, fill, hold, settle
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
from tests.unit.simulator.cases import market

ROOT = Path(__file__).parents[3]


def test_the_cuda_simulator_runs_the_same_path_to_the_last_bit():
    command = [sys.executable, "-W", "error", "-m", "tests.unit.simulator.cuda_process", "12"]
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "12\n", done.stderr


def test_the_kernel_calls_nothing_but_itself_and_what_every_target_compiles():
    # Numba's own min and max, for one, run on its CUDA simulator and do not compile for a GPU
    trees = [
        ast.parse(Path(str(kernel.__file__)).read_text(encoding="utf-8")) for kernel in (account, fill, hold, settle)
    ]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    called = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    assert called - own <= {"abs", "int", "math.floor", "math.sqrt", "range", "register_jitable"}


@pytest.mark.skipif(cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_the_engine_says_so():
    rng = np.random.default_rng(0)
    with pytest.raises(OptionError, match="no CUDA GPU here; use engine='njit'"):
        simulate(
            market(rng, 1, 3),
            np.ones((1, 3), bool),
            np.ones((1, 3)),
            np.ones(3, bool),
            CostsConfig(),
            engine="cuda",
        )
