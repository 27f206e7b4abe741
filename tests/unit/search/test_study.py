"""A search is the same whatever was killed, gives up what is bad, and never makes one trial twice."""

import subprocess
import sys
import time

import pytest
from optuna.trial import TrialState

from edgeproof.core.config import Tune
from edgeproof.core.errors import DataError, OptionError
from edgeproof.search.record import record
from edgeproof.search.storage import JOURNAL, open_storage, shown, stays_in_memory
from edgeproof.search.study import OutOfTime, Plan, open_study, work

SPACE = {"x": Tune(-3.0, 3.0), "kind": Tune(choices=("a", "b"))}
EPOCHS = 8


class KilledError(Exception):
    """Stands for a kill: nothing is told to the storage."""


def plan(**body):
    known = {"name": "s", "direction": "minimize", "space": SPACE, "sampler": "tpe", "pruner": "median"}
    return Plan(**(known | {"seed": 3, "home": "t"} | body))


def study_in(folder, storage=None, **body):
    return open_study(plan(**body), storage or open_storage(None, folder), folder)


def parabola(attempt, die_at=None):
    """Its value is known only after its epochs, of which each shows a part."""
    value = attempt.params["x"] ** 2 + (attempt.params["kind"] == "b")
    for epoch in range(EPOCHS):
        if (attempt.number, epoch) == die_at:
            raise KilledError
        if epoch not in attempt.told:
            attempt.report(epoch, value + 1 / (epoch + 1))
    attempt.note(figures={"x": attempt.params["x"]})
    return value


def trials_of(study):
    return [(row["number"], row["state"], row["params"], row["value"]) for row in record(study)["trials"]]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    study = study_in(folder)
    work(study, parabola, trials=30)
    return study


def test_it_finds_the_bottom_and_gives_up_what_is_bad(undisturbed):
    found = record(undisturbed)
    assert found["best"]["value"] < 0.1
    assert found["best"]["params"]["kind"] == "a"
    assert found["counts"]["pruned"] > 3
    assert found["counts"]["pruned"] + found["counts"]["complete"] == 30
    for trial in found["trials"]:
        if trial["state"] == "pruned":
            assert trial["number"] >= 10  # the first ten run to their end
            assert 6 <= max(map(int, trial["intermediate"])) < EPOCHS  # and nobody is given up within five epochs
    assert abs(sum(found["importance"].values()) - 1) < 1e-9
    assert found["best"]["margin"] >= 0


@pytest.mark.parametrize("die_at", [(4, 0), (17, 3), (23, 5)])
def test_killed_and_taken_up_it_makes_the_same_trials(undisturbed, tmp_path, die_at):
    with pytest.raises(KilledError):
        work(study_in(tmp_path), lambda attempt: parabola(attempt, die_at), trials=30)
    again = study_in(tmp_path)
    assert again.rows()[-1].state == TrialState.RUNNING
    work(again, parabola, trials=30)
    assert trials_of(again) == trials_of(undisturbed)


def test_killed_while_the_settings_were_drawn(undisturbed, tmp_path):
    study = study_in(tmp_path)
    work(study, parabola, trials=12)
    study.optuna.ask().suggest_categorical("kind", ["a", "b"])  # and then killed
    work(study_in(tmp_path), parabola, trials=30)
    assert trials_of(study)[:12] == trials_of(undisturbed)[:12]
    assert trials_of(study)[12:] == trials_of(undisturbed)[12:]


def test_a_line_that_a_kill_tore_is_no_record(undisturbed, tmp_path):
    work(study_in(tmp_path), parabola, trials=12)
    with (tmp_path / JOURNAL).open("ab") as stream:
        stream.write(b'{"op_code":6,"worker')
    work(study_in(tmp_path), parabola, trials=30)
    assert trials_of(study_in(tmp_path)) == trials_of(undisturbed)


@pytest.mark.parametrize("url", ["memory", "sqlite"])
def test_every_storage_makes_the_same_trials(undisturbed, tmp_path, url):
    url = f"sqlite:///{tmp_path / 'study.db'}" if url == "sqlite" else url
    study = study_in(tmp_path, open_storage(url, tmp_path))
    work(study, parabola, trials=13)
    assert trials_of(study) == trials_of(undisturbed)[:13]


