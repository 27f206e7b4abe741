"""The decision: equal to the published rule, and a guard can only take an edge away."""

import json
from dataclasses import replace

import numpy as np
import pytest

from edgeproof.core.finding import Finding
from edgeproof.verdict.guards import GUARDS, guards, sealed_test
from edgeproof.verdict.judge import decide, judge
from edgeproof.verdict.limit import detection_limit
from edgeproof.verdict.selection import select
from tests.unit.verdict.cases import MARKET, error, evidence, good_net, rule_verdict, span, table


def reason(verdict, name):
    return next(guard for guard in verdict.guards if guard.name == name)


def random_case(seed):
    g = np.random.default_rng(seed)
    n = int(g.integers(300, 9000))
    share = g.choice([0.03, 0.3, 0.8])
    held = np.repeat(g.choice([0, 1], n // 12 + 1, p=[1 - share, share]), 12)[:n].astype(bool)
    move = g.standard_t(4, n) * 0.01 + g.choice([0, 3e-4])
    side = np.repeat(g.choice([-1, 1], n // 12 + 1), 12)[:n] if g.random() < 0.5 else 1
    net = (side * move + g.choice([-1e-3, 0, 5e-4, 2e-3])) * held
    rivals = g.standard_normal((800, int(g.integers(2, 12)))) * 0.01 + g.choice([-1e-3, 0, 1e-3])
    return net, (held * side).mean() * move, held, int(g.integers(1, 4)), (None, 0.5, 2.0)[seed % 3], rivals


@pytest.mark.parametrize("block", range(8))
def test_equal_to_the_published_rule_on_random_tracks(block):
    for seed in range(block * 25, block * 25 + 25):
        net, hold, held, opening, s_min, rivals = random_case(seed)
        case = evidence(sealed=span(net, hold, held), opening=opening, smallest_sharpe=s_min, trials=table(rivals))
        test, selection = sealed_test(case), select(case.trials, case.rng)
        listed = guards(case, test, selection)
        limit = float(detection_limit(len(net), 8760) or 0)
        loss = float(selection.probability_of_loss or 0) if rivals.shape[1] >= 5 else 0.0
        answer, why, figures = rule_verdict(
            net, hold, held, opening, pmax=float(selection.p_max or 0), p_loss=loss, s_min=s_min
        )
        assert decide(test, listed, limit if s_min is None else s_min) == answer, seed
        failed = {guard.name for guard in listed if guard.passed is False} - {"p_net", "p_timing"}
        if figures is not None:
            assert test is not None
            assert failed == set(why), seed
            assert (test.p, test.bound, limit) == pytest.approx(figures, abs=1e-12)


def test_a_good_model_is_an_edge_and_every_guard_is_listed():
    verdict = judge(evidence())
    assert verdict.answer == "edge"
    assert tuple(guard.name for guard in verdict.guards) == GUARDS
    assert [guard.passed for guard in verdict.guards] == [True] * 6 + [None] + [True] * 3
    assert "not known" in reason(verdict, "regimes").text


SPARSE = np.zeros(4000)
SPARSE[np.arange(25) * 160] = 0.02 + 0.001 * np.arange(25)
NARROW = np.where(np.arange(4000) < 2500, good_net(), 0.0)
CASES = {
    "units": {"net": SPARSE},
    "blocks": {"net": NARROW * 3},
    "p_max": {"trials": table(np.random.default_rng(1).standard_normal((3000, 20)) * 0.01 - 0.0003)},
    "p_loss": {"trials": table(np.random.default_rng(1).standard_normal((3000, 20)) * 0.01 - 0.0003)},
    "candidate": {"candidate_before_opening": False},
    "findings": {"findings": (error(),)},
    "survivorship": {"universe": "survivors", "findings": (error("quality.survivorship"),)},
}


@pytest.mark.parametrize("name", CASES)
def test_each_guard_turns_an_edge_into_inconclusive_and_names_itself(name):
    verdict = judge(evidence(**CASES[name]))
    assert verdict.test is not None
    assert verdict.test.p is not None
    assert verdict.test.p <= 0.04
    assert reason(verdict, name).passed is False
    assert verdict.answer == "inconclusive"
    assert reason(verdict, name).text in verdict.to_json()["would_change"]


@pytest.mark.parametrize("name", CASES)
def test_no_guard_turns_anything_into_no_edge_or_no_edge_into_anything(name):
    losing = evidence(**(CASES[name] | {"net": -np.abs(good_net()) * 0.1 + 0.002 * good_net(seed=8)}))
    assert judge(losing).answer == "no_edge"


def test_drift_is_not_sold_as_skill():
    g = np.random.default_rng(3)
    move = g.standard_normal(8000) * 0.01 + 0.0008
    verdict = judge(evidence(sealed=span(move * 0.9, move * 0.9 + 1e-6 * g.standard_normal(8000))))
    assert reason(verdict, "p_net").passed is True
    assert reason(verdict, "p_timing").passed is False
    assert verdict.answer == "inconclusive"


def test_each_further_opening_asks_for_more():
    case = evidence(net=good_net(4000, 4) - 0.00037)
    first = judge(case)
    assert first.test is not None
    assert first.test.p is not None
    assert 0.005 < first.test.p < 0.04
    assert first.answer == "edge"
    assert judge(replace(case, opening=2, openings=2)).answer == "inconclusive"


def test_a_model_that_never_trades_is_no_edge_once_opened():
    still = evidence(net=np.zeros(4000))
    assert judge(still).answer == "no_edge"
    assert judge(replace(still, sealed=None, opening=None)).answer == "inconclusive"


def test_the_smallest_interesting_sharpe_decides_about_no_edge():
    case = evidence(net=np.random.default_rng(6).standard_normal(8760) * 0.01)
    loose = judge(case)
    assert loose.smallest == loose.limit == pytest.approx(3.0)
    assert loose.answer == "no_edge"
    strict = judge(replace(case, smallest_sharpe=0.1))
    assert strict.smallest == 0.1
    assert strict.answer == "inconclusive"


def test_before_the_opening_nothing_is_decided():
    verdict = judge(evidence(sealed=None))
    body = verdict.to_json()
    assert verdict.answer == "inconclusive"
    assert body["span"] == "validation"
    assert body["sealed"] is None
    assert body["net"]["p_value"] is None
    assert body["openings"] == 0
    assert body["detection_limit"] == pytest.approx(3 * (8760 / 4000) ** 0.5)
    closed = {guard["name"]: guard["passed"] for guard in body["reasons"]}
    assert [closed[name] for name in ("p_net", "p_timing", "units", "blocks")] == [None] * 4
    assert closed["p_max"] is True
    assert "4.44 or more" in body["would_change"][0]


def test_the_json_is_the_contract():
    body = judge(evidence(oracle={"auc": np.float64(0.55), "model_auc": np.nan})).to_json()
    json.dumps(body, allow_nan=False)
    keys = "verdict reasons trials openings detection_limit validation sealed span net gross oracle market seconds"
    assert set(keys.split()) <= body.keys()
    assert [set(entry) for entry in body["reasons"]] == [{"name", "value", "threshold", "passed", "text"}] * 10
    needed = "sharpe sharpe_low sharpe_high psr dsr p_value max_drawdown total_return"
    assert set(needed.split()) <= body["net"].keys()
    assert body["net"] == body["sealed"]["net"] | {"p_value": body["net"]["p_value"]}
    assert body["net"]["sharpe_low"] < body["net"]["sharpe"] < body["net"]["sharpe_high"]
    assert body["validation"]["auc"] == 0.54
    assert body["market"] == MARKET | {"universe": "fixed"}
    assert body["oracle"] == {"auc": 0.55, "model_auc": None}
    assert body["trials"] == 20
    assert body["selection"]["best"].startswith("trial")


def test_psr_dsr_and_pbo_never_decide():
    # trials that are equally good: DSR and PBO look bad, the verdict does not care
    body = judge(evidence()).to_json()
    assert body["verdict"] == "edge"
    assert body["selection"]["pbo"] > 0.2
    assert 0 <= body["net"]["dsr"] <= body["net"]["psr"] <= 1


def test_trials_without_returns_make_luck_more_likely():
    weak = np.random.default_rng(4).standard_normal((3000, 20)) * 0.01 + 0.0004
    few, many = (judge(evidence(trials=table(weak, without=m))) for m in (0, 5000))
    assert few.selection.p_max is not None
    assert many.selection.p_max is not None
    assert many.selection.p_best is not None
    assert few.selection.p_max < many.selection.p_max
    luck = 1 - (1 - few.selection.p_max) * (1 - many.selection.p_best) ** 5000
    assert many.selection.p_max == pytest.approx(luck, abs=0.02)  # p_max itself is drawn anew
    assert (few.answer, many.answer) == ("edge", "inconclusive")


def test_broken_returns_count_as_trials_without_returns():
    returns = np.array(table().returns)
    returns[5, 3] = np.nan
    verdict = judge(evidence(trials=table(returns)))
    assert (verdict.selection.trials, verdict.selection.stored) == (20, 19)


def test_fewer_than_five_trials_ask_nothing_of_cscv():
    verdict = judge(evidence(trials=table(table().returns[:, :4])))
    assert reason(verdict, "p_loss").passed is True
    assert "from 5 trials" in reason(verdict, "p_loss").text


def test_survivorship():
    warned = (Finding("quality.survivorship", "warning", "3 of 20 symbols end before the market does"),)
    assert reason(judge(evidence(universe="survivors", findings=warned)), "survivorship").passed is True
    assert reason(judge(evidence(universe="survivors")), "survivorship").passed is False
    assert reason(judge(evidence(universe="point_in_time")), "survivorship").passed is True
    dead = judge(evidence(universe="survivors", findings=(error("quality.survivorship"),)))
    assert reason(dead, "findings").passed is True  # one fault, one guard


@pytest.mark.parametrize(
    ("net", "returns"),
    [
        (np.zeros(1), np.zeros((0, 0))),
        (np.full(5, 0.1), np.zeros((5, 3))),
        (np.full(400, 0.001), np.zeros((400, 8))),
        (np.full(400, -1.0), np.full((10, 8), 0.1)),
        (np.r_[np.zeros(399), 1e60], np.full((400, 2), np.nan)),
        (np.full(40, 1e-300), np.zeros((40, 6))),
    ],
)
def test_degenerate_input_never_gives_inf_or_nan(net, returns):
    for universe in ("fixed", "survivors", "unheard of"):
        for opened in (True, False):
            case = evidence(net=net, trials=table(returns), universe=universe, sealed_bars=0)
            case = replace(case, validation=span(net))
            body = judge(case if opened else replace(case, sealed=None, opening=None)).to_json()
            json.dumps(body, allow_nan=False)
            assert body["verdict"] in ("no_edge", "inconclusive")
            assert len(body["reasons"]) == 10
            assert all(isinstance(entry["text"], str) and entry["text"] for entry in body["reasons"])


def test_the_same_evidence_gives_the_same_bytes():
    assert json.dumps(judge(evidence()).to_json()) == json.dumps(judge(evidence()).to_json())


def test_the_count_is_the_ledgers_and_openings_come_with_their_span():
    with pytest.raises(ValueError, match=r"ledger\.trials"):
        evidence(trials=replace(table(), count=1))
    with pytest.raises(ValueError, match="together"):
        evidence(opening=None)
