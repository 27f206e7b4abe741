"""The chapter on a known-truth market: three columns, how they were found, what trading could earn."""

import copy

from edgeproof.report.oracle import oracle_sections, oracle_table, trading_table
from edgeproof.report.page import render
from edgeproof.report.part import Text

ORACLE = {
    "auc": 0.5532,
    "log_loss": 0.68867,
    "f1_plus": 0.6626,
    "auc_error": 0.0,
    "model_auc": 0.5433,
    "model_log_loss": 0.69059,
    "model_f1_plus": 0.6610,
    "model_share": 0.814,
    "volatility_auc": 0.5005,
    "volatility_log_loss": 0.69310,
    "volatility_f1_plus": 0.6600,
    "volatility_share": 0.009,
    "auc_share": 0.814,
    "method": "closed form",
    "samples": 25_584,
    "bars": 3_198,
    "bars_scored": 3_198,
    "paths": None,
    "kind": "linear",
    "trading": {
        "model_gain_bps": 4.34,
        "model_growth_bps": 4.73,
        "cost_bps": 5.0,
        "short": True,
        "best_bps": 5.62,
        "best_here_bps": 5.52,
        "leak": {"level": "info", "claim": "earned"},
    },
}


def texts(table) -> dict[str, list[str]]:
    return {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}


def told(verdict) -> list[str]:
    return [block.text for section in oracle_sections(verdict) for block in section.blocks if isinstance(block, Text)]


def test_model_best_and_volatility_stand_side_by_side():
    table = oracle_table({"oracle": ORACLE})
    assert table is not None
    assert list(table.columns)[1:] == ["Model", "Best possible", "Volatility alone"]
    rows = texts(table)
    assert rows["AUC"] == ["0.543", "0.553", "0.500"]
    assert rows["Share of what can be found"] == ["81.4%", "100.0%", "0.9%"]
    assert rows["Log loss"] == ["0.6906", "0.6887", "0.6931"]
    assert "25,584 forecasts" in table.caption
    assert "exactly" in table.caption


def test_a_simulated_oracle_states_its_size_and_error():
    body = ORACLE | {"method": "simulated", "paths": 24, "bars": 1157, "bars_scored": 3900, "auc_error": 0.0031}
    table = oracle_table({"oracle": body})
    assert table is not None
    for words in ("24 futures", "1,157 of 3,900 decision bars", "standard error of the best AUC 0.003"):
        assert words in table.caption


def test_without_a_volatility_there_is_no_column_for_it():
    body = {key: value for key, value in ORACLE.items() if not key.startswith("volatility")}
    table = oracle_table({"oracle": body})
    assert table is not None
    assert list(table.columns)[1:] == ["Model", "Best possible"]


def test_the_best_trading_stands_beside_the_model_s():
    table = trading_table({"oracle": ORACLE})
    assert table is not None
    assert list(texts(table).values()) == [["5.62"], ["5.52"], ["4.34"], ["4.73"]]
    assert "5.0 bps a side" in table.caption
    assert told({"oracle": ORACLE}) == []


def test_a_kind_whose_optimum_is_not_known_says_why():
    body = ORACLE | {"kind": "regime", "trading": {"model_growth_bps": 1.5, "unknown": "the market switches"}}
    assert trading_table({"oracle": body}) is None
    assert any(
        "1.50 bps a bar" in text and "kind regime: the market switches" in text for text in told({"oracle": body})
    )


def test_more_than_the_best_is_called_a_leak():
    body = copy.deepcopy(ORACLE)
    body["trading"]["leak"] = {"level": "error", "claim": "earned 9 a bar", "remedy": "look for a late value"}
    assert any(text.startswith("A leak: the model earned 9 a bar") for text in told({"oracle": body}))


def test_a_real_market_has_no_such_chapter_and_a_hostile_name_is_escaped():
    assert oracle_sections({"oracle": None}) == []
    assert oracle_sections({}) == []
    body = ORACLE | {"kind": "<script>x</script>", "trading": {"unknown": "<b>y</b>"}}
    page = render("t", oracle_sections({"oracle": body}), subtitle="", footer="")
    assert "<script>x</script>" not in page
    assert "<b>y</b>" not in page


def test_where_nothing_was_scored_it_says_so():
    assert any("not known here" in text for text in told({"oracle": {"kind": "noise", "trading": {}}}))


def test_where_the_label_could_not_be_simulated_a_long_horizon_is_named_too():
    assert any("horizon is 1,000 bars or more" in text for text in told({"oracle": {"kind": "noise", "trading": {}}}))


def test_a_run_that_holds_more_than_an_equal_part_is_told_its_own_bound():
    body = copy.deepcopy(ORACLE)
    body["trading"] |= {"share": 1.1, "bound_bps": 6.2}
    assert told({"oracle": body}) == [], "positions that drifted are still equal parts"
    body["trading"] |= {"share": 4.0, "bound_bps": 22.48}
    (said,) = told({"oracle": body})
    assert "at most 22.48 bps a bar" in said
