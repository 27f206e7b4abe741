import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.clock import HOUR_NS
from edgeproof.core.rng import Rng
from edgeproof.stats.blocks import block_t
from edgeproof.verdict.outside import judge_outside
from edgeproof.verdict.selection import select

from .cases import table

YEAR = 8760.0


def judge(x, **given_):
    x = np.atleast_2d(np.asarray(x, float).T).T if np.ndim(x) == 1 else x
    options = {"declared_trials": 1, "bars_per_year": YEAR, "interval_ns": HOUR_NS} | given_
    return judge_outside(x, [f"s{k}" for k in range(x.shape[1])], **options)


@settings(max_examples=15)
@given(st.integers(0, 1000), st.floats(-3, 30), st.integers(1, 10_000))
def test_never_an_edge_whatever_is_declared(seed, sharpe, trials):
    generator = np.random.default_rng(seed)
    x = 0.01 * (generator.standard_normal(2000) + sharpe / np.sqrt(YEAR))
    assert judge(x, declared_trials=trials).answer in ("no_edge", "inconclusive")


def test_more_declared_trials_never_look_better():
    x = 0.01 * (np.random.default_rng(1).standard_normal(4000) + 4 / np.sqrt(YEAR))
    p = [judge(x, declared_trials=n).figures["p_declared"] for n in (1, 2, 10, 100, 1000)]
    assert p == sorted(p)
    single = block_t(x, x != 0, bars_per_day=24).p
    assert single is not None
    assert p[0] == pytest.approx(single, rel=1e-12)
    assert p[2] == pytest.approx(1 - (1 - single) ** 10, rel=1e-9)


def test_costly_noise_is_no_edge_and_a_strong_track_is_inconclusive():
    generator = np.random.default_rng(2)
    noise = generator.standard_normal(8760)
    assert judge(0.01 * (noise - 4 / np.sqrt(8760))).answer == "no_edge"
    assert judge(0.01 * (noise + 6 / np.sqrt(8760))).answer == "inconclusive"
    assert judge(np.zeros(100)).answer == "no_edge"


def test_the_given_series_are_the_trials_that_can_be_seen():
    generator = np.random.default_rng(3)
    x = 0.01 * generator.standard_normal((3000, 20))
    found = judge(x, declared_trials=5)
    assert found.figures["declared_trials"] == 20  # no fewer than are given
    assert found.figures["p_max"] > found.figures["p"]
    assert judge(x, declared_trials=2000).figures["p_max"] > found.figures["p_max"]
    best = int(np.argmax(x.mean(axis=0) / x.std(axis=0)))
    assert found.judged == f"s{best}"
    assert judge(x, column="s3").judged == "s3"


def test_a_user_who_cares_about_less_gets_no_denial():
    x = 0.01 * np.random.default_rng(4).standard_normal(8760)
    x = x - x.mean() - 0.0001
    assert judge(x).answer == "no_edge"
    assert judge(x, smallest_sharpe=0.1).answer == "inconclusive"


@pytest.mark.parametrize("x", [np.zeros(50), np.full(50, 0.01), np.array([0.01, -0.01]), np.r_[np.zeros(40), -1.0]])
def test_degenerate_returns_give_nulls_and_words(x):
    body = judge(x, declared_trials=3).to_json()
    assert body["reasons"]
    assert all(value is None or np.isfinite(value) for value in body["figures"].values() if not isinstance(value, str))


def test_daily_returns_are_selected_among_by_the_rule_of_counted_trials():
    # 250 days are only 10 blocks of 24 bars; the rule takes 50 blocks of 5
    x = 0.01 * np.random.default_rng(6).standard_normal((250, 12))
    found, rule = (
        judge(x, interval_ns=24 * HOUR_NS, bars_per_year=365).figures,
        select(table(x), Rng(0).child("outside")),
    )
    assert rule.block_bars == 5
    assert found["p_max"] == rule.p_max
    assert (found["pbo"], found["probability_of_loss"]) == (rule.pbo, rule.probability_of_loss)


def test_the_judged_column_and_no_other_stands_for_the_search():
    x = 0.01 * np.random.default_rng(7).standard_normal((3000, 6))
    x[:, 2] += 0.003
    assert judge(x).figures["p_max"] < 0.01
    assert judge(x, column="s3").figures["p_max"] > 0.5  # a splendid neighbour buys nothing


def test_the_larger_p_is_quoted_without_at_most():
    x = 0.01 * np.random.default_rng(7).standard_normal((3000, 6))
    x[:, 2] += 0.003
    strong, weak = judge(x), judge(x, column="s3")
    assert strong.figures["p_max"] > strong.figures["p_declared"]  # 1,000 resamples cannot say less than 0.001
    said = " ".join(strong.reasons)
    assert f"declared ones it is {strong.figures['p_max']:.3g}, among those given." in said
    assert f"p_declared={strong.figures['p_max']:.3g})" in repr(strong)
    assert weak.figures["p_max"] < weak.figures["p_declared"]
    assert f"declared ones it is at most {weak.figures['p_declared']:.3g}." in " ".join(weak.reasons)


@pytest.mark.parametrize(
    ("size", "hours", "asked"), [(0.02, 1, False), (0.2, 1, True), (0.2, 24, False), (0.5, 24, True)]
)
def test_returns_of_the_size_of_per_cents_are_asked_about(size, hours, asked):
    x = size * np.tile([0.9, -0.9, 0.5, -0.4], 50)
    said = " ".join(judge(x, interval_ns=hours * HOUR_NS).reasons)
    assert ("Half of the returns are beyond" in said) == asked


def test_a_total_loss_is_asked_about_in_whatever_column():
    x = 0.001 * np.random.default_rng(8).standard_normal((300, 2))
    assert "did you write percent" not in " ".join(judge(x).reasons)
    x[5, 1] = -1.0
    assert "A total return is -100%" in judge(x, column="s0").reasons[0]


def test_its_repr_shows_the_ratio_and_both_p():
    x = 0.01 * np.random.default_rng(9).standard_normal(3000)
    found = judge(x, declared_trials=7)
    sharpe, p, counted = (found.figures[name] for name in ("sharpe", "p", "p_declared"))
    assert repr(found).endswith(f"judged='s0', sharpe={sharpe:.3g}, p={p:.3g}, p_declared={counted:.3g})")
    assert "p=None" in repr(judge(np.zeros(5)))
