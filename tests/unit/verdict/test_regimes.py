"""The guard of regimes: the published rule to the last digits, and silence where nothing can be told."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from edgeproof.evaluate.regimes import ByRegime
from edgeproof.verdict.guards import guards, sealed_test
from edgeproof.verdict.judge import decide, judge
from edgeproof.verdict.limit import detection_limit
from edgeproof.verdict.selection import select
from tests.unit.verdict.cases import evidence, good_net, rule_regime_p, rule_verdict, span

NAMES = ("bull_calm", "bull_wild", "bear_calm", "bear_wild")


def seen(code) -> ByRegime:
    return ByRegime(np.asarray(code, np.int8), NAMES, "by hand", ())


@cache
def chosen():
    case = evidence()
    return select(case.trials, case.rng)


def regime_guard(case):
    return next(guard for guard in guards(case, sealed_test(case), chosen()) if guard.name == "regimes")


def random_regimes(seed):
    g = np.random.default_rng(seed)
    n, m = int(g.integers(300, 6000)), int(g.integers(1, 5))
    code = np.repeat(g.integers(0, m, n // 50 + 1), 50)[:n]
    held = np.repeat(g.random(n // 12 + 1) < g.choice([0.1, 0.9]), 12)[:n]
    drift = g.choice([0, 1e-3, 2e-3, -2e-3], 4)[code]
    return (g.standard_t(4, n) * 0.01 + drift) * held, held, code


@pytest.mark.parametrize("block", range(4))
def test_equal_to_the_published_rule_on_random_tracks_with_regimes(block):
    failing, trials, selection = 0, evidence().trials, chosen()
    for seed in range(block * 40, block * 40 + 40):
        net, held, code = random_regimes(seed)
        case = evidence(sealed=span(net, held=held, regimes=seen(code)), trials=trials)
        test = sealed_test(case)
        listed = guards(case, test, selection)
        limit = float(detection_limit(len(net), 8760) or 0)
        hold = np.zeros_like(net)
        answer, why, _ = rule_verdict(net, hold, held, pmax=float(selection.p_max or 0), regimes=code)
        assert decide(test, listed, limit) == answer, seed
        failed = {guard.name for guard in listed if guard.passed is False} - {"p_net", "p_timing"}
        assert failed == set(why), seed
        guard = next(guard for guard in listed if guard.name == "regimes")
        worst = min(rule_regime_p(net, held, code, r) for r in np.unique(code))
        assert guard.threshold == 0.05 / len(np.unique(code))
        if guard.value is None:
            assert worst > guard.threshold, seed
        else:
            assert guard.value == pytest.approx(worst, abs=1e-12), seed
        failing += guard.passed is False
    assert failing > 5


def test_a_regime_that_loses_takes_the_edge_and_is_named():
    code = np.arange(4000) // 100 % 4
    net = good_net()
    assert regime_guard(evidence(sealed=span(net, regimes=seen(code)))).passed is True
    bad = np.where(code == 3, -0.003 + net, net + 0.002)
    verdict = judge(evidence(sealed=span(bad, regimes=seen(code))))
    assert verdict.answer == "inconclusive"
    guard = next(guard for guard in verdict.guards if guard.name == "regimes")
    assert guard.passed is False
    assert guard.threshold == 0.0125
    assert guard.text.startswith("Loses significantly in bear_wild.")
    assert "25% of the bars" in guard.text


def test_before_the_opening_the_guard_is_open():
    closed = evidence(sealed=None, validation=span(good_net(3000), regimes=seen(np.zeros(3000))))
    guard = regime_guard(closed)
    assert (guard.passed, guard.text) == (None, "Known once the seal is opened.")


def test_unknown_bars_belong_to_no_regime():
    net, code = good_net(), np.repeat([-1, 0], [400, 3600])
    bad = np.where(code == -1, net - 0.01, net + 0.01)
    guard = regime_guard(evidence(sealed=span(bad, regimes=seen(code))))
    assert guard.passed is True
    assert guard.threshold == 0.05
    assert regime_guard(evidence()).passed is None


@pytest.mark.parametrize("code", [np.full(4000, -1), np.repeat([-1, 0], [3200, 800]), np.repeat([-1, 0], [500, 3500])])
def test_a_rule_that_knows_too_little_lets_no_edge_pass(code):
    verdict = judge(evidence(sealed=span(good_net(), regimes=seen(code))))
    assert verdict.answer == "inconclusive"
    said = next(guard for guard in verdict.guards if guard.name == "regimes")
    assert "is known in" in said.text


def test_a_regime_that_is_hardly_traded_is_never_significant():
    code, net = np.zeros(4000, int), good_net()
    code[100:104] = 1
    net[100:104] = -0.5  # a disaster, in one block: nothing that a test of blocks could tell from chance
    case = evidence(sealed=span(net, regimes=seen(code)))
    guard = regime_guard(case)
    assert guard.passed is True
    assert "Traded too rarely to tell: bull_wild." in guard.text
    still = np.where(code == 1, net, 0.0)
    guard = regime_guard(evidence(sealed=span(still, regimes=seen(code))))
    assert (guard.passed, guard.value) == (True, None)
    assert guard.text.startswith("Traded too rarely in each of 2 regimes")


def test_regimes_stand_in_the_verdict():
    rows = ({"name": "bull_calm", "bars": 4000, "share": 1.0, "net": {"sharpe": float("nan")}},)
    found = replace(seen(np.zeros(4000)), figures=rows)
    body = judge(evidence(sealed=span(good_net(), regimes=found))).to_json()
    json.dumps(body, allow_nan=False)
    assert body["regimes"] == body["sealed"]["regimes"]
    assert body["regimes"][0]["net"]["sharpe"] is None
    assert body["validation"]["regimes"] == []
    assert body["regime_rule"] == "by hand"
