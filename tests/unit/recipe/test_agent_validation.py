"""Accounts of an agent along validation: their figures, their rows, and the warning that reward is not growth."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from edgeproof.core.rng import Rng
from edgeproof.recipe.agent_validation import book_returns, episodes_rows, reward_agrees, validation_figures
from edgeproof.rl.roll import Rolled
from edgeproof.stats.performance import performance

YEAR = 365 * 24.0


def rolled(earned, paid=None, *, first=1):
    """One member whose accounts decide at bars `first` to the last but one."""
    earned = np.asarray(earned, np.float32)[None]
    made = np.zeros(earned.shape, bool)
    made[:, :, first:-1] = True
    steps = made.sum(2)
    return Rolled(
        position=np.where(made, 1.0, 0.0),
        made=made,
        earned=earned,
        paid=earned if paid is None else np.asarray(paid, np.float32)[None],
        net_growth=(earned.sum(2, dtype=np.float64) / steps).mean(1),
        turnover=np.array([0.25]),
        reward=np.array([0.5]),
    )


def test_two_accounts_make_one_book_of_equal_money():
    made = rolled(np.log([[1, 1, 1.02, 0.99], [1, 1, 0.98, 1.03]]))
    assert book_returns(made)[0] == pytest.approx([0.0, 0.01], abs=1e-7)  # (2% - 2%) / 2, (-1% + 3%) / 2
    figures = validation_figures(made, bars_per_year=YEAR)
    growth = math.log(1.02 * 0.99 * 0.98 * 1.03) / 4  # two accounts, two steps each
    assert figures["score"] == pytest.approx([1e4 * growth], rel=1e-5)
    assert figures["active"] == [1.0]
    assert (figures["turnover"], figures["reward"]) == ([0.25], [0.5])
    assert figures["max_drawdown"] == [pytest.approx(0.0, abs=1e-7)]


def test_figures_are_those_of_the_one_metrics_module():
    earned = np.zeros((3, 900))
    earned[:, 2:] = 0.01 * Rng(1).child("earned").numpy().standard_normal((3, 898))
    found = validation_figures(rolled(earned), bars_per_year=YEAR)
    right = performance(np.expm1(earned[:, 2:].astype(np.float32)).mean(0), bars_per_year=YEAR)
    for name in ("sharpe", "profit_factor", "skew", "max_drawdown", "consistency"):
        assert found[name] == pytest.approx([right[name]], rel=1e-3)


def test_an_agent_that_never_trades_has_no_profit_factor_and_no_sharpe_to_boast_of():
    found = validation_figures(rolled(np.zeros((2, 50))), bars_per_year=YEAR)
    assert found["sharpe"] == [0.0]
    assert math.isnan(found["profit_factor"][0])


def test_episodes_are_the_accounts_bar_by_bar():
    made = rolled(np.log([[1, 1, 1.1, 1.2]]), [[0, 0, 3.0, 4.0]])
    rows = episodes_rows(made, ["BTC"], np.arange(4) * 3_600_000_000_000)
    assert rows["close_time"].dt.hour().to_list() == [2, 3]
    assert rows["equity"].to_list() == pytest.approx([1.1, 1.32], rel=1e-6)
    assert rows["reward"].to_list() == [3.0, 4.0]
    assert rows["position"].to_list() == [1.0, 1.0]
    assert episodes_rows(None, (), np.arange(4)).is_empty()


def drawn(share, *, accounts=4, bars=400, seed=0):
    """Growth, and a reward that is it with this weight and noise with the rest."""
    noise = Rng(seed).child("reward").numpy().standard_normal((2, accounts, bars))
    return noise[0], share * noise[0] + (1 - share) * noise[1]


def test_a_reward_for_something_else_is_warned_of_with_its_rank_correlation():
    growth, _ = drawn(0.0)
    (found,) = reward_agrees(rolled(growth, -growth), episode_bars=50)
    assert found.check == "rl.reward_agrees"
    assert found.level == "warning"
    assert found.evidence["measured"] == pytest.approx(-1.0)
    assert found.evidence["threshold"] == 0.5


def test_the_measure_is_spearman_s_over_episodes():
    growth, reward = drawn(0.2)
    (found,) = reward_agrees(rolled(growth, reward), episode_bars=30)
    assert found.evidence["bars"] == 30
    sums = [part[:, 2:].astype(np.float32)[:, : 398 // 30 * 30].reshape(-1, 30).sum(1) for part in (reward, growth)]
    assert found.evidence["measured"] == pytest.approx(np.asarray(spearmanr(*sums))[0], abs=1e-6)


def test_a_reward_that_follows_growth_passes():
    growth, reward = drawn(0.8)
    assert reward_agrees(rolled(growth, 7 * growth), episode_bars=0) == ()
    assert reward_agrees(rolled(growth, reward), episode_bars=512) == ()


def test_few_bars_or_no_trades_say_nothing():
    growth, _ = drawn(0.0, accounts=1, bars=9)
    assert reward_agrees(rolled(growth, -growth), episode_bars=0) == ()
    still = np.zeros((2, 100))
    assert reward_agrees(rolled(still, still + 1.0), episode_bars=5) == ()
