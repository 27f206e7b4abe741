"""The table of the search: every convention with its value, and a dash with its reason."""

from typing import Any

import numpy as np

from edgeproof.report.number import DASH
from edgeproof.report.search import search_table
from edgeproof.report.verdict import verdict_sections
from edgeproof.verdict.judge import judge
from tests.unit.verdict.cases import evidence, table


def body_of(trials) -> dict[str, Any]:
    return judge(evidence(trials=trials)).to_json()


def rows_of(body):
    found = search_table(body)
    assert found is not None
    return {row[0].text: row[1] for row in found.rows}


def test_the_search_is_described():
    body = body_of(table(without=5))
    rows = rows_of(body)
    assert rows["Trials counted, with returns stored"].text == "25 of which 20"
    assert rows["PBO: at or below the median, below it"].text.count("0.") == 2
    assert " to " in rows["Logit of the choice's rank, 5% to 95%"].text
    assert rows["Choice dominates chance: first, second order"].text in ("no, no", "no, yes", "yes, yes")
    assert all(cell.text != DASH for cell in rows.values())


def test_one_trial_says_why_there_is_nothing_to_compare():
    rows = rows_of(body_of(table(np.random.default_rng(0).standard_normal((500, 1)))))
    assert rows["Degradation: slope, R\u00b2"].text == DASH
    assert rows["Degradation: slope, R\u00b2"].why == "fewer than two trials with returns"
    flat = rows_of(body_of(table(np.zeros((500, 4)))))
    assert flat["Effective trials: entropy, Nyholt, mean correlation"].why == "no trial traded"
    assert flat["Choice dominates chance: first, second order"].why == "the choice never varies"


def test_it_stands_below_the_guards_and_an_older_verdict_has_none():
    body = body_of(table())
    guards = verdict_sections(body)[1]
    assert guards.blocks[-1] == search_table(body)
    assert search_table({"selection": {"trials": 20, "pbo": 0.3}}) is None
    assert search_table({}) is None
