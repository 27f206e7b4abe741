"""Ctrl-C while an agent learns: the running update is finished and kept, and the same call ends with the same bytes."""

import signal

import pytest

from edgeproof.cli import main
from edgeproof.core import files
from edgeproof.core.container import read_container
from edgeproof.core.errors import Interrupted, OptionError
from edgeproof.core.progress import Progress
from edgeproof.rl.ppo import AGENT
from edgeproof.rl.standing import LAST
from tests.unit.rl.small_worlds import Signs
from tests.unit.rl.test_ppo import config, train

UPDATES = 6


@pytest.fixture(autouse=True, params=["python", "command line"])
def handled(request):
    """Ctrl-C as Python has it, and as the command line has it."""
    handlers = {"python": signal.default_int_handler, "command line": main._interrupt}
    before = signal.signal(signal.SIGINT, handlers[request.param])
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def interrupted(monkeypatch):
    """Train into a folder, and press Ctrl-C within a step of each of these updates, so many times."""

    def run(folder, *updates, times=1, **more):
        steps, whole = [], Signs.step

        def step(self, action):
            steps.append(1)
            if len(steps) % 16 == 7 and (len(steps) + 15) // 16 in updates:
                for _ in range(times):
                    signal.raise_signal(signal.SIGINT)
            return whole(self, action)

        with monkeypatch.context() as patched:
            patched.setattr(Signs, "step", step)
            return train(folder, config(UPDATES), config(UPDATES), **more)

    return run


def kept(folder):
    return read_container(folder / LAST)[1]["standing"]["update"]


def test_before_the_first_checkpoint_the_last_whole_update_is_kept(interrupted, tmp_path):
    whole, lines = train(tmp_path / "whole", config(UPDATES), config(UPDATES)), []
    with pytest.raises(Interrupted, match=f"kept up to update 3/{UPDATES}; the same command goes on from there"):
        interrupted(tmp_path / "cut", 3, progress=Progress("update", UPDATES, write=lines.append))
    assert kept(tmp_path / "cut") == 3
    assert sum("stopping after this update" in line for line in lines) == 1
    with pytest.raises(Interrupted, match=f"kept up to update {UPDATES}/{UPDATES}"):
        interrupted(tmp_path / "cut", UPDATES - 3)  # in the last one
    again = train(tmp_path / "cut", config(UPDATES), config(UPDATES))
    assert again.sha == whole.sha
    assert (tmp_path / "cut" / AGENT).read_bytes() == (tmp_path / "whole" / AGENT).read_bytes()
    assert [row["reward"] for row in again.history] == [row["reward"] for row in whole.history]


def test_a_second_interrupt_stops_at_once_and_says_what_is_left(interrupted, tmp_path):
    with pytest.raises(Interrupted, match=f"stopped in update 2/{UPDATES}, nothing is kept; the same command begins"):
        interrupted(tmp_path, 2, times=2)
    assert not (tmp_path / LAST).exists()


def test_an_interrupt_while_a_checkpoint_is_written_leaves_the_older_one_whole(interrupted, tmp_path, monkeypatch):
    with pytest.raises(Interrupted, match="kept up to update 2/"):
        interrupted(tmp_path, 2)
    before = (tmp_path / LAST).read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(files.os, "fsync", lambda _: signal.raise_signal(signal.SIGINT))  # written, not yet in place
        with pytest.raises(Interrupted, match="kept up to update 2/"):
            interrupted(tmp_path, 2)  # the fourth of all
    assert (tmp_path / LAST).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [LAST]


def test_where_nothing_can_be_kept_the_first_one_stops(interrupted, tmp_path, monkeypatch):
    def refuse(self):
        raise OptionError("an environment without a state")

    monkeypatch.setattr(Signs, "state", refuse)
    with pytest.raises(Interrupted, match=f"stopped in update 2/{UPDATES}, nothing is kept; the same command begins"):
        interrupted(tmp_path, 2)
