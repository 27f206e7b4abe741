"""What a page says: the answer in words, figures as they are, and a dash with its reason where there is none."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from edgeproof.core.finding import Finding
from edgeproof.evaluate.figures import trading_figures
from edgeproof.report.backtest import backtest_section, drawdown_figure, equity_figure
from edgeproof.report.beside import beside_table
from edgeproof.report.costs import cost_figure
from edgeproof.report.data import data_section, findings_block, timeline
from edgeproof.report.figures import FIGURES, GROUPS, LEFT_OUT, compared_tables, figures_tables
from edgeproof.report.forecast import (
    calibration_bins,
    calibration_figure,
    forecast_section,
    forecast_table,
    oracle_figure,
    threshold_figure,
)
from edgeproof.report.number import DASH, MINUS, chance_words, clip, date_text, humanise, show, time_ms
from edgeproof.report.part import Text
from edgeproof.report.run import run_page
from edgeproof.report.training import loss_figure, training_section
from edgeproof.report.verdict import GUARDS, answer_sentence, guard_outcome, guards, key_figures, would_change
from edgeproof.simulator.track import Track
from edgeproof.verdict.conventions import Search, conventions

from . import runs


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (1234567, "count", "1,234,567"),
        (-0.0213, "percent", MINUS + "2.1%"),
        (-0.00001, "percent", "0.0%"),
        (123.4, "percent", "12,340%"),
        (10.846, "percent", "1,085%"),
        (0.00049, "share_bps", "4.9 bps"),
        (2260.0, "bars", "2,260 bars"),
        (1260.49, "times", "1,260"),
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
    assert chance_words(1.0) == chance_words(0.99999) == "above 0.999"
    assert (show(1, "bars"), show(2, "bars")) == ("1 bar", "2 bars")
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
    assert answer_sentence(runs.verdict("no_edge", opened=True)).startswith("No edge of 4.44 or more: with 95%")
    asked = answer_sentence(runs.verdict("no_edge", opened=True) | {"smallest_sharpe": 1.5})
    assert asked.startswith("With 95%")
    assert "rules out 1.50, the smallest of interest" in asked
    idle = runs.verdict("no_edge", opened=True)
    idle["net"]["turnover"] = 0.0
    assert "never trades" in answer_sentence(idle)
    capped: dict[str, Any] = runs.verdict("edge", opened=True) | {"verdict": "inconclusive"}
    capped["reasons"][7]["passed"] = False
    assert "chosen before the opening" in answer_sentence(capped)


def test_all_ten_guards_are_listed_even_if_the_verdict_forgot_them():
    body = runs.verdict("edge", opened=True)
    rows = guards([body]).rows
    assert [row["name"] for row in rows] == list(GUARDS)
    assert len(rows) == 10
    states = {row["name"]: row["outcomes"][0]["state"] for row in rows}
    assert states["p_net"] == "passed"
    assert states["regimes"] == "passed"
    assert len(guards([body | {"reasons": []}]).rows) == 10
    closed = runs.verdict("inconclusive", opened=False)
    assert guard_outcome(closed, "p_net")["label"] == "after opening"
    assert guard_outcome(runs.verdict("no_edge", opened=True), "p_timing")["state"] == "failed"


@pytest.mark.parametrize(
    ("opened", "text", "label"),
    [
        (False, "Known once the seal is opened.", "after opening"),
        (True, "Too few bars of this regime.", "cannot say"),
        (False, "Too few bars of this regime.", "cannot say"),
        (True, "", "cannot say"),
    ],
)
def test_a_guard_that_cannot_say_is_labelled_by_its_own_reason(opened, text, label):
    body = runs.verdict("inconclusive", opened=opened)
    for name in ("units", "regimes"):
        body["reasons"] = [{"name": name, "value": None, "threshold": None, "passed": None, "text": text}]
        assert guard_outcome(body, name)["label"] == label


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


def rows_of(grid: Any) -> dict[str, Any]:
    return {row[0].text: row[1:] for table in grid.blocks for row in table.rows}


def test_figures_net_and_gross_with_reasons():
    body = runs.verdict("edge", opened=True)
    grid: Any = figures_tables(body | {"selection": {"pbo": 0.3}})
    assert [table.columns[0] for table in grid.blocks] == list(GROUPS)
    rows = rows_of(grid)
    assert [cell.text for cell in rows["Total return"]] == ["62.0%", "108.0%"]
    assert rows["Sharpe, 95% interval"][0].text == "4.80 to 9.00"
    assert rows["PBO, chance of overfitting"][0].text == "0.300"
    assert rows["Costs, share of gross gain"][0].why == "no gain before costs"
    closed = rows_of(figures_tables(runs.verdict("inconclusive", opened=False)))
    assert closed["p, the larger of return and timing"][0].why == "known once the seal is opened"


def idle_track(bars: int) -> Track:
    zero = np.zeros(bars)
    trades = np.zeros(0, dtype=[("entry_bar", "i8"), ("net", "f8")])
    columns: dict[str, Any] = {field.name: zero for field in fields(Track)} | {"stamps": ()}
    return Track(**columns | {"equity": np.ones(bars + 1), "weights": np.zeros((bars, 1)), "trades": trades})


def test_every_figure_that_a_run_reports_has_a_name_or_a_reason_to_be_left_out():
    reported = trading_figures(idle_track(50), bars_per_year=8760.0, hold_return=np.zeros(50))
    added = {"sharpe_low", "sharpe_high", "interval_block_bars", "sharpe_bound", "p_value"}
    added |= set(conventions(np.zeros(50), Search(1, None, 1.0, 0.0, None, None), 8760.0))
    keys = set(reported["net"]) | set(reported["gross"]) | added
    assert keys <= set(FIGURES) | set(LEFT_OUT)
    assert not set(FIGURES) & set(LEFT_OUT)
    assert {key for group in GROUPS.values() for key in group} == set(FIGURES)


def test_a_model_that_never_trades_gets_the_right_reasons():
    reported = trading_figures(idle_track(50), bars_per_year=8760.0)
    body = runs.verdict("no_edge", opened=True) | reported
    whys = {cell.why for row in rows_of(figures_tables(body)).values() for cell in row if cell.text == DASH}
    assert whys == {"nothing was traded"}


def test_the_model_stands_beside_what_needs_no_model():
    body = runs.verdict("edge", opened=True)
    assert beside_table(body) is None
    body["net"] |= {"hold_total_return": -0.05, "hold_sharpe": -1.3}
    hold = {"total_return": 0.47, "sharpe": 1.92, "max_drawdown": 0.2}
    body["sealed"] |= {"benchmarks": {"buy_and_hold": hold}, "volatility_auc": 0.503}
    table = beside_table(body)
    assert table is not None
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["This model", "62.0%", "6.90", "3.4%", "0.542"],
        ["Buy and hold", "47.0%", "1.92", "20.0%", ""],
        ["Its mean position held, no costs", MINUS + "5.0%", MINUS + "1.30", "", ""],
        ["Trailing volatility alone", "", "", "", "0.503"],
    ]


def test_two_verdicts_share_their_rows():
    pair = [runs.verdict("edge", opened=True), runs.verdict("no_edge", opened=True)]
    rows = rows_of(compared_tables(pair, ("a", "b")))
    assert [cell.text for cell in rows["Total return"]] == ["62.0%", MINUS + "2.1%"]
    assert [cell.text for cell in rows["Total return, gross"]] == ["108.0%", "0.4%"]


def test_the_gross_line_ends_where_the_verdict_s_gross_return_does():
    rows = runs.track(300, opened=False, drift=4e-4)
    compounded = float((1 + rows["gross_return"]).product()) - 1
    assert f"{show(compounded, 'percent')} gross" in equity_figure(rows).conclusion


def test_equity_and_costs_by_hand():
    rows = runs.track_of(np.array([0.10, -0.02, 0.04]), np.array([0.01, 0.01, 0.0]), first=0, span="sealed")
    drawn = equity_figure(rows)
    net = next(trace for trace in drawn.plot["data"] if trace["name"] == "net")
    gross = next(trace for trace in drawn.plot["data"] if trace["name"] == "gross")
    assert net["y"] == pytest.approx([1.09, 1.06, 1.10])
    # gross returns 0.1, -0.02/1.09, 0.04/1.06 on the equity that there was, compounded
    assert gross["y"] == pytest.approx([1.10, 1.1 * 1.07 / 1.09, 1.1 * 1.07 / 1.09 * 1.10 / 1.06], rel=1e-5)
    assert drawn.conclusion == "Sealed span: 10.0% net, 12.1% gross."
    assert "at worst 2.8% below its peak" in drawdown_figure(rows).conclusion  # 1.06 / 1.09 - 1
    paid = cost_figure(rows)
    assert paid is not None
    # 0.01 / 1 + 0.01 / 1.09
    assert paid.conclusion == "Costs add up to 1.9% of the equity on the sealed span: commission 1.4%, spread 0.5%."
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
        trades=run.trades.clear(),
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
    assert isinstance(never.blocks[0], Text)
    assert "Nothing was traded" in never.blocks[0].text


def test_levels_beside_a_single_curve_are_named():
    grid: Any = training_section(runs.history(), runs.verdict("edge", opened=True)).blocks[0]
    skill = next(figure.plot for figure in grid.blocks if figure.title == "Ranking skill")
    assert [trace["name"] for trace in skill["data"]] == [
        "validation AUC",
        "coin flipping",
        "best possible",
        "kept epoch",
    ]
    assert skill["layout"]["showlegend"]


def test_oracle_and_threshold_words():
    known = oracle_figure(runs.verdict("edge", opened=True))
    assert known is not None
    assert "78.2% of what there is to find" in known.conclusion
    noise = oracle_figure({"oracle": {"auc": 0.5, "model_auc": 0.501, "auc_share": None}})
    assert noise is not None
    assert "coin flip" in noise.conclusion
    assert oracle_figure({"oracle": None}) is None
    assert "scored against them" in known.caption
    losing = threshold_figure([{"theta": 0.5, "net_growth": -0.1, "chosen": False}])
    assert losing is not None
    assert "never trades" in losing.conclusion
    growth = [-0.4, -0.1, 0.13]
    last = threshold_figure(
        [{"theta": 0.5 + k / 10, "net_growth": value, "chosen": k == 2} for k, value in enumerate(growth)]
    )
    assert last is not None
    assert "1 of 3 thresholds gains after costs. The best, 0.700, the last one tried, gains 13.0%" in last.conclusion


def test_calibration_words_give_the_slope():
    forecast = np.tile([0.4, 0.6], 200)
    label = np.r_[np.tile([0, 1], 40), np.tile([1, 0], 40), np.tile([0, 1], 120)]
    times = runs.moments(0, 400)
    table = pl.DataFrame([times, pl.Series("probability", forecast), pl.Series("label", label)])
    drawn = calibration_figure(table.with_columns(span=pl.lit("validation")))
    assert drawn is not None
    # 160 of 200 rise at 0.6, 40 of 200 at 0.4: 0.6 more for 0.2 more
    assert "worth 3.00 points of outcome" in drawn.conclusion


def test_training_words_compare_with_knowing_nothing():
    best = runs.history()
    worse = best.with_columns(log_loss=pl.col("log_loss") + 0.05)
    words = [_loss(history) for history in (best, worse)]
    assert ["better than always" in text for text in words] == [True, True]
    assert ["no better than" in text for text in words] == [False, True]


def test_a_rare_label_is_compared_with_its_base_rate():
    """-.29 ln .29 - .71 ln .71 = .6022: a loss of .65 beats one half and knows less than nothing."""
    history = runs.history().with_columns(log_loss=pl.lit(0.65))
    assert "no better than always answering the base rate of 29.0% (0.6022)" in _loss(history, 0.29)
    assert "This is better than always answering one half (0.6931)" in _loss(history, 0.5)
    scores = {"auc": 0.5, "log_loss": 0.65, "brier": 0.23, "base_rate": 0.29}
    table = forecast_table({"validation": scores})
    assert table is not None
    said = {row[0].text: row[1].text for row in table.rows}
    assert said["Log loss of always answering the base rate"] == "0.6022"
    assert said["Brier score of always answering the base rate"] == "0.2059"
    assert forecast_table({"validation": scores | {"base_rate": None}}) is not None


def test_the_auc_beside_and_within_volatility_is_shown():
    scores = {"auc": 0.7, "volatility_auc": 0.69, "auc_over_volatility": 0.01, "auc_within_volatility": 0.52}
    table = forecast_table({"validation": scores})
    assert table is not None
    said = {row[0].text: row[1].text for row in table.rows}
    assert said["AUC of trailing volatility alone"] == "0.690"
    assert said["AUC within deciles of trailing volatility"] == "0.520"


def _loss(history: pl.DataFrame, base_rate: float = 0.5) -> str:
    drawn = loss_figure(history, base_rate)
    assert drawn is not None
    return drawn.conclusion


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


@pytest.mark.parametrize(("epochs", "words"), [(1, "1 epoch took"), (2, "2 epochs took")])
def test_one_epoch_is_not_several(epochs, words):
    section = training_section(runs.history(epochs), {})
    assert any(words in getattr(block, "text", "") for block in section.blocks)
