"""The account against a hand-worked case and against a second account written differently."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate, simulate_curves, simulate_many
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import REASONS
from tests.unit.simulator import plain
from tests.unit.simulator.cases import MONEY, NOTHING, four, full_case, full_scenes, market, scenes

COSTS = CostsConfig(commission_bps=10.0, half_spread_bps=3.0, slippage_bps=2.0)
OFF = CostsConfig.free().model_dump() | Options().model_dump()
OPTIONS = [
    Options(),
    Options(rebalance="always"),
    Options(delisting_bars=2),
    Options(rebalance="always", delisting_bars=1, start=250.0),
]


def bars(opens, closes):
    prices = np.ones((1, len(opens), 5))
    prices[0, :, 0], prices[0, :, 3] = opens, closes
    return prices


def test_one_round_trip_by_hand():
    # 1.0 of equity, target half: 0.5 / 100 = 0.005 units, bought at 102, marked at 104 and 103, sold at 105.
    prices = bars([100, 102, 104, 105], [100, 104, 103, 110])
    weights = np.array([[0.5, 0.5, 0.0, 0.0]])
    costs = CostsConfig(commission_bps=10.0, half_spread_bps=5.0, slippage_bps=20.0)
    track = simulate(prices, np.ones((1, 4), bool), weights, np.ones(4, bool), costs)
    assert track.gross.tolist() == pytest.approx([0.0, 0.005 * 2, -0.005, 0.005 * 2])
    assert track.commission.tolist() == pytest.approx([0.0, 0.51e-3, 0.0, 0.525e-3])
    assert track.spread.tolist() == pytest.approx([0.0, 0.255e-3, 0.0, 0.2625e-3])
    assert track.slippage.tolist() == pytest.approx([0.0, 1.02e-3, 0.0, 1.05e-3])
    assert track.equity.tolist() == pytest.approx([1.0, 1.0, 1.008215, 1.003215, 1.0113775])
    assert track.traded.tolist() == pytest.approx([0.0, 0.51, 0.0, 0.525 / 1.003215])
    assert track.weights[:, 0].tolist() == pytest.approx([0.0, 0.52 / 1.008215, 0.515 / 1.003215, 0.0])
    (trade,) = track.trades
    assert (trade["asset"], trade["entry_bar"], trade["exit_bar"], trade["side"]) == (0, 1, 3, 1)
    assert REASONS[trade["reason"]] == "signal"
    assert (trade["gross"], trade["cost"]) == pytest.approx((0.015, 1.785e-3 + 1.8375e-3))
    kinds = [trade[name] for name in ("commission", "spread", "slippage", "impact", "borrow", "funding")]
    assert kinds == pytest.approx([0.51e-3 + 0.525e-3, 0.255e-3 + 0.2625e-3, 1.02e-3 + 1.05e-3, 0.0, 0.0, 0.0])


def test_a_reversal_ends_one_trade_and_begins_another_each_with_its_own_cost():
    prices = bars([100, 100, 100, 100], [100, 100, 100, 100])
    weights = np.array([[0.5, -0.25, 0.0, 0.0]])
    track = simulate(prices, np.ones((1, 4), bool), weights, np.ones(4, bool), CostsConfig(commission_bps=100.0))
    first, second = track.trades
    assert (first["side"], first["entry_bar"], first["exit_bar"]) == (1, 1, 2)
    assert (second["side"], second["entry_bar"], second["exit_bar"]) == (-1, 2, 3)
    assert first["cost"] == pytest.approx(2 * 0.5 * 0.0101)
    assert second["cost"] == pytest.approx(2 * 0.25 * 0.0101 * (1 - 0.5 * 0.0101))


def test_without_a_bar_an_order_is_cancelled_and_asked_for_again_at_the_next_decision():
    prices = bars([1, 9, 1, 1, 1], [1, 9, 1, 1, 1])  # the masked bar's 9 is never read
    present = np.array([[True, False, True, True, True]])
    decided = np.array([True, False, True, False, True])
    track = simulate(prices, present, np.full((1, 5), 0.5), decided, CostsConfig.free())
    assert track.traded.tolist() == [0.0, 0.0, 0.0, 0.5, 0.0]


def test_full_investment_leaves_room_for_its_costs():
    prices = bars([1, 1, 1], [1, 1, 1])
    track = simulate(prices, np.ones((1, 3), bool), np.ones((1, 3)), np.ones(3, bool), CostsConfig(commission_bps=99.0))
    assert track.weights[1, 0] == pytest.approx(1.0, rel=1e-12)
    assert track.traded[1] == pytest.approx(1 / 1.01)


def test_changes_holds_units_and_always_brings_the_weight_back():
    prices = bars([1, 1, 2, 2], [1, 2, 2, 2])
    weights, every = np.full((1, 4), 0.5), np.ones(4, bool)
    held = simulate(prices, np.ones((1, 4), bool), weights, every, CostsConfig.free())
    assert held.weights[:, 0].tolist() == pytest.approx([0.0, 2 / 3, 2 / 3, 2 / 3])
    back = simulate(
        prices, np.ones((1, 4), bool), weights, every, CostsConfig.free(), options=Options(rebalance="always")
    )
    assert back.weights[:, 0].tolist() == pytest.approx([0.0, 2 / 3, 0.5, 0.5])


def test_a_short_that_loses_more_than_everything_ends_at_zero_and_stays_there():
    prices = bars([1, 1, 5, 1], [1, 1, 5, 1])
    track = simulate(prices, np.ones((1, 4), bool), np.full((1, 4), -0.9), np.ones(4, bool), CostsConfig.free())
    assert track.equity.tolist() == pytest.approx([1.0, 1.0, 1.0, 0.0, 0.0])
    assert track.equity[3] == 0.0
    assert REASONS[track.trades["reason"][0]] == "ruin"
    assert track.trades["net"].sum() == pytest.approx(-1.0)
    assert track.net_return.tolist() == pytest.approx([0.0, 0.0, -1.0, 0.0])


def test_a_delisted_asset_is_closed_at_its_last_price_and_not_bought_back():
    prices = bars([1, 1, 1, 1, 1, 1], [1, 2, 1, 1, 2, 2])
    present = np.array([[True, True, False, False, True, True]])
    weights, every = np.full((1, 6), 0.5), np.ones(6, bool)
    track = simulate(prices, present, weights, every, CostsConfig(), options=Options(delisting_bars=2))
    assert REASONS[track.trades["reason"][0]] == "delisted"
    assert track.trades["exit_bar"].tolist() == [3]
    assert track.commission[3] == pytest.approx(0.5 * 2 * 4e-4)
    assert track.weights[3:].max() == 0.0


@pytest.mark.parametrize(
    ("targets", "options"),
    [
        ([0.5] * 3 + [0.2] * 6, {}),  # another target, asked for in the halt only
        ([0.5] * 2 + [0.2] * 7, {"turnover_limit": 0.1}),  # a reduction that was cut short
        ([0.5] * 3 + [0.3] + [0.5] * 5, {}),  # away and back in the halt
        ([0.5] * 3 + [-0.5] * 6, {}),
    ],
)
def test_what_was_decided_in_the_halt_counts_as_done_when_the_asset_is_delisted(targets, options):
    present = np.array([[True, True, True, False, False, False, True, True, True]])
    rules = Options(delisting_bars=3, **options)
    targets = np.array([targets])
    track = simulate(bars([1] * 9, [1] * 9), present, targets, np.ones(9, bool), CostsConfig.free(), options=rules)
    assert REASONS[track.trades["reason"][0]] == "delisted"
    assert not track.weights[5:].any()
    targets[0, 7:] = 0.4  # another target
    again = simulate(bars([1] * 9, [1] * 9), present, targets, np.ones(9, bool), CostsConfig.free(), options=rules)
    assert again.traded[8] > 0.0


def check_against_the_second_account(scene, costs, options, outside=NOTHING):
    track = simulate(*four(scene), costs, options=options, outside=outside)
    other = plain.run(*four(scene), costs, options, outside)
    scale = options.start
    for name in ("gross", "equity"):
        ours = getattr(track, name)[1:] if name == "equity" else getattr(track, name)
        np.testing.assert_allclose(ours, getattr(other, name), rtol=1e-9, atol=1e-9 * scale)
    np.testing.assert_allclose(track.costs, other.cost, rtol=1e-9, atol=1e-9 * scale)
    np.testing.assert_allclose(track.traded, other.traded, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(track.weights, other.weights, rtol=1e-8, atol=1e-9)
    if track.equity[-1] > 0:
        check_trades(track, other, scale)


@settings(max_examples=150, deadline=None)
@given(scenes(), st.sampled_from(OPTIONS))
def test_a_second_account_agrees(scene, options):
    check_against_the_second_account(scene, COSTS, options)


@settings(max_examples=300, deadline=None)
@given(full_scenes())
def test_a_second_account_agrees_over_every_option(case):
    check_against_the_second_account(*case)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(10))
def test_a_second_account_agrees_in_twenty_thousand_cases_over_every_option(chunk):
    on = Counter()
    for case in range(2_000):
        rng = np.random.default_rng([2026, chunk, case])
        scene, costs, options, outside = full_case(rng)
        try:
            check_against_the_second_account(scene, costs, options, outside)
        except AssertionError as error:
            raise AssertionError(f"case {[2026, chunk, case]}: {costs} {options}") from error
        on.update(name for name, value in (*costs, *options) if value != OFF[name])
        on["funding_rate"] += outside.funding_rate is not None
    assert all(on[name] > 100 for name in (*OFF.keys() - {"preset"}, "funding_rate")), on


@pytest.mark.slow
def test_a_thousand_cases_over_every_option_are_equal_to_the_last_bit():
    for case in range(1_000):
        scene, costs, options, outside = full_case(np.random.default_rng([2027, case]))
        one, other = (
            simulate(*four(scene), costs, options=options, outside=outside, engine=name) for name in ("njit", "python")
        )
        assert all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in MONEY), case
        assert one.trades.tobytes() == other.trades.tobytes(), case


def check_trades(track, other, scale=1.0):
    expected = []
    for a, events in other.events.items():
        expected += [(a, *trip) for trip in plain.round_trips(events, len(track.net) - 1)]
    ours = sorted(track.trades.tolist())
    expected.sort(key=lambda trip: trip[:3])
    assert [trade[:4] for trade in ours] == [trip[:4] for trip in expected]
    assert [REASONS[trade[4]] for trade in ours] == [trip[6] for trip in expected]
    np.testing.assert_allclose(
        [trade[5] for trade in ours], [trip[4] for trip in expected], rtol=1e-9, atol=1e-9 * scale
    )
    np.testing.assert_allclose(
        [trade[6] for trade in ours], [trip[5] for trip in expected], rtol=1e-9, atol=1e-9 * scale
    )


@settings(max_examples=40, deadline=None)
@given(scenes(), st.sampled_from(OPTIONS))
def test_interpreted_and_compiled_are_equal_to_the_last_bit(scene, options):
    compiled, interpreted = (simulate(*four(scene), COSTS, options=options, engine=name) for name in ("njit", "python"))
    for name in MONEY:
        assert getattr(compiled, name).tobytes() == getattr(interpreted, name).tobytes(), name
    assert compiled.trades.tobytes() == interpreted.trades.tobytes()


@settings(max_examples=80, deadline=None)
@given(full_scenes())
def test_every_option_is_equal_to_the_last_bit(case):
    scene, costs, options, outside = case
    one, other = (
        simulate(*four(scene), costs, options=options, outside=outside, engine=name) for name in ("njit", "python")
    )
    assert all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in MONEY)
    assert one.trades.tobytes() == other.trades.tobytes()


@pytest.mark.parametrize("threads", ["1", "3"])
def test_curves_are_the_equity_and_the_trades_of_the_tracks(monkeypatch, threads):
    monkeypatch.setenv("EDGEPROOF_THREADS", threads)
    for seed in range(40):
        (prices, present, weights, decided), costs, options, outside = full_case(np.random.default_rng(seed))
        many = np.stack([weights, -weights, weights[::-1], 0.0 * weights])
        tracks = simulate_many(prices, present, many, decided, costs, options=options, outside=outside)
        curves = simulate_curves(prices, present, many, decided, costs, options=options, outside=outside)
        assert curves.equity.tobytes() == np.stack([track.equity for track in tracks]).tobytes()
        assert [trades.tobytes() for trades in curves.trades] == [track.trades.tobytes() for track in tracks]
        assert curves.stamps == tracks[0].stamps


def test_what_is_left_of_whole_lots_by_rounding_is_no_position():
    # 0.05 units in lots of 0.01, sold by 3 and 2 lots: 0.05 - 0.03 - 0.02 is 3e-18 in doubles, and must be flat
    prices, volume = np.ones((1, 6, 5)), np.array([1.0, 1.0, 1.0, 0.03, 0.02, 1.0])
    prices[0, :, 4] = volume
    weights = np.array([[0.055, 0.055, 0.055, 0.0, 0.0, 0.0]])
    track = simulate(
        prices,
        np.ones((1, 6), bool),
        weights,
        np.ones(6, bool),
        CostsConfig.free(),
        options=Options(lot=0.01, participation=1.0),
    )
    assert track.weights[:, 0].tolist() == pytest.approx([0, 0.05, 0.05, 0.05, 0.02, 0.0])
    assert track.weights[5, 0] == 0.0
    assert [REASONS[reason] for reason in track.trades["reason"]] == ["signal"]


def test_many_accounts_are_each_the_account_alone_whatever_the_threads(monkeypatch):
    rng = np.random.default_rng(3)
    prices, present = market(rng, 4, 60), rng.random((4, 60)) > 0.1
    weights, decided = rng.uniform(-0.3, 0.3, (7, 4, 60)), rng.random((7, 4, 60)) > 0.4
    alone = [simulate(prices, present, w, d, COSTS) for w, d in zip(weights, decided, strict=True)]
    for threads in ("1", "3"):
        monkeypatch.setenv("EDGEPROOF_THREADS", threads)
        together = simulate_many(prices, present, weights, decided, COSTS)
        for one, other in zip(alone, together, strict=True):
            assert all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in MONEY)
            assert one.trades.tobytes() == other.trades.tobytes()
