"""Threads that stand by: each piece of work is done once by those who came, errors are told, and threads end."""

import gc
import threading
import time

import pytest

from edgeproof.rl.learning.crew import Crew


def test_every_piece_is_done_once_over_many_rounds() -> None:
    crew, done = Crew(3), []
    for number in range(500):
        pieces = iter(range(7))

        def work(number: int = number, pieces=pieces) -> None:
            done.extend((number, piece) for piece in pieces)

        crew.do(work)
    assert sorted(done) == [(number, piece) for number in range(500) for piece in range(7)]


def test_what_is_begun_is_waited_for() -> None:
    crew, both, ended = Crew(1), threading.Barrier(2), []

    def work() -> None:
        both.wait(timeout=20)  # both threads are in their work
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.05)
            ended.append(True)

    crew.do(work)
    assert ended == [True]


@pytest.mark.parametrize("here", [True, False])
def test_an_error_of_any_thread_is_told_and_the_crew_goes_on(here: bool) -> None:
    crew, both = Crew(1), threading.Barrier(2)

    def work() -> None:
        both.wait(timeout=20)
        if (threading.current_thread() is threading.main_thread()) == here:
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        crew.do(work)
    crew.do(lambda: None)


def test_threads_end_with_their_crew() -> None:
    before = set(threading.enumerate())
    crew = Crew(2)
    own = set(threading.enumerate()) - before
    assert len(own) == 2
    del crew
    gc.collect()
    for thread in own:
        thread.join(timeout=20)
        assert not thread.is_alive()
