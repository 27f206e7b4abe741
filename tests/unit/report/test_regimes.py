"""The report's regimes: figures with their reasons, a warning that never decides, and when each regime reigned."""

import polars as pl

from edgeproof.report.beside import beside_table, random_words
from edgeproof.report.number import DASH, MINUS
from edgeproof.report.regimes import (
    MOST_MARKS,
    regime_figure,
    regime_table,
    regime_warning,
    regime_words,
    regimes_section,
)
from edgeproof.report.run import run_page
from tests.unit.report import runs


def test_one_row_a_regime_and_what_is_absent_has_its_reason():
    table = regime_table(runs.verdict("edge", opened=True))
    assert table is not None
    cells = [[cell.text for cell in row] for row in table.rows]
    assert cells[0] == ["Bull calm", "12.0%", "5.00", "1.00 to 9.00", DASH, DASH, "0.540", "25.0%"]
    assert cells[3] == ["Bear wild", "12.0%", "2.00", DASH, MINUS + "0.90", "0.370", "0.540", "25.0%"]
    assert dict(table.reasons) == {
        "traded in too few of the 14 blocks": "Bull calm",
        "too few bars for an interval": "Bear wild",
    }
    words = regime_words(runs.verdict("edge", opened=True))
    assert "below 0.0125 (0.05 over 4" in words
    assert "30 days ago" in words


def test_a_regime_without_a_trade_says_so():
    body = runs.verdict("edge", opened=True)
    for row in body["regimes"]:
        row |= {"traded_bars": 0, "t": None, "p_loss": None}
    table = regime_table(body)
    assert table is not None
    assert [why for why, _ in table.reasons] == ["nothing was traded"]


def test_a_loss_in_a_regime_is_a_warning_and_no_more():
    assert regime_warning(runs.verdict("edge", opened=True)) == ""
    said = regime_warning(runs.verdict("no_edge", opened=True))
    assert f"Bear wild ({MINUS}3.0%)" in said
    assert "Bull" not in said
    assert "decides nothing" in said


def test_the_strip_shows_every_regime_thinned_and_leaves_unknown_bars_out():
    track = runs.track(4000, opened=True, drift=0.0)
    figure = regime_figure(track, runs.verdict("edge", opened=True))
    assert figure is not None
    traces = figure.plot["data"]
    assert [trace["name"] for trace in traces] == ["Bear wild", "Bear calm", "Bull wild", "Bull calm"]
    assert all(set(trace["y"]) == {place} for place, trace in enumerate(traces))
    drawn = sum(len(trace["x"]) for trace in traces)
    unknown = track["regime"].null_count() / len(track)
    assert abs(drawn / (2 * MOST_MARKS) - (1 - unknown)) < 0.01
    when = track["close_time"].dt.epoch("ms").to_numpy()
    regime = dict(zip(when.tolist(), track["regime"].to_list(), strict=True))
    assert {regime[at] for at in traces[0]["x"]} == {"bear_wild"}


def test_no_regimes_no_section():
    body = runs.verdict("edge", opened=True)
    track = runs.track(300, opened=False, drift=0.0)
    assert [section.title for section in regimes_section(track, body)] == ["Regimes"]
    assert regimes_section(track, body | {"regimes": []}) == []
    bare = regimes_section(track.drop("regime"), body)
    assert all(block.kind != "figure" for block in bare[0].blocks)
    empty = track.with_columns(regime=pl.lit(None, dtype=pl.String))
    assert regime_figure(empty, body) is None


def test_random_entries_are_read_out():
    body = runs.verdict("edge", opened=True)
    assert random_words(body) == ""
    drawn = {"draws": 1000.0, "p_value": 1 / 1001, "total_return": -0.01}
    body["sealed"]["benchmarks"] = {
        "flat": {"total_return": 0.0},
        "momentum": {"total_return": -0.2, "sharpe": -3.0, "max_drawdown": 0.3},
        "random_entries": drawn | {"total_return_low": -0.12, "total_return_high": 0.1},
    }
    table = beside_table(body)
    assert table is not None
    assert [row[0].text for row in table.rows] == [
        "This model",
        "Momentum, side of the last day",
        "Its own trades at random times, median",
    ]
    assert "in 1,000 draws" in table.caption
    assert f"{MINUS}12.0% to 10.0%" in table.caption
    assert "as well as the model, p, is below 0.001." in table.caption


def test_a_table_wider_than_a_telephone_says_that_it_scrolls():
    run = runs.run(bars=2400)
    page = run_page(run, ("regimes",))
    assert "scroll the table sideways" in page
    assert "scroll the table sideways" not in run_page(run, ("costs", "trades"))
