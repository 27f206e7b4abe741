"""Costs, trades and ablations on a page: each figure by hand, each absence with its reason."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from edgeproof.report.ablation import ablations_table
from edgeproof.report.costs import charge_words, cost_table, costs_section
from edgeproof.report.number import DASH, MINUS
from edgeproof.report.part import Text
from edgeproof.report.trades import extreme_tables, holding_figure, reason_table, trades_section
from edgeproof.report.verdict import would_change

from . import runs


def texts(row) -> list[str]:
    return [cell.text for cell in row]


def test_costs_by_kind_in_three_measures():
    rows = runs.track_of(np.array([0.0, 0.01]), np.array([0.001, 0.001]), first=0, span="sealed")
    table = cost_table(rows)
    assert table is not None
    # 10 bps of an equity of 1, then of 0.999; traded 2 x 10% of it; gained 1% of 0.999
    assert [texts(row) for row in table.rows] == [
        ["Commission", "0.2%", "75.0 bps", "15.0%"],
        ["Spread", "0.1%", "25.0 bps", "5.0%"],
        ["All costs", "0.2%", "100.1 bps", "20.0%"],
    ]
    lost = cost_table(runs.track_of(np.array([-0.01]), np.array([0.001]), first=0, span="validation"))
    assert lost is not None
    assert texts(lost.rows[0])[-1] == DASH
    assert ("no gain before costs", "Commission, Spread, All costs") in lost.reasons
    assert "validation" in lost.caption
    assert cost_table(runs.track_of(np.zeros(2), np.zeros(2), first=0, span="sealed")) is None


def said(section) -> str:
    return " ".join(block.text for block in section.blocks if isinstance(block, Text))


def test_costs_say_how_much_they_could_have_been():
    track = runs.track_of(np.array([0.0, 0.01]), np.array([0.001, 0.001]), first=0, span="sealed")
    body: dict[str, Any] = {"net": {"cost_bps": 5.0, "break_even_bps": 20.0}, "costs": {"commission_bps": 5.0}}
    words = said(costs_section(track, body))
    assert "It paid 5.0 bps a side; summed, not compounded, nothing would be left at 20.0 bps, 4.0 times that." in words
    body["net"] = {"cost_bps": 5.0, "break_even_bps": 2.0}
    assert "something would be left below 2.0 bps" in said(costs_section(track, body))
    body["net"] = {"cost_bps": 5.0, "break_even_bps": None}
    assert "no cost is low enough" in said(costs_section(track, body))
    assert "No costs were paid" in said(costs_section(track.clear(), {}))


def test_a_gain_in_sums_beside_a_loss_is_not_called_one():
    track = runs.track_of(np.array([0.0, 0.01]), np.array([0.001, 0.001]), first=0, span="sealed")
    net = {"cost_bps": 4.99, "break_even_bps": 5.39, "total_return": -0.005}
    words = said(costs_section(track, {"net": net}))
    assert "nothing would be left" not in words
    assert "summed, not compounded, the net returns are above zero, and would be up to 5.4 bps" in words
    assert "come to \u22120.5%" in words
    stated = would_change({"net": net, "span": "sealed"})[-1]
    assert "above zero, and would be up to 5.4 bps a side; compounded" in stated
    assert "below 5.4 bps" in would_change({"net": net | {"cost_bps": 6.0}, "span": "sealed"})[-1]


def test_a_sum_of_trades_that_contradicts_the_account_says_why():
    rows = runs.trades(4, opened=True).with_columns(net=pl.lit(0.00125))
    assert "they gain 0.5%; compounded, as an account earns them, the net return is \u22120.5%." in said(
        trades_section(rows, -0.005)
    )
    assert "compounded, as" not in said(trades_section(rows, 0.004)) + said(trades_section(rows))


def test_a_preset_is_named_with_source_and_date():
    costs = {"preset": "binance_spot", "commission_bps": 7.5, "half_spread_bps": 1.0, "slippage_bps": 0.0}
    told = {"source": "Binance fee schedule", "date": "2026-10", "note": "25% less", "changed": ["commission_bps"]}
    words = charge_words(costs | told)
    assert words.startswith("Charged: commission 7.500 bps a side, half spread 1 bps a side.")
    assert "preset binance_spot (Binance fee schedule, read 2026-10; 25% less), but for commission_bps" in words
    assert "no market trades for nothing" in charge_words({"commission_bps": 0.0})
    assert charge_words(None) == ""


def some_trades(**columns: Any) -> pl.DataFrame:
    rows = runs.trades(4, opened=False)
    return rows.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def test_trades_by_the_reason_of_their_end():
    net = [0.02, -0.01, 0.0, 0.03]
    rows = some_trades(reason=["stop", "signal", "signal", "stop"], net_bps=[value * 1e4 for value in net])
    table = reason_table(rows)
    assert [texts(row) for row in table.rows] == [
        ["The signal changed", "2", "0.0%", f"{MINUS}50.0 bps", f"{MINUS}1.0%"],
        ["Stop reached", "2", "100.0%", "250.0 bps", "5.0%"],
        ["All", "4", "50.0%", "100.0 bps", "4.0%"],
    ]


def test_the_best_and_the_worst_in_shares_of_the_equity_before_them():
    rows = some_trades(gross=[2.0, 1.0, -3.0, 0.5], cost=[0.5] * 4, net=[1.5, 0.5, -3.5, 0.0], equity=[100.0] * 4)
    section = trades_section(rows)
    grid: Any = section.blocks[-1]
    best, worst = grid.blocks
    assert texts(best.rows[0])[1:] == ["150.0", "200.0", "50.0"]
    assert texts(worst.rows[0])[1:] == [f"{MINUS}350.0", f"{MINUS}300.0", "50.0"]
    told = rows.with_columns(commission=pl.lit(0.3), spread=pl.lit(0.2), impact=pl.lit(0.0))
    grid = trades_section(told).blocks[-1]
    assert grid.blocks[0].rows[0][0].text.endswith("; commission 30.0, spread 20.0")
    assert best.rows[0][0].text.startswith("SYN0 short, 2021-01-01 00:00 to 2021-01-01 05:00, signal")


def test_the_trades_shown_are_those_of_the_span_that_is_judged():
    both = runs.trades(40, opened=True)
    assert "40 round trips on the sealed span" in said(trades_section(both))
    assert "40 round trips on validation" in said(trades_section(both.filter(pl.col("span") == "validation")))
    assert "There were no trades." in said(trades_section(pl.DataFrame()))
    assert "There were no trades." in said(trades_section(both.clear()))


@pytest.mark.parametrize("longest", [3, 50, 400, 5000])
def test_holding_times_count_every_trade_once(longest):
    rows = pl.DataFrame({"bars": np.random.default_rng(0).integers(1, longest, 500)})
    figure = holding_figure(rows)
    assert figure is not None
    columns = figure.plot["data"][0]
    assert sum(columns["y"]) == 500
    assert len(columns["x"]) <= 61
    assert holding_figure(pl.DataFrame({"bars": [4] * 20})) is None
    assert holding_figure(pl.DataFrame({"bars": [1, 2]})) is None


def test_ablations_beside_the_result_and_a_stamped_one_is_named():
    table = ablations_table(runs.verdict("edge", opened=True))
    assert table is not None
    assert texts(table.rows[0]) == ["As judged", "62.0%", "6.90", "3.4%"]
    labels = [row[0].text for row in table.rows]
    assert labels[1:] == [
        "Every decision one bar late",
        "Every cost twice",
        "Filled at the decision's own close *",
        "Without its five best trades",
    ]
    assert "Stamped fill_at_close" in table.caption
    assert ablations_table({"ablations": {}}) is None


def test_extremes_of_few_trades_are_all_of_them():
    grid: Any = extreme_tables(some_trades(net_bps=[1.0, 2.0, 3.0, 4.0], gross_bps=[1.0] * 4, cost_bps=[0.0] * 4))
    assert [len(table.rows) for table in grid.blocks] == [4, 4]
