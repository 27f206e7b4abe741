"""What a page says: the answer in words, figures as they are, and a dash with its reason where there is none."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from edgeproof.core.finding import Finding
from edgeproof.report.backtest import backtest_section, cost_figure, drawdown_figure, equity_figure, figures_tables
from edgeproof.report.data import data_section, findings_block, timeline
from edgeproof.report.forecast import calibration_bins, forecast_section, oracle_figure, threshold_figure
from edgeproof.report.number import DASH, MINUS, chance_words, clip, date_text, humanise, show, time_ms
from edgeproof.report.run import run_page
from edgeproof.report.training import training_section
from edgeproof.report.verdict import GUARDS, answer_sentence, guard_outcome, guards, key_figures, would_change

from . import runs


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (1234567, "count", "1,234,567"),
        (-0.0213, "percent", MINUS + "2.1%"),
        (-0.00001, "percent", "0.0%"),
        (123.4, "percent", "12,340%"),
        (0.0004, "chance", "< 0.001"),
        (0.99999, "chance", "> 0.999"),
        (0.041, "chance", "0.041"),
        (0.00412, "fine", "0.41%"),
        (9.14, "bps", "9.1 bps"),
        (0.69314, "loss", "0.6931"),
        (3.0, "plain", "3"),
        (0.00012, "plain", "1.2e-04"),
        (None, "ratio", DASH),
        (float("nan"), "ratio", DASH),
        (float("inf"), "percent", DASH),
        (True, "plain", "yes"),
        ("text", "ratio", "text"),
    ],
)
def test_how_a_figure_is_written(value, kind, text):
    assert show(value, kind) == text


def test_words_and_times():
    assert chance_words(0.0001) == "below 0.001"
    assert humanise("max_drawdown") == "Max drawdown"
    assert clip("abcdef", 4) == "abc…"
    assert time_ms("2024-03-01T02:00:00+02:00") == time_ms(1_709_251_200_000_000_000) == 1_709_251_200_000
    assert date_text("2024-03-01 02:00", clock=True) == "2024-03-01 02:00"
    assert date_text(None) == date_text("not a time") == DASH


def test_the_answer_says_what_decided_it():
    assert "below 0.001; 0.040 is allowed" in answer_sentence(runs.verdict("edge", opened=True))
    assert "at most 0.70" in answer_sentence(runs.verdict("no_edge", opened=True))
    assert "still sealed" in answer_sentence(runs.verdict("inconclusive", opened=False))
    assert "p is 0.410" in answer_sentence(runs.verdict("inconclusive", opened=True))
    idle = runs.verdict("no_edge", opened=True)
    idle["net"]["turnover"] = 0.0
    assert "never trades" in answer_sentence(idle)
    capped: dict[str, Any] = runs.verdict("edge", opened=True) | {"verdict": "inconclusive"}
    capped["reasons"][7]["passed"] = False
    assert "candidate known before the opening" in answer_sentence(capped)


def test_all_ten_guards_are_listed_even_if_the_verdict_forgot_them():
    body = runs.verdict("edge", opened=True)
    rows = guards([body]).rows
    assert [row["name"] for row in rows] == list(GUARDS)
    assert len(rows) == 10
    states = {row["name"]: row["outcomes"][0]["state"] for row in rows}
    assert states["p_net"] == "passed"
    assert states["regimes"] == "unbuilt"
    assert len(guards([body | {"reasons": []}]).rows) == 10
    closed = runs.verdict("inconclusive", opened=False)
    assert guard_outcome(closed, "p_net")["label"] == "after opening"
    assert guard_outcome(runs.verdict("no_edge", opened=True), "p_timing")["state"] == "failed"


def test_key_figures_without_an_opening_say_why_there_is_no_p():
    items = {item.label: item for item in key_figures(runs.verdict("inconclusive", opened=False))}
    assert items["p of luck"].value == DASH
    assert "once the seal is opened" in items["p of luck"].note
    assert items["Net Sharpe"].note.endswith("validation only")
    opened = {item.label: item.value for item in key_figures(runs.verdict("edge", opened=True))}
    assert opened["Trials counted"] == "20"
    assert opened["Detection limit"] == "4.44"


def test_what_would_change_the_answer():
    closed = runs.verdict("inconclusive", opened=False)
    assert any("--open-sealed" in item for item in would_change(closed))
    weak = runs.verdict("inconclusive", opened=True)
    weak["net"]["sharpe"] = 2.22  # half of the limit of 4.44: four times as long
    assert any("4.00 times as long" in item for item in would_change(weak))
    assert would_change(weak | {"would_change": "own words"}) == ["own words"]


def test_figures_net_and_gross_with_reasons():
    grid: Any = figures_tables(runs.verdict("edge", opened=True))
    first, second = grid.blocks
    rows: dict[str, Any] = {row[0].text: row for row in (*first.rows, *second.rows)}
    assert [cell.text for cell in rows["Total return"][1:]] == ["62.0%", "108.0%"]
    assert rows["Costs, share of gross gains"][1].why == "gross gain is not above zero"
    reasons = dict(first.reasons)
    assert reasons["defined for the net return only"] == "p of net return and timing"


def test_equity_and_costs_by_hand():
    rows = runs.track_of(np.array([0.10, -0.02, 0.04]), np.array([0.01, 0.01, 0.0]), first=0, span="sealed")
    drawn = equity_figure(rows)
    net = next(trace for trace in drawn.plot["data"] if trace["name"] == "net")
    gross = next(trace for trace in drawn.plot["data"] if trace["name"] == "gross")
    assert net["y"] == pytest.approx([1.09, 1.06, 1.10])
    assert gross["y"] == pytest.approx([1.10, 1.08, 1.12])
    assert drawn.conclusion == "Sealed span: 10.0% net of costs, 12.0% before them."
    assert MINUS + "2.8%" in drawdown_figure(rows).conclusion  # 1.06 / 1.09 - 1
    paid = cost_figure(rows)
    assert paid is not None
    assert paid.conclusion == "2.0% of the starting equity was paid on the sealed span: commission 1.5%, spread 0.5%."
    assert cost_figure(runs.track_of(np.zeros(3), np.zeros(3), first=0, span="sealed")) is None


def test_a_first_bar_that_loses_is_a_drawdown():
    rows = runs.track_of(np.array([-0.2, 0.0]), np.zeros(2), first=0, span="validation")
    assert drawdown_figure(rows).plot["data"][0]["y"] == pytest.approx([-0.2, -0.2])


def test_calibration_by_hand_and_its_interval_by_simulation():
    forecast = np.repeat([0.4, 0.6], 60)
    label = np.r_[np.repeat([1, 0], 30), np.repeat([1, 0], [45, 15])].astype(float)
    bins = calibration_bins(np.arange(120) % 20, forecast, label)
    assert bins["forecast"] == pytest.approx([0.4, 0.6])
    assert bins["observed"] == pytest.approx([0.5, 0.75])
    assert bins["count"].tolist() == [60, 60]
    draw = np.random.default_rng(4)
    hits = []
    for _ in range(200):
        day = np.repeat(np.arange(100), 8)
        y = np.repeat(draw.random(100) < 0.5, 8).astype(float)  # all eight symbols of a day move together
        one = calibration_bins(day, np.full(800, 0.5) + 1e-12 * day, y)
        pooled = (one["observed"] * one["count"]).sum() / one["count"].sum()
        clustered = calibration_bins(day, np.r_[np.full(799, 0.5), 1.0], y)["half_width"][0]
        hits.append(abs(pooled - 0.5) <= clustered)
    assert 0.89 <= np.mean(hits) <= 0.99  # samples taken as independent would cover about 0.5


def test_a_run_with_nothing_in_it_still_makes_a_page():
    run = runs.run("no_edge", bars=50)
    bare = {"verdict": "no_edge", "reasons": [], "net": {}, "gross": None, "market": {}, "validation": None}
    empty = replace(
        run,
        verdict=bare,
        history=run.history.clear(),
        predictions=run.predictions.clear(),
        track=run.track.clear(),
        findings=[],
        config_yaml="",
        thresholds=[],
    )
    page = run_page(empty)
    assert "Nothing was traded" in page
    assert "No epoch was recorded" in page
    assert "None" not in page.replace("None of them", "")


def test_absent_columns_are_left_out():
    some = runs.history().select("epoch", "log_loss", pl.lit(None).cast(pl.Float64).alias("auc"))
    grid: Any = training_section(some, {}).blocks[0]
    assert [figure.title for figure in grid.blocks] == ["Loss"]
    few = forecast_section(runs.predictions(20, 1, opened=False), {})
    assert "too few" in few.blocks[0].text  # pyright: ignore[reportAttributeAccessIssue]
    never = backtest_section(runs.track(50, opened=False, drift=0).clear(), runs.verdict("no_edge", opened=True))
    assert len(never.blocks) == 2


def test_levels_beside_a_single_curve_are_named():
    grid: Any = training_section(runs.history(), runs.verdict("edge", opened=True)).blocks[0]
    skill = next(figure.plot for figure in grid.blocks if figure.title == "Ranking skill")
    assert [trace["name"] for trace in skill["data"]] == ["validation AUC", "coin flipping", "best possible"]
    assert skill["layout"]["showlegend"]


def test_oracle_and_threshold_words():
    known = oracle_figure(runs.verdict("edge", opened=True))
    assert known is not None
    assert "78.2% of what there is to find" in known.conclusion
    noise = oracle_figure({"oracle": {"auc": 0.5, "model_auc": 0.501, "auc_share": None}})
    assert noise is not None
    assert "coin flip" in noise.conclusion
    assert oracle_figure({"oracle": None}) is None
    losing = threshold_figure([{"theta": 0.5, "net_growth": -0.1, "chosen": False}])
    assert losing is not None
    assert "never trades" in losing.conclusion


def test_the_timeline_draws_the_seal():
    run = runs.run(bars=400)
    drawn = timeline(run.verdict, run.track)
    assert drawn is not None
    assert [part["role"] for part in drawn.segments] == ["train", "validation", "opened"]
    assert [part["share"] for part in drawn.segments] == pytest.approx([0.6, 0.2, 0.2], abs=0.01)
    closed = runs.run("inconclusive", opened=False, bars=400)
    shut = timeline(closed.verdict, closed.track)
    assert shut is not None
    assert shut.segments[-1]["role"] == "sealed"
    assert "nothing on this page comes from it" in shut.caption
    assert timeline({"market": {}}, run.track) is None


def test_findings_are_grouped_by_level_and_counted():
    many = [Finding("quality.gaps", "warning", f"gap {k}", {}, f"S{k}", "Fill it.") for k in range(30)]
    block = findings_block([*many, Finding("quality.ohlc", "error", "high below low", {"rows": [1, 2, 3, 4, 5]})])
    assert [(group["level"], group["count"]) for group in block.groups] == [("error", 1), ("warning", 30)]
    gaps = block.groups[1]["checks"][0]
    assert (len(gaps["items"]), gaps["more"], gaps["remedies"]) == (4, 26, ["Fill it."])
    assert block.groups[0]["checks"][0]["items"][0]["evidence"] == [("rows", "1, 2, 3, 4 …")]
    section = data_section(runs.verdict("edge", opened=True), [], runs.track(50, opened=True, drift=0))
    assert any(getattr(block, "text", "") == "The checks found nothing to report." for block in section.blocks)
