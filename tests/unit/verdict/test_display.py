"""Verdicts display themselves in a notebook: the answer, every reason, and nothing that a name could smuggle in."""

import numpy as np
import pytest

from edgeproof.core.clock import HOUR_NS
from edgeproof.verdict.display import answer_html
from edgeproof.verdict.judge import judge
from edgeproof.verdict.outside import judge_outside
from tests.unit.verdict.cases import evidence


def test_a_verdict_shows_its_answer_and_every_guard():
    verdict = judge(evidence())
    text = verdict._repr_html_()
    assert {"edge": "Edge", "no_edge": "No edge", "inconclusive": "Inconclusive"}[verdict.answer] in text
    assert all(guard.name in text for guard in verdict.guards)
    assert text.count("<tr>") == len(verdict.guards)


def test_a_judgement_of_returns_names_what_was_judged_and_escapes_it():
    x = 0.01 * np.random.default_rng(1).standard_normal((2000, 1))
    found = judge_outside(x, ["<b>s"], declared_trials=3, bars_per_year=8760.0, interval_ns=HOUR_NS)
    assert "&lt;b&gt;s: net annual Sharpe ratio" in found._repr_html_()
    assert "<b>" not in found._repr_html_()


@pytest.mark.parametrize("holds", [True, False, None])
def test_markup_in_reasons_is_inert(holds):
    evil = "<script>alert(1)</script>"
    assert "<script" not in answer_html("edge", evil, [(holds, evil, evil)])
