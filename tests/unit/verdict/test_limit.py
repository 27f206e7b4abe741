"""What a span can find: the published table, the power behind it, and sentences that a reader can act on."""

import numpy as np
import pytest
from scipy import stats

from edgeproof.verdict.judge import judge
from edgeproof.verdict.limit import bars_needed, detection_limit
from tests.unit.verdict.cases import evidence, span


@pytest.mark.parametrize(
    ("bars", "printed"), [(1000, 8.9), (2000, 6.3), (4380, 4.2), (8760, 3.0), (17_520, 2.12), (43_800, 1.34)]
)
def test_detection_limit_is_the_published_table(bars, printed):
    assert detection_limit(bars, 8760) == pytest.approx(printed, abs=0.05)


@pytest.mark.parametrize(("sharpe", "bars"), [(1, 66_700), (1.5, 29_600), (2, 16_700), (3, 7_400), (4, 4_200)])
def test_bars_needed_is_the_published_table(sharpe, bars):
    assert bars_needed(sharpe, 8760) == pytest.approx(bars, rel=0.01)


def test_power_at_the_limit_is_that_of_the_noncentral_t():
    critical = stats.t.isf(0.04, 13)
    assert stats.nct.sf(critical, 13, 3.0) == pytest.approx(0.857, abs=0.002)
    assert stats.nct.sf(critical, 13, 2.76) == pytest.approx(0.80, abs=0.003)
    assert stats.nct.sf(critical, 13, 1.86) == pytest.approx(0.50, abs=0.01)


@pytest.mark.parametrize("sharpe", [0.0, -1.0, float("nan"), 1e-9])
def test_what_cannot_be_reached_is_none(sharpe):
    assert bars_needed(sharpe, 8760) is None
    assert detection_limit(0, 8760) is None


def test_an_unclear_result_says_how_many_bars_would_do():
    g = np.random.default_rng(6)
    net = g.standard_normal(2000) * 0.01
    net = net - net.mean() + 0.00035  # net Sharpe about 3.3: under the limit 6.3 of 2,000 bars
    body = judge(evidence(net=net)).to_json()
    change = body["what_would_change"]
    assert body["verdict"] == "inconclusive"
    assert change["sealed_bars"] == 2000
    assert change["bars_needed"] == bars_needed(body["net"]["sharpe"], 8760)
    said = " ".join(body["would_change"])
    assert f"{change['bars_needed']:,} sealed bars" in said
    assert "p <= 0.005" in said
    assert "9.00 bps a side" in said


def test_a_loss_says_that_no_number_of_bars_would_do():
    body = judge(evidence(net=-np.abs(np.random.default_rng(1).standard_normal(2000)))).to_json()
    assert body["what_would_change"]["bars_needed"] is None
    assert any("no number of further bars" in text for text in body["would_change"])


def test_a_span_too_short_for_the_smallest_interesting_sharpe_says_so_before_the_opening():
    closed = evidence(sealed=None, smallest_sharpe=1.0)
    said = judge(closed).to_json()["would_change"]
    assert any("too short" in text and "66,731 are needed" in text for text in said)
    fair = judge(evidence(sealed=None, smallest_sharpe=4.0)).to_json()["would_change"]
    assert not any("too short" in text for text in fair)


def test_a_loss_before_costs_says_so():
    figures = span(np.zeros(10)).figures
    losing = span(
        np.random.default_rng(2).standard_normal(3000) - 0.2,
        figures={"net": {**figures["net"], "break_even_bps": None}, "gross": figures["gross"]},
    )
    assert judge(evidence(sealed=losing)).to_json()["would_change"][-1].startswith("It loses before costs")
