import numpy as np
import pytest

from edgeproof.verdict.change import hangs_on
from edgeproof.verdict.judge import judge
from tests.unit.verdict.cases import evidence, span

ABLATIONS = {
    "one_bar_late": {"sharpe": 2.4},
    "costs_twice": {"sharpe": -0.31},
    "same_close": {"sharpe": 9.0},
    "without_five_best": {"sharpe": None},
}


def test_an_edge_says_what_it_hangs_on():
    (said,) = hangs_on("edge", ABLATIONS)
    assert said == (
        "The net Sharpe ratio would have been 2.40 with every decision one bar late, -0.31 with costs twice as high."
    )


def test_without_an_edge_or_an_ablation_there_is_nothing_to_say():
    assert hangs_on("no_edge", ABLATIONS) == []
    assert hangs_on("inconclusive", ABLATIONS) == []
    assert hangs_on("edge", {}) == []


def last_words(total: float, paid: float) -> str:
    judged = span(np.random.default_rng(6).standard_normal(2000) * 0.01)
    net = {**judged.figures["net"], "total_return": total, "cost_bps": paid, "break_even_bps": 5.39}
    changed = span(judged.net, figures={"net": net, "gross": judged.figures["gross"]})
    return judge(evidence(sealed=changed)).to_json()["would_change"][-1]


def test_costs_are_said_of_sums_and_a_loss_beside_them_is_worded_apart():
    assert last_words(0.1, 4.99) == (
        "Costs: 4.99 bps a side was paid; summed, not compounded, at 5.39 bps a side nothing would be left of the "
        "gross gain."
    )
    assert last_words(-0.005, 4.99) == (
        "Costs: 4.99 bps a side was paid. Summed, not compounded, the net returns are above zero, and would be up to "
        "5.39 bps a side; compounded, as an account earns them, they come to -0.5%."
    )
    assert "above zero" not in last_words(-0.1, 6.0)


@pytest.mark.parametrize(("wanted", "words"), [(0.5, "more than 30 years of bars are needed"), (1.0, "66,7")])
def test_more_bars_than_ten_years_are_said_in_years(wanted, words):
    said = judge(evidence(sealed=None, smallest_sharpe=wanted)).to_json()["would_change"]
    assert any(words in text and "smallest interesting" in text for text in said)
