"""Every option by hand: one small market each, every figure worked out on paper."""

import numpy as np
import pytest

from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
from edgeproof.simulator.feed import Outside
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import REASONS
from tests.unit.simulator.cases import MONEY, market

FREE = CostsConfig.free()


def bars(*rows):
    """One asset; rows are (open, high, low, close) or (open, close), volume 100."""
    prices = np.full((1, len(rows), 5), 100.0)
    for t, row in enumerate(rows):
        full = row if len(row) == 4 else (row[0], max(row), min(row), row[1])
        prices[0, t, :4] = full
    return prices


def run(prices, targets, costs=FREE, *, outside=None, present=None, **options):
    present = np.ones(prices.shape[:2], bool) if present is None else np.array([present], bool)
    every = np.ones(prices.shape[1], bool)
    return simulate(
        prices,
        present,
        np.array([targets], float),
        every,
        costs,
        options=Options(**options),
        outside=outside or Outside(),
    )


def reasons(track):
    return [REASONS[reason] for reason in track.trades["reason"]]


def flat(count, price=1.0):
    return bars(*[(price, price)] * count)


def test_leverage_allows_gross_exposure_after_costs():
    track = run(flat(3), [5.0, 5.0, 5.0], CostsConfig(commission_bps=99.0), leverage=2.0)
    assert track.traded[1] == pytest.approx(2 / 1.02)  # x = 2 (1 - 0.01 x)
    assert track.weights[1, 0] == pytest.approx(2.0)
    assert run(flat(3), [1.0, 1.0, 1.0], leverage=0.5).weights[1, 0] == pytest.approx(0.5)


def test_below_the_margin_an_account_is_liquidated_at_the_mark_with_its_penalty_and_waits_for_a_signal():
    prices = bars((1, 1), (1, 1), (1, 0.6), (0.6, 0.6), (0.6, 0.6), (0.6, 0.6))
    targets = [2.0, 2.0, 2.0, 0.0, 2.0, 2.0]
    track = run(prices, targets, leverage=2.0, maintenance_margin=0.2, liquidation_bps=100.0)
    # 2 units at 1; at 0.6 equity is 1 - 0.8 = 0.2 < 0.2 x 1.2 = 0.24: sold for 1.2, penalty 0.012
    assert track.equity.tolist() == pytest.approx([1, 1, 1, 0.188, 0.188, 0.188, 0.188])
    assert track.commission[2] == pytest.approx(0.012)
    assert reasons(track) == ["liquidated", "end"]
    assert track.trades["entry_bar"].tolist() == [1, 5]  # barred until the target left its side at bar 3


def test_borrow_is_paid_on_shorts_for_every_bar_held_even_if_the_bar_is_missing():
    costs = FREE.model_copy(update={"borrow_bps_per_bar": 100.0})
    prices, present = bars((1, 1), (1, 1), (9, 9), (1, 1), (1, 1)), [1, 1, 0, 1, 1]
    short = run(prices, [-0.5, -0.5, -0.5, 0, 0], costs, present=present)
    assert short.borrow.tolist() == pytest.approx([0, 0.005, 0.005, 0.005, 0])  # bought back at the open of 4
    assert short.trades["cost"].tolist() == pytest.approx([0.015])
    assert not run(prices, [0.5, 0.5, 0.5, 0, 0], costs, present=present).borrow.any()


def test_interest_is_paid_on_the_money_beyond_the_equity_by_every_long_even_one_stopped_in_its_first_bar():
    # known elsewhere: interest charged at the close only, so that a trade closed within its bar never pays it
    costs = FREE.model_copy(update={"interest_bps_per_bar": 100.0})
    prices = bars((1, 1), (1, 1, 0.5, 1), (1, 1))
    track = run(prices, [2.0, 2.0, 0.0], costs, leverage=2.0, stop_loss=0.1)
    assert track.borrow.tolist() == pytest.approx([0, 0.01, 0])  # 2 held, 1 owed
    assert track.trades["cost"].tolist() == pytest.approx([0.01])
    assert reasons(track) == ["stop"]


def test_funding_is_due_at_its_own_times_on_what_is_held_into_the_open():
    rate = np.array([[0.01, 0.01, 0.0, 0.02, 0.01, 0.01]])
    prices = bars((1, 1), (1, 1), (1, 1), (2, 2), (2, 2), (2, 2))
    long = run(prices, [0.5, 0.5, 0.5, 0, 0, 0], outside=Outside(funding_rate=rate))
    # bought at the open of 1, after its funding; 0.5 units x 2 x 2% at 3; sold at the open of 4, before which 1% is due
    assert long.funding.tolist() == pytest.approx([0, 0, 0, 0.02, 0.01, 0])
    short = run(prices, [-0.5, -0.5, -0.5, 0, 0, 0], outside=Outside(funding_rate=rate))
    assert short.funding.tolist() == pytest.approx([0, 0, 0, -0.02, -0.01, 0])
    assert short.trades["cost"].tolist() == pytest.approx([-0.03])
    assert short.trades["net"].sum() == pytest.approx(short.net.sum())


