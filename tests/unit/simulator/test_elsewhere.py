"""Mistakes published of other engines, each as a case here, and what two other engines say to the same orders."""

import numpy as np
import pytest

from edgeproof.core.rng import Rng
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate, simulate_many
from edgeproof.simulator.options import Options

CALM = (100.0, 101.0, 99.0, 100.0)
FREE = CostsConfig.free()


def track(rows, target, costs=FREE, **options):
    """One asset; `target` is held from the close of bar 1 on, or by bar if it is a list."""
    prices = np.ones((1, len(rows), 5))
    prices[0, :, :4] = rows
    by_bar = target if isinstance(target, list) else [0.0] + [target] * (len(rows) - 1)
    every = np.ones(len(rows), bool)
    return simulate(prices, every[np.newaxis], np.array([by_bar]), every, costs, options=Options(**options))


@pytest.mark.parametrize("side", [0.5, -0.5])
def test_fees_never_earn_whatever_the_side(side):
    # freqtrade issue 7829: with fees on, the reinforcement learner's shorts became profitable (a sign)
    money = track([CALM] * 6, [0.0, side, side, 0.0, 0.0, 0.0], CostsConfig(commission_bps=25.0, half_spread_bps=0.0))
    assert (money.net <= 0.0).all()
    assert money.equity[-1] == pytest.approx(1.0 - 2 * 0.5 * 25e-4)


def test_interest_is_charged_on_every_trade_the_short_lived_and_the_last_one_too():
    # gym-trading-env issue 23: interest on some trades was lost
    costs = FREE.model_copy(update={"borrow_bps_per_bar": 10.0})
    rows = [CALM] * 8
    money = track(rows, [0.0, -0.5, 0.0, -0.5, 0.5, -0.5, -0.5, -0.5], costs)
    held = np.array([0, 0, 1, 0, 1, 0, 1, 1])  # bars that begin short
    np.testing.assert_allclose(money.borrow, held * 0.5 * 10e-4, rtol=0.01)
    assert (money.borrow > 0).tolist() == held.astype(bool).tolist()
    assert money.trades["cost"].sum() == pytest.approx(money.borrow.sum(), rel=1e-12)
    stopped = track([CALM, CALM, (100.0, 112.0, 99.0, 100.0), CALM], -0.5, costs, stop_loss=0.1)
    assert stopped.borrow.tolist() == pytest.approx([0, 0, 0.5 * 10e-4, 0])  # out in its first bar, and pays for it


def test_slippage_takes_from_everyone():
    # TorchTrade 0.1.0 draws slippage from U(1 - s, 1 + s): after 100 round trips of 1% at a constant price half of the
    # accounts have gained. Against the order, 1% a side, every account of them loses about 87%: 0.99^200 = 0.134
    targets = np.tile([1.0, 0.0], 101)[np.newaxis, :201]
    draw = Rng(0).child("slippage").numpy()
    many = np.where(draw.random((64, 1, 1)) < 0.5, targets, -targets)
    prices, every = np.ones((1, 201, 5)), np.ones(201, bool)
    costs = FREE.model_copy(update={"slippage_bps": 100.0})
    ends = [t.equity[-1] for t in simulate_many(prices, every[np.newaxis], many, every, costs)]
    assert max(ends) < 0.14
    long = 0.99 / 1.01  # a full account buys 1 / 1.01 and sells at 0.99 of it
    assert ends[int(np.argmax(many[:, 0, 0]))] == pytest.approx(long**100, rel=1e-9)


def test_a_stop_is_not_filled_better_than_the_gap():
    # TorchTrade issue 280: long at 100, stop at 97.5, the next bar opens at 85; 97.5 was booked
    rows = [CALM, CALM, (100.0, 100.5, 99.5, 100.0), (85.0, 86.0, 84.0, 85.0), (85.0,) * 4]
    money = track(rows, 1.0, stop_loss=0.025)
    assert money.equity[-1] == pytest.approx(0.85)
    short = track([CALM, CALM, CALM, (115.0, 116.0, 114.0, 115.0), (115.0,) * 4], -1.0, stop_loss=0.025)
    assert short.equity[-1] == pytest.approx(0.85)