def test_random_and_other_seeds_make_others(undisturbed, tmp_path):
    for name, body in {"random": {"sampler": "random", "pruner": "none"}, "seed": {"seed": 4}}.items():
        folder = tmp_path / name
        folder.mkdir()
        study = study_in(folder, **body)
        work(study, parabola, trials=13)
        assert trials_of(study)[10:] != trials_of(undisturbed)[10:13]


def test_what_fails_is_counted_and_the_search_goes_on(tmp_path):
    def odd(attempt):
        if attempt.number % 2:
            raise ValueError(f"number {attempt.number} cannot be")
        return 1.0

    study = study_in(tmp_path)
    work(study, odd, trials=5, failing=(ValueError,))
    assert record(study)["counts"] == {"complete": 3, "failed": 2}
    assert record(study)["trials"][1]["why"] == "number 1 cannot be"


def test_the_time_is_over(tmp_path):
    def slow(attempt):
        attempt.report(0, 1.0)
        time.sleep(0.05)
        attempt.report(1, 1.0)
        return 1.0

    study = study_in(tmp_path)
    work(study, slow, trials=5, deadline=time.time() + 0.03)
    assert [row.state for row in study.rows()] == [TrialState.RUNNING]
    attempt = study.begin(5, deadline=time.time() - 1)
    assert attempt is not None
    assert attempt.number == 0
    with pytest.raises(OutOfTime):
        attempt.check()


def test_a_trial_in_the_hands_of_another_is_not_taken_up(tmp_path):
    first = study_in(tmp_path).begin(5)
    second = study_in(tmp_path).begin(5)
    assert first is not None
    assert second is not None
    assert (first.number, second.number) == (0, 1)
    first.leave()
    again = study_in(tmp_path).begin(5)
    assert again is not None
    assert again.number == 0
    assert again.params == first.params


WORKER = """
import sys, time
from pathlib import Path
from edgeproof.core.config import Tune
from edgeproof.search.storage import open_storage
from edgeproof.search.study import Plan, open_study, work
folder = Path(sys.argv[1])
plan = Plan("s", "minimize", {"x": Tune(-3.0, 3.0)}, "tpe", "median", 3, "t")
def objective(attempt):
    time.sleep(0.01)
    with (folder / "made").open("a") as stream:
        stream.write(f"{attempt.number}\\n")
    return attempt.params["x"] ** 2
work(open_study(plan, open_storage(None, folder), folder), objective, trials=25)
"""


def test_two_processes_share_one_study(tmp_path):
    processes = [subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)]) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    made = sorted(int(line) for line in (tmp_path / "made").read_text().split())
    assert made == list(range(25))  # each once


def test_a_study_of_another_folder_is_refused(tmp_path):
    storage = open_storage(f"sqlite:///{tmp_path / 'study.db'}", tmp_path)
    study_in(tmp_path, storage)
    with pytest.raises(DataError, match="belongs to another folder"):
        study_in(tmp_path, storage, home="other")


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "redis://localhost",
        "sqlite:////no/such/folder/x.db",
        "postgresql://user:secret@127.0.0.1:1/x",
        "x://",
    ],
)
def test_a_storage_that_cannot_be_opened_is_told_in_one_line(url, tmp_path):
    with pytest.raises(OptionError) as told:
        open_storage(url, tmp_path)
    assert "\n" not in str(told.value)
    assert "secret" not in str(told.value)
    assert "secret" not in shown(url)


def test_a_driver_that_is_missing_is_named(tmp_path):
    with pytest.raises(OptionError, match="No module named 'MySQLdb'"):
        open_storage("mysql://user@127.0.0.1/x", tmp_path)


def test_what_stays_in_memory():
    assert [stays_in_memory(url) for url in ("memory", "sqlite://", "sqlite:///:memory:")] == [True] * 3
    assert not any(stays_in_memory(url) for url in (None, "sqlite:///a.db", "postgresql://h/x"))