def test_a_commission_per_unit_and_its_minimum():
    costs = FREE.model_copy(update={"commission_per_unit": 0.005, "commission_minimum": 1.0})
    prices = flat(4, 50.0)
    track = run(prices, [0.5, 0.5, 0.0, 0.0], costs, start=40_000.0)  # 400 shares: 2.00
    assert track.commission.tolist() == pytest.approx([0, 2.0, 0, 2.0])
    small = run(prices, [0.05, 0.05, 0.0, 0.0], costs, start=40_000.0)  # 40 shares: 0.20, so 1.00
    assert small.commission.tolist() == pytest.approx([0, 1.0, 0, 1.0])


def test_no_fee_makes_a_short_profitable():
    # known elsewhere: a fee added to the sale price, so that a short earned it
    costs = CostsConfig(commission_bps=50.0, half_spread_bps=10.0, slippage_bps=10.0, commission_minimum=0.001)
    for side in (0.5, -0.5):
        track = run(flat(4), [side, side, 0.0, 0.0], costs)
        assert (track.net[[1, 3]] < 0).all()
        assert track.equity[-1] == pytest.approx(1 - 2 * 0.5 * 0.007)


def test_slippage_is_always_adverse():
    # known elsewhere: random slippage of mean zero costs nothing on average
    costs = FREE.model_copy(update={"slippage_bps": 20.0})
    track = run(flat(40), [0.5, -0.5] * 20, costs)
    assert (track.slippage[1:] > 0).all()
    assert track.equity[-1] == pytest.approx(1 - track.slippage.sum())


def test_impact_follows_the_square_root_of_the_share_of_past_volume():
    # returns of 10% up and down: volatility over 4 bars 0.1 x 2; volume of 4 bars 400; Y = 1
    closes = [1.0, 1.1, 0.99, 1.089, 0.9801]
    prices = bars(*[(close, close) for close in [*closes, 1.0, 1.0, 1.0]])
    costs = FREE.model_copy(update={"impact": 1.0, "impact_bars": 4})
    track = run(prices, [0, 0, 0, 0, 0.9801, 0.9801, 0.9801, 0.9801], costs, start=4.0, leverage=2.0)
    assert track.impact[5] == pytest.approx(4.0 * 0.2 * np.sqrt(4.0 / 400.0))  # 4 units at 1: 200 bps of 4
    # one decision earlier the fourth return is not known: the order is cancelled, and asked for again
    early = run(prices, [0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.5], costs, start=4.0)
    assert np.flatnonzero(early.traded).tolist() == [5]


def test_impact_agrees_with_the_published_example_of_two_per_cent_and_one_per_cent():
    # sigma 2% a day, 1% of the day's volume: 20 bps (Toth et al. 2011 with Y = 1), whatever the bars of the day
    volatility = np.full((1, 40), 0.02 / np.sqrt(24))
    costs = FREE.model_copy(update={"impact": 1.0, "impact_bars": 24})
    track = run(flat(40), [0.0] * 30 + [1.0] * 10, costs, start=24.0, outside=Outside(impact_volatility=volatility))
    size = track.traded[31] * 24.0
    assert size == pytest.approx(24.0, rel=0.003)  # 24 of 2,400 units, less what the cost leaves no room for
    assert track.impact[31] / size == pytest.approx(20e-4 * np.sqrt(size / 24.0))


def test_a_stop_that_is_never_reached_changes_nothing_not_even_the_impact():
    rng = np.random.default_rng(0)
    prices = market(rng, 1, 60)
    costs, targets = CostsConfig(impact=1.0), [0.0] * 30 + [0.005] * 10 + [-0.004] * 10 + [0.0] * 10
    without = run(prices, targets, costs, start=1000.0)
    outside = Outside(volatility=np.full((1, 60), 0.03))
    far = run(prices, targets, costs, start=1000.0, outside=outside, take_volatilities=1000.0)
    assert without.impact.sum() > 0.0
    assert all(getattr(without, name).tobytes() == getattr(far, name).tobytes() for name in MONEY)
    assert without.trades.tobytes() == far.trades.tobytes()


def test_lots_are_rounded_towards_zero():
    prices = flat(5, 10.0)
    track = run(prices, [0.48, -0.48, 0.009, 0.0, 0.0], start=1000.0, lot=5.0)
    assert (track.weights[:, 0] * 100).tolist() == pytest.approx([0, 45, -45, 0, 0])


