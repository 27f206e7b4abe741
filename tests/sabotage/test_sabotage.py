"""Each planted fault turns a named test red; without a fault every one of these tests is green."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from tests.sabotage.fault import Fault, Mode
from tests.sabotage.faults import FAULTS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
# the file of the package that is found is printed first, then pytest runs in the same process
START = (
    "import sys, pytest; from importlib.util import find_spec; print(find_spec('edgeproof').origin, flush=True); "
    "sys.exit(pytest.main(sys.argv[1:]))"
)
WORDS = ("-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-p", "no:randomly", "--hypothesis-seed=0", "--tb=short")
# such a failure says that the changed source does not run, not that its answer is wrong
NO_NOTICE = re.compile(r"(Syntax|Indentation|Name|Import|ModuleNotFound|UnboundLocal|Attribute|Type|Index)Error")


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """A copy of the source with its compiled parts, which fit as long as the times of the files do."""
    where = tmp_path / "src"
    shutil.copytree(ROOT / "src", where, ignore=shutil.ignore_patterns("*.tmp.*", "*.pyc.*", "*.egg-info"))
    yield where
    shutil.rmtree(where)


def pytest_on(copy: Path, tests: tuple[str, ...], *, mode: Mode) -> subprocess.CompletedProcess[str]:
    """Run tests of the working tree on the copied source."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(copy), os.environ.get("PYTHONPATH", "")))),
        "PYTEST_ADDOPTS": "",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(copy.parent / "hypothesis"),
        "NUMBA_DISABLE_JIT": "1" if mode == "interpreted" else "0",
        "EDGEPROOF_THREADS": "1",
    }
    for name in [name for name in environment if name.startswith("PYTEST_XDIST")]:
        del environment[name]
    plugin = ("-p", "tests.sabotage.interpreted") if mode == "kernel" else ()
    command = [sys.executable, "-c", START, *WORDS, *plugin, *tests]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[:1] == [str(copy / "edgeproof" / "__init__.py")], done.stdout + done.stderr
    return done


def put_in(fault: Fault, copy: Path) -> None:
    file = copy / "edgeproof" / fault.file
    text = file.read_text()
    assert text.count(fault.before) == 1, f"the fault no longer fits: update it ({fault.name}, {fault.file})"
    assert fault.after != fault.before
    changed = text.replace(fault.before, fault.after)
    compile(changed, str(file), "exec")
    file.write_text(changed)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_is_noticed(fault: Fault, copy: Path) -> None:
    put_in(fault, copy)
    done = pytest_on(copy, fault.tests, mode=fault.mode)
    said = done.stdout[-4000:] + done.stderr[-1000:]
    assert done.returncode == 1, f"{fault.name}: {fault.why}; no test noticed\n{said}"
    assert re.search(r"\b\d+ failed\b", said), said
    assert not re.search(r"\b\d+ errors?\b", said), said
    assert not NO_NOTICE.search(said), said


@pytest.mark.parametrize("mode", get_args(Mode))
def test_without_a_fault_every_named_test_is_green(copy: Path, mode: Mode) -> None:
    named = dict.fromkeys(test for fault in FAULTS if fault.mode == mode for test in fault.tests)
    done = pytest_on(copy, tuple(named), mode=mode)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


def test_there_are_enough_of_them_and_each_has_its_name() -> None:
    assert len(FAULTS) >= 25
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
