"""Threads that wait asleep, whatever is imported first; memory that is kept within a block and handed back after it."""

import os
import subprocess
import sys

import pytest
import torch

from edgeproof.core.device import kept_memory, one_thread_each, torch_device
from edgeproof.core.errors import ConfigError

SAY = "import os, torch; print(os.environ.get('OMP_WAIT_POLICY'), set_threads(), torch.get_num_threads())"
EDGEPROOF = "import edgeproof; from edgeproof.core.device import set_threads"
OPENMP = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_NUM_THREADS", "EDGEPROOF_THREADS")


def said(*lines, **variables):
    """What a new process prints, and what it says on stderr."""
    around = {name: value for name, value in os.environ.items() if name not in OPENMP}
    command = [sys.executable, "-c", "; ".join((*lines, SAY))]
    done = subprocess.run(command, env=around | variables, capture_output=True, text=True, check=True)
    return done.stdout.split(), done.stderr


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has no second thread")
def test_edgeproof_first_gets_all_threads_asleep():
    (policy, returned, used), heard = said(EDGEPROOF)
    assert (policy, returned) == ("passive", used)
    assert int(used) >= 1
    assert not heard


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has no second thread")
def test_torch_first_gets_one_thread_and_says_so():
    (_, returned, used), heard = said("import torch", EDGEPROOF)
    assert (returned, used) == ("1", "1")
    assert heard.count("torch was imported before edgeproof") == 1


def test_what_a_user_set_stands():
    """A policy or a number of threads that was asked for, with torch first: neither is changed, nothing is said."""
    (policy, _, _), heard = said("import torch", EDGEPROOF, OMP_WAIT_POLICY="active")
    assert (policy, heard) == ("active", "")
    (_, returned, _), heard = said("import torch", EDGEPROOF, EDGEPROOF_THREADS="2")
    assert (returned, heard) == ("2", "")


def test_torch_has_one_thread_within_the_block_and_its_own_number_after_it():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(ValueError, match="broken"), one_thread_each():
            assert torch.get_num_threads() == 1
            raise ValueError("broken")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the kernel's counters")
def test_memory_is_kept_within_the_block():
    """100 MB that are freed and asked for again touch no new pages; after the block they are handed back."""
    script = """
import resource, numpy
from edgeproof.core.device import kept_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    numpy.ones(12_500_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
def resident():
    return next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmRSS'))
before = resident()
with kept_memory():
    first, second = faults(), faults()
print(first, second, resident() - before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    first, second, left_kb = map(int, done.stdout.split())
    assert second < first / 10
    assert left_kb < 20_000


def test_what_is_raised_goes_through():
    with pytest.raises(ZeroDivisionError), kept_memory():
        _ = 1 / 0


@pytest.mark.parametrize("name", ["foo", "cpu:1", "cuda:x", "cuda:", "meta", ""])
def test_a_device_that_does_not_exist_is_refused_in_one_line(name):
    with pytest.raises(ConfigError, match=r"train\.device=.*: no such device; use cpu, cuda"):
        torch_device(name)


def test_the_processor_is_a_device():
    assert torch_device("cpu").type == "cpu"