def test_smaller_orders_are_dropped_but_for_those_that_close():
    prices = bars((1, 1), (1, 1), (0.1, 0.1), (0.1, 0.1), (0.1, 0.1))
    track = run(prices, [0.2, 0.25, 0.0, 0.0, 0.0], minimum_notional=0.1)
    assert track.traded[1] == pytest.approx(0.2)
    assert track.traded[2] == 0.0  # 0.05 more, dropped
    assert track.traded[3] * track.equity[3] == pytest.approx(0.02)  # what is left is closed whole


def test_a_reversal_below_the_minimum_closes_and_does_not_open():
    prices = bars((100, 100), (100, 100), (40, 40), (40, 40), (40, 40))
    track = run(prices, [0.1, 0.1, -0.05, -0.05, -0.05], start=1000.0, minimum_notional=100.0)
    # 1 unit bought for 100; at 40 the reversal trades 40 + 47: its closing is filled, its opening is dropped
    assert track.traded.tolist() == pytest.approx([0, 0.1, 0, 40 / 940, 0])
    assert track.weights[3:, 0].tolist() == [0.0, 0.0]
    assert reasons(track) == ["signal"]
    whole = run(prices, [0.1, 0.1, -0.05, -0.05, -0.05], start=1000.0, minimum_notional=80.0)
    assert whole.weights[3, 0] == pytest.approx(-0.05)


def test_a_turnover_limit_goes_to_closings_first_and_a_closing_cut_short_is_asked_for_again():
    track = run(flat(6), [0.5, 0.5, 0.0, 0.0, 0.0, 0.0], turnover_limit=0.3)
    assert track.traded.tolist() == pytest.approx([0, 0.3, 0, 0.3, 0, 0])
    track = run(flat(7), [0.5, 0.7, 0.0, 0.0, 0.0, 0.0, 0.0], turnover_limit=0.3)
    assert track.traded.tolist() == pytest.approx([0, 0.3, 0.3, 0.3, 0.3, 0, 0])
    assert len(track.trades) == 1


def test_participation_cancels_the_rest_or_carries_it():
    prices = flat(7)  # volume 100 a bar
    cancelled = run(prices, [0.5] * 7, start=100.0, participation=0.2)
    assert cancelled.traded.tolist() == pytest.approx([0, 0.2, 0, 0, 0, 0, 0])
    carried = run(prices, [0.5] * 7, start=100.0, participation=0.2, carry_unfilled=True)
    assert carried.traded.tolist() == pytest.approx([0, 0.2, 0.2, 0.1, 0, 0, 0])


def test_participation_reads_the_volume_known_at_the_decision():
    prices = flat(3)
    prices[0, :, 4] = [10.0, 1e9, 1e9]
    assert run(prices, [0.5] * 3, start=100.0, participation=1.0).traded[1] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("side", "row", "price", "why"),
    [
        (1, (1.0, 1.01, 0.89, 1.0), 0.9, "stop"),
        (1, (1.0, 1.25, 0.99, 1.0), 1.2, "target"),
        (1, (1.0, 1.25, 0.89, 1.0), 0.9, "stop"),  # both touched
        (1, (0.8, 0.95, 0.7, 0.9), 0.8, "stop"),  # a gap through the stop fills at the open, not at the stop
        (1, (1.3, 1.4, 1.25, 1.3), 1.2, "target"),  # a gap through the target fills at the target
        (-1, (1.0, 1.11, 0.99, 1.0), 1.1, "stop"),
        (-1, (1.0, 1.01, 0.75, 1.0), 0.8, "target"),
        (-1, (1.0, 1.11, 0.75, 1.0), 1.1, "stop"),
        (-1, (1.2, 1.3, 1.15, 1.2), 1.2, "stop"),
        (-1, (0.7, 0.75, 0.65, 0.7), 0.8, "target"),
    ],
)
def test_a_bracket_in_the_bar_after_the_entry(side, row, price, why):
    prices = bars((1, 1), (1, 1), row, (1, 1))
    track = run(prices, [0.5 * side] * 4, stop_loss=0.1, take_profit=0.2)
    assert reasons(track) == [why]
    assert track.trades["exit_bar"].tolist() == [2]
    assert track.trades["gross"].tolist() == pytest.approx([0.5 * side * (price - 1)])


@pytest.mark.parametrize(
    ("row", "why", "price", "bps"),
    [
        ((1.0, 1.25, 0.99, 1.0), "target", 1.2, 20.0),
        ((1.3, 1.4, 1.25, 1.3), "target", 1.2, 20.0),  # through the target: the order rested there before the gap
        ((1.0, 1.01, 0.89, 1.0), "stop", 0.9, 50.0),
        ((0.8, 0.95, 0.7, 0.9), "stop", 0.8, 50.0),
    ],
)
def test_a_target_pays_the_makers_fee_and_a_stop_the_takers(row, why, price, bps):
    costs = FREE.model_copy(update={"commission_bps": 50.0, "maker_bps": 20.0, "half_spread_bps": 1.0})
    track = run(bars((1, 1), (1, 1), row, (1, 1)), [0.5] * 4, costs, stop_loss=0.1, take_profit=0.2)
    assert reasons(track) == [why]
    assert track.commission.tolist() == pytest.approx([0, 0.5 * 50e-4, 0.5 * price * bps / 1e4, 0])
    assert track.spread.tolist() == pytest.approx([0, 0.5e-4, 0.5 * price * 1e-4, 0])


