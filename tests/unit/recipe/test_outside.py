import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from typer.testing import CliRunner

from edgeproof.cli.main import app
from edgeproof.core.errors import ConfigError, DataError
from edgeproof.recipe.outside import judge


def hourly(bars=3000, seed=0, columns=("momentum",)):
    generator = np.random.default_rng(seed)
    time = pd.date_range("2023-01-01", periods=bars, freq="h", tz="UTC")
    return pd.DataFrame({name: 0.001 * generator.standard_normal(bars) for name in columns}, index=time)


def test_a_file_a_pandas_and_a_polars_frame_say_the_same(tmp_path):
    frame = hourly()
    moments = pd.DatetimeIndex(frame.index).tz_localize(None).to_numpy()
    frame.to_csv(tmp_path / "r.csv", index_label="time")
    answers = [
        judge(tmp_path / "r.csv", declared_trials=10),
        judge(frame, declared_trials=10),
        judge(frame["momentum"], declared_trials=10),
        judge(pl.DataFrame({"time": moments, "momentum": frame["momentum"].to_numpy()}), declared_trials=10),
    ]
    for answer in answers[1:]:
        assert answer.to_json() == answers[0].to_json()
    assert answers[0].figures["bars_per_year"] == 8760


def test_daily_sessions_have_252_bars_a_year():
    time = pd.bdate_range("2020-01-01", periods=600)
    frame = pd.Series(0.01 * np.random.default_rng(1).standard_normal(600), index=time, name="r")
    assert judge(frame, declared_trials=1).figures["bars_per_year"] == 252


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("time,", "wann,"), "no time column among wann, momentum"),
        (lambda text: text.replace("\n", "\n2023-01-01 00:00:00,0.01\n", 1), "row 3: its time is not after"),
        (lambda text: text + "2024-01-01 00:00:00,n/a\n", "column 'momentum', row 52: 'n/a' is not a return"),
        (lambda text: text + "2024-01-01 00:00:00,\n", "column 'momentum', row 52: an empty cell is not a return"),
        (lambda text: text + '2024-01-01 00:00:00," "\n', "column 'momentum', row 52: an empty cell is not a return"),
        (lambda text: text + "2024-01-01 00:00:00,-1.5\n", "row 52: -1.5 loses more than everything"),
        (lambda text: "time,momentum\n", "0 rows and 1 columns"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path, change, message):
    path = tmp_path / "r.csv"
    hourly(50).to_csv(path, index_label="time", date_format="%Y-%m-%d %H:%M:%S")
    path.write_text(change(path.read_text()))
    with pytest.raises(DataError, match=r"r\.csv") as refused:
        judge(path, declared_trials=1)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_equity_is_not_taken_for_returns():
    frame = hourly(100)
    with pytest.raises(DataError, match="looks like equity"):
        judge((1 + frame).cumprod(), declared_trials=1)


def test_wrong_settings():
    with pytest.raises(ConfigError, match="declared_trials: 0"):
        judge(hourly(100), declared_trials=0)
    with pytest.raises(ConfigError, match="no 'x' among momentum"):
        judge(hourly(100), declared_trials=1, column="x")
    with pytest.raises(ConfigError, match="smallest_sharpe"):
        judge(hourly(100), declared_trials=1, smallest_sharpe=0)


def test_the_command(tmp_path):
    hourly(columns=("a", "b")).to_csv(tmp_path / "r.csv", index_label="time")
    done = CliRunner().invoke(app, ["judge", str(tmp_path / "r.csv"), "--declared-trials", "40", "--json"])
    assert done.exit_code == 1
    body = json.loads(done.stdout)
    assert body["figures"]["declared_trials"] == 40
    shown = CliRunner().invoke(app, ["judge", str(tmp_path / "r.csv"), "--declared-trials", "40", "--exit-zero"])
    assert shown.exit_code == 0
    assert "Never an edge from here" in " ".join(shown.stdout.replace("│", " ").split())
    assert CliRunner().invoke(app, ["judge", str(tmp_path / "r.csv")]).exit_code == 2


def test_the_text_names_the_calendar_of_its_year(tmp_path):
    hourly(400).to_csv(tmp_path / "r.csv", index_label="time")
    shown = CliRunner().invoke(app, ["judge", str(tmp_path / "r.csv"), "--declared-trials", "1"])
    assert "8,760" in shown.stdout
    assert "365 days" in shown.stdout
    weekdays = pd.Series(hourly(400)["momentum"].to_numpy(), index=pd.bdate_range("2020-01-01", periods=400))
    weekdays.to_csv(tmp_path / "d.csv", index_label="time")
    shown = CliRunner().invoke(app, ["judge", str(tmp_path / "d.csv"), "--declared-trials", "1"])
    assert "252 sessions" in shown.stdout


@pytest.mark.parametrize("trials", [0, -1, 1_000_000_001, 10**400])
def test_a_number_of_trials_is_bounded_in_one_short_line(trials):
    with pytest.raises(ConfigError, match="declared_trials") as refused:
        judge(hourly(50), declared_trials=trials)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 120


def test_the_largest_number_of_trials_is_answered(tmp_path):
    found = judge(hourly(300, columns=("a", "b")), declared_trials=1_000_000_000)
    assert found.answer in ("no_edge", "inconclusive")
    hourly(50).to_csv(tmp_path / "r.csv", index_label="time")
    shown = CliRunner().invoke(app, ["judge", str(tmp_path / "r.csv"), "--declared-trials", str(10**30)])
    assert isinstance(shown.exception, ConfigError)