def test_a_buy_is_not_filled_at_the_close_it_was_decided_on():
    # several environments trade at the close that the agent has just seen; here that is an ablation with a stamp
    jump, knows = [(100.0,) * 4, (110.0,) * 4, (110.0,) * 4, (110.0,) * 4], [1.0, 0.0, 0.0, 0.0]
    assert track(jump, knows).equity[-1] == pytest.approx(1.0)
    cheated = track(jump, knows, fill_at_close=True)
    assert cheated.equity[-1] == pytest.approx(1.1)
    assert cheated.stamps == ("fill_at_close",)


UP, DOWN = (102.0, 106.0, 101.0, 105.0), (98.0, 99.0, 94.0, 95.0)
# Final equities of 10,000 with 50 units, decided at the close of bar 1: ours, vectorbt 1.2.0 (from_signals, stops from
# the fill), backtesting.py 0.6.6, from benchmarks/engines.py. None where they act otherwise (docs/theory/fills.md).
BESIDE = [
    (1, [CALM, UP, (110.0, 111.0, 109.0, 110.0)], 3, {}, 10.0, 10489.5, 10489.5, 10489.5),
    (-1, [CALM, DOWN, (90.0, 91.0, 89.0, 90.0)], 3, {}, 10.0, 10490.5, 10490.5, 10490.5),
    (-1, [CALM, CALM, CALM], 3, {}, 10.0, 9990.0, 9990.0, 9990.0),
    (1, [CALM, (99.0, 100.0, 94.0, 98.0)], None, {"stop_loss": 0.05}, 0.0, 9750.0, 9750.0, 9750.0),
    (1, [CALM, (90.0, 92.0, 88.0, 91.0)], None, {"stop_loss": 0.05}, 0.0, 9500.0, 9500.0, 9500.0),
    (1, [CALM, (101.0, 107.0, 100.0, 104.0)], None, {"take_profit": 0.05}, 0.0, 10250.0, 10250.0, 10250.0),
    (1, [CALM, (110.0, 112.0, 109.0, 111.0)], None, {"take_profit": 0.05}, 0.0, 10250.0, None, None),
    (1, [CALM, (100, 107, 93, 101)], None, {"stop_loss": 0.05, "take_profit": 0.05}, 0.0, 9750.0, 9750.0, 9750.0),
    (1, [(100.0, 101.0, 94.0, 99.0), CALM], 4, {"stop_loss": 0.05}, 0.0, 9750.0, None, 9750.0),
    (-1, [CALM, (112.0, 113.0, 109.0, 110.0)], None, {"stop_loss": 0.05}, 0.0, 9400.0, 9400.0, 9400.0),
    (-1, [CALM, (100, 107, 93, 101)], None, {"stop_loss": 0.05, "take_profit": 0.05}, 0.0, 9750.0, 9750.0, 9750.0),
]


@pytest.mark.parametrize(("side", "rows", "leave", "options", "fee", "ours", "vectorbt", "backtesting"), BESIDE)
def test_the_same_orders_in_other_engines(side, rows, leave, options, fee, ours, vectorbt, backtesting):
    rows = [CALM, CALM, *rows, CALM, CALM, CALM]
    last = len(rows) if leave is None else leave
    targets = [0.5 * side if 1 <= bar < last else 0.0 for bar in range(len(rows))]
    costs = CostsConfig(commission_bps=fee, half_spread_bps=0.0)
    equity = track(rows, targets, costs, start=10_000.0, **options).equity[-1]
    assert equity == pytest.approx(ours, abs=1e-6)
    for other in (vectorbt, backtesting):
        assert other is None or equity == pytest.approx(other, abs=1e-6)
