import os
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.core.clock import (
    DAY_NS,
    HOUR_NS,
    bars_per_day,
    bars_per_year,
    interval_ns,
    interval_text,
    iso,
    parse_time,
)
from edgeproof.core.errors import ConfigError
from edgeproof.core.finding import Finding, worst
from edgeproof.core.identity import sha_json
from edgeproof.core.progress import Progress, duration_text
from edgeproof.core.rng import Rng


def test_streams_are_keyed_by_name_not_by_order():
    rng = Rng(7)
    first = rng.child("a").numpy().random(3).tolist()
    rng.child("b").numpy().random(100)
    assert rng.child("a").numpy().random(3).tolist() == first
    assert rng.child("b").numpy().random(3).tolist() != first
    assert Rng(8).child("a").numpy().random(3).tolist() != first
    assert rng.child("a", 1).key() == rng.child("a").child(1).key()


def test_streams_do_not_depend_on_the_hash_seed():
    code = "from edgeproof.core.rng import Rng; print(Rng(3).child('x', 2).key())"
    keys = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(keys) == 1


@given(st.integers(1, 400), st.sampled_from("smhd"))
def test_interval_text_is_the_inverse_of_interval_ns(count, unit):
    length = interval_ns(f"{count}{unit}")
    assert interval_ns(interval_text(length)) == length


def test_calendar_sets_the_year():
    assert bars_per_year(HOUR_NS, "continuous") == 8760
    assert bars_per_year(DAY_NS, "sessions") == 252
    assert bars_per_day(HOUR_NS) == 24
    assert bars_per_day(7 * DAY_NS) == 1


def test_times_read_and_write():
    assert iso(parse_time("2024-03-01T02:00")) == "2024-03-01 02:00"
    assert parse_time("2024-03-01T02:00+02:00") == parse_time("2024-03-01")
    with pytest.raises(ConfigError):
        parse_time("yesterday")
    with pytest.raises(ConfigError):
        interval_ns("0h")


def test_findings_rank_and_survive_json():
    found = Finding("quality.gaps", "warning", "3 bars missing", {"count": 3}, "BTC", "none")
    assert Finding.from_json(found.to_json()) == found
    assert worst([found, Finding("x", "error", "bad")]) == "error"
    assert worst([]) == "info"


def test_equal_values_have_equal_hashes():
    assert sha_json({"a": 1, "b": 2}) == sha_json({"b": 2, "a": 1})
    with pytest.raises(ValueError, match="JSON"):
        sha_json(float("nan"))


def test_progress_counts_and_estimates():
    lines: list[str] = []
    progress = Progress("epoch", 4, write=lines.append)
    progress.resume(2)
    progress.step("loss 0.69")
    progress.step("loss 0.68")
    assert "epoch 3/4  loss 0.69" in lines[0]
    assert "left" in lines[0]
    assert "left" not in lines[1]
    assert duration_text(200) == "3 min 20 s"


def test_of_many_quick_steps_a_line_a_second_is_shown_and_those_that_say_more_and_the_last(monkeypatch):
    """A hundred seconds of 45 steps each would be 4,500 lines."""
    lines: list[str] = []
    progress = Progress("update", 4500, write=lines.append, started=0.0)
    for step in range(1, 4501):
        monkeypatch.setattr(time, "monotonic", lambda now=step / 45: now)
        progress.step(f"validated {step}" if step % 1000 == 1 else "", always=step % 1000 == 1)
    assert 95 <= len(lines) <= 107
    assert [line.split()[3] for line in lines if "validated" in line] == ["1", "1001", "2001", "3001", "4001"]
    assert "update 1/4500" in lines[0]
    assert "update 4500/4500" in lines[-1]
    assert "50 s left" in next(line for line in lines if int(line.split()[1].split("/")[0]) >= 2250)  # steps all count
