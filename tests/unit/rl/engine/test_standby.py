"""Threads that share a step: each range is done once in each step, by whoever is there, and threads end."""

import gc
import os
import threading
import time

import numba
import numpy as np
import pytest

from edgeproof.rl.engine import standby
from edgeproof.rl.engine.standby import FIRST, LAST, OWN, STEP, THREADS, Standby, done, ended, entered, next_range
from edgeproof.rl.engine.words import load, relax


@numba.njit(nogil=True)
def _begun(words: np.ndarray) -> bool:
    """Whether a range of the step is taken."""
    ranges, begun = OWN + 2 * load(words, THREADS), False
    for k in range(ranges, words.shape[0]):
        begun |= load(words, k) == load(words, STEP)
    return begun


@numba.njit(nogil=True)
def _count(me: int, words: np.ndarray, counts: np.ndarray, slowly: int) -> bool:
    """Counts what is done to each account; if `slowly`, the calling thread lets others begin, which take their time."""
    while entered(me, words):
        while slowly > 0 and me == 0 and not _begun(words):
            relax()
        k = next_range(me, words)
        while k > 0:
            for _ in range(slowly if me else 0):
                relax()
            for n in range(words[k, FIRST], words[k, LAST]):
                counts[n, me] += 1
            done(words)
            k = next_range(me, words)
        if me == 0:
            return ended(words)
    return False


def shared(edges, threads, slowly=0):
    """Threads that count, and what they have counted: i64[N, threads]."""
    counts = np.zeros((edges[-1], threads), np.int64)
    return Standby(lambda me, words: _count(me, words, counts, slowly), edges, threads), counts


def asleep(crew, threads):
    """Whether all threads but the calling one sleep."""
    return all(crew._words[OWN + 2 * me + 1, 0] == 1 for me in range(1, threads))


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("edges", [[0, 5], [0, 1, 4, 4, 9, 12, 13, 20]])
def test_every_range_is_done_once_in_each_step(threads, edges):
    crew, counts = shared(edges, threads)
    for number in range(400):
        crew.step()
        assert (counts.sum(axis=1) == number + 1).all()
        if number % 50 == 0:
            time.sleep(0.002)  # the others go to sleep


def test_what_others_have_begun_is_waited_for_and_they_do_their_part():
    crew, counts = shared([*range(9)], 3, slowly=20_000)
    for number in range(30):
        crew.step()
        assert (counts.sum(axis=1) == number + 1).all()
    assert counts[:, 1:].sum() >= 30


def test_threads_sleep_where_no_step_comes_and_wake_for_the_next_one():
    crew, counts = shared([*range(7)], 3)
    for number in range(5):
        crew.step()
        until = time.monotonic() + 60.0
        while not asleep(crew, 3) and time.monotonic() < until:
            time.sleep(0.001)
        assert asleep(crew, 3)
        assert (counts.sum(axis=1) == number + 1).all()


def test_threads_end_with_their_owner_asleep_or_not():
    for pause in (0.0, 0.05):
        before = set(threading.enumerate())
        crew, _ = shared([*range(7)], 3)
        own = set(threading.enumerate()) - before
        assert len(own) == 2
        crew.step()
        time.sleep(pause)
        del crew
        gc.collect()
        for thread in own:
            thread.join(timeout=60)
            assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("sleeping", [True, False])
def test_a_forked_process_has_no_other_threads_and_does_it_all(sleeping):
    crew, counts = shared([*range(7)], 3)
    crew.step()
    while sleeping and not asleep(crew, 3):
        time.sleep(0.001)
    child = os.fork()
    if child == 0:
        for _ in range(20):
            crew.step()
        del crew
        os._exit(0 if (counts.sum(axis=1) == 21).all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    crew.step()
    assert (counts.sum(axis=1) == 2).all()


def test_a_step_after_an_interrupted_one_waits_for_what_was_begun(monkeypatch):
    crew, counts = shared([*range(9)], 2, slowly=300_000)

    def interrupted(_seconds):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(standby.time, "sleep", interrupted)
        crew.step()
    crew.step()
    assert (counts.sum(axis=1) == 2).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_step_that_was_interrupted_before_it_began_is_made_up_for(threads, monkeypatch):
    crew, counts = shared([*range(9)], threads)
    crew.step()

    def interrupted(_me, _words):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(crew, "_run", interrupted)
        crew.step()
    crew.step()
    assert (counts.sum(axis=1) == 3).all()


def test_a_machine_of_more_cores_than_a_word_has_bits():
    crew, counts = shared([*range(81)], 80)
    for number in range(3):
        crew.step()
        until = time.monotonic() + 60.0
        while not asleep(crew, standby.MOST) and time.monotonic() < until:
            time.sleep(0.001)
        assert asleep(crew, standby.MOST)
        assert (counts.sum(axis=1) == number + 1).all()