def test_a_bracket_is_live_in_the_bar_of_the_entry_and_stays_out_until_the_signal_changes():
    prices = bars((1, 1), (1, 1, 0.8, 1), (1, 1), (1, 1), (1, 1), (1, 1))
    for rebalance in ("changes", "always"):
        track = run(prices, [0.5, 0.5, 0.4, 0.0, 0.5, 0.5], stop_loss=0.1, rebalance=rebalance)
        assert reasons(track) == ["stop", "end"]
        assert track.trades["entry_bar"].tolist() == [1, 5]
        assert track.trades["exit_bar"].tolist() == [1, 5]


def test_a_bracket_ends_at_the_open_h_bars_after_its_fill():
    prices = bars((1, 1), (1, 1), (1, 2), (3, 9), (9, 9))
    track = run(prices, [0.5] * 5, bracket_bars=2)
    assert reasons(track) == ["time"]
    assert (track.trades["exit_bar"][0], track.trades["gross"][0]) == (3, pytest.approx(0.5 * 2))


def test_distances_in_volatilities_are_those_of_the_entrys_decision_bar():
    prices = bars((1, 1), (1, 1), (1, 1.01, 0.87, 1), (1, 1))
    volatility = np.array([[0.05, 0.001, 0.001, 0.001]])
    track = run(prices, [0.5] * 4, outside=Outside(volatility=volatility), stop_volatilities=2.0)
    assert reasons(track) == ["stop"]
    assert track.trades["gross"][0] == pytest.approx(-0.05)
    unknown = np.array([[np.nan, 0.0, 0.05, 0.05]])
    later = run(prices, [0.5] * 4, outside=Outside(volatility=unknown), stop_volatilities=2.0)
    assert later.trades["entry_bar"].tolist() == [3]


UNKNOWN_LATER = Outside(volatility=np.array([[0.01, 0.01, np.nan, np.nan, np.nan, 0.01, 0.01]]))


@pytest.mark.parametrize("rebalance", ["changes", "always"])
def test_a_reversal_closes_while_volatility_is_unknown_and_opens_once_it_is_known(rebalance):
    track = run(flat(7), [0.5, 0.5, *[-0.4] * 5], outside=UNKNOWN_LATER, stop_volatilities=9.0, rebalance=rebalance)
    assert track.weights[:, 0].tolist() == pytest.approx([0, 0.5, 0.5, 0, 0, 0, -0.4])
    assert track.trades["entry_bar"].tolist() == [1, 6]


@pytest.mark.parametrize("rebalance", ["changes", "always"])
def test_a_reduction_is_done_while_volatility_is_unknown_and_an_increase_waits(rebalance):
    account = {"outside": UNKNOWN_LATER, "stop_volatilities": 9.0, "rebalance": rebalance}
    less = run(flat(7), [0.5, 0.5, *[0.1] * 5], **account)
    assert less.weights[:, 0].tolist() == pytest.approx([0, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1])
    more = run(flat(7), [0.5, 0.5, *[0.8] * 5], **account)
    assert more.weights[:, 0].tolist() == pytest.approx([0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.8])
    assert len(more.trades) == 1


def test_an_order_that_is_carried_does_not_outlive_a_target_of_the_other_side():
    # 10 units a bar fill of 50; when the target turns, nothing but the way out is left, volatility or not
    account = {"start": 100.0, "participation": 0.1, "carry_unfilled": True, "stop_volatilities": 90.0}
    track = run(flat(7), [0.5, 0.5, *[-0.5] * 5], outside=UNKNOWN_LATER, **account)
    assert track.weights[:, 0].tolist() == pytest.approx([0, 0.1, 0.2, 0.1, 0.0, 0.0, -0.1])


def test_fills_at_the_close_are_stamped():
    prices = bars((1, 2), (3, 4), (5, 6))
    track = run(prices, [0.5, 0.5, 0.0], fill_at_close=True)
    assert track.traded.tolist() == pytest.approx([0.5, 0, 1.5 / 1.5])  # of the equity before the bar
    assert track.gross.tolist() == pytest.approx([0, 0.25 * 2, 0.25 * 2])
    assert track.stamps == ("fill_at_close",)
    assert run(prices, [0.5, 0.5, 0.0]).stamps == ()
