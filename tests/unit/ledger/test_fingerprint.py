import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.clock import DAY_NS, HOUR_NS
from edgeproof.ledger.fingerprint import Fingerprints, covers, fingerprint_closes, shares_bars
from tests.unit.ledger.cases import MONDAY_NS, clock, coarser, market, walk


def prints(time: np.ndarray, close: np.ndarray) -> Fingerprints:
    return Fingerprints({"X": fingerprint_closes(time, close)})


def test_the_hash_of_a_week_by_hand():
    closes = [101.5, 99.25, 103.0, 0.00012345678, 250000.4, 97.0, 98.5]
    found = fingerprint_closes(clock(8, step_ns=DAY_NS), np.array([*closes, 1.0]))
    said = "0:1.01500e+02,1:9.92500e+01,2:1.03000e+02,3:1.23457e-04,4:2.50000e+05,5:9.70000e+01,6:9.85000e+01"
    assert found == ((MONDAY_NS, hashlib.sha256(f"7|18267|{said}".encode()).hexdigest()[:16]),)


def test_hourly_four_hourly_and_daily_bars_of_one_market_are_the_same():
    time, close = clock(24 * 7 * 20), walk(1, 24 * 7 * 20)
    hourly = fingerprint_closes(time, close)
    assert hourly == fingerprint_closes(*coarser(time, close, 4 * HOUR_NS))
    assert hourly == fingerprint_closes(*coarser(time, close, DAY_NS))
    assert (
        len([start for start, _ in hourly]) == 20 + 1
    )  # weeks, and the one quarter that they fill (its third week on)


def test_a_renamed_copy_is_the_same_market():
    assert market(1, 2, names="A").hash == market(2, 1, names="B").hash
    assert shares_bars(market(1, 2, names="A"), market(3, 2, names="B"))


def test_appended_bars_leave_the_old_weeks_alone():
    early, late = market(1, bars=24 * 40), market(1, bars=24 * 67)
    assert shares_bars(early, late)
    assert early.prints <= late.prints


def test_a_market_of_the_later_half_meets_the_whole():
    late = market(1, bars=24 * 30, start_ns=MONDAY_NS + 24 * 33 * HOUR_NS + 5 * HOUR_NS)
    assert shares_bars(late, market(1))


def test_strangers_do_not_meet():
    assert not shares_bars(market(1, 2, 3), market(4, 5, 6))


def test_the_same_closes_in_other_weeks_do_not_meet():
    close = walk(1, 24 * 28)
    assert not shares_bars(prints(clock(24 * 28), close), prints(clock(24 * 28, MONDAY_NS + 28 * DAY_NS), close))


def test_a_sign_flipped_surrogate_does_not_meet_its_market():
    generator = np.random.default_rng(0)
    close = walk(1, 24 * 70)
    simple = np.diff(close) / close[:-1]
    flipped = np.concatenate([close[:1], close[0] * np.cumprod(1 + generator.choice([-1, 1], len(simple)) * simple)])
    assert not shares_bars(prints(clock(len(close)), close), prints(clock(len(close)), flipped))


def test_float32_and_back_is_recognised():
    close = walk(1, 24 * 70)
    assert shares_bars(prints(clock(len(close)), close), prints(clock(len(close)), close.astype("f4").astype("f8")))


def test_missing_hours_and_one_wrong_week_do_not_hide_a_market():
    time, close = clock(24 * 70), walk(1, 24 * 70)
    keep = np.random.default_rng(0).random(len(time)) > 0.02
    altered = close.copy()
    altered[24 * 7 : 24 * 14] *= 1.01
    assert shares_bars(prints(time, close), prints(time[keep], altered[keep]))


@pytest.mark.parametrize(
    "close",
    [
        np.ones(24 * 200),
        np.full(24 * 200, 0.9998),
        np.repeat([1.0, 1.0001], 24 * 100),
    ],
)
def test_a_stuck_price_is_not_recognised(close: np.ndarray):
    assert fingerprint_closes(clock(len(close)), close) == ()


def test_two_stablecoins_do_not_meet():
    ticks = (-2, -1, 0, 1, 2)
    coins = [
        prints(
            clock(24 * 7 * 300),
            1 + 1e-4 * np.random.default_rng(seed).choice(ticks, 24 * 7 * 300, p=(0.02, 0.1, 0.76, 0.1, 0.02)),
        )
        for seed in range(8)
    ]
    for n, one in enumerate(coins):
        assert not any(shares_bars(one, other) for other in coins[:n])
        assert shares_bars(one, one)  # a quarter of such days tells it apart


def test_partial_weeks_are_left_out_where_there_are_whole_ones():
    wednesday = MONDAY_NS + 2 * DAY_NS
    starts = [start for start, _ in market(1, bars=24 * 15, start_ns=wednesday).weeks["S1"]]
    assert starts == [MONDAY_NS + 7 * DAY_NS]


def test_partial_weeks_are_used_where_they_are_all_there_is():
    wednesday = MONDAY_NS + 2 * DAY_NS
    few = market(1, bars=24 * 5, start_ns=wednesday)
    assert [start for start, _ in few.weeks["S1"]] == [MONDAY_NS]
    assert shares_bars(few, market(1, bars=24 * 5, start_ns=wednesday, names="B"))


def test_a_market_of_hours_is_known_by_all_its_bars():
    short = prints(clock(30), walk(1, 30))
    assert len(short.prints) == 1
    assert not shares_bars(short, prints(clock(30), walk(2, 30)))


def test_weekly_bars_are_known_by_their_quarters():
    time, close = clock(200, step_ns=7 * DAY_NS), walk(1, 200)
    found = prints(time, close)
    assert len(found.prints) > 10
    assert shares_bars(found, prints(time[:150], close[:150]))


def test_the_day_of_a_bar_is_that_of_its_open_time():
    time = clock(24 * 7)
    close = walk(1, 24 * 7)
    last_of_monday = close.copy()
    last_of_monday[23] *= 1.5  # opens on Monday 23:00, closes on Tuesday 00:00
    first_of_tuesday = close.copy()
    first_of_tuesday[24] *= 1.5
    assert fingerprint_closes(time, close) != fingerprint_closes(time, last_of_monday)
    assert fingerprint_closes(time, close) == fingerprint_closes(time, first_of_tuesday)


def test_bad_closes_are_passed_over():
    time, close = clock(24 * 14), walk(1, 24 * 14)
    broken = close.copy()
    broken[[3, 50, 51]] = np.nan, -1.0, 0.0
    assert fingerprint_closes(time, close) == fingerprint_closes(time, broken)
    assert fingerprint_closes(time[:0], close[:0]) == ()
    assert fingerprint_closes(time[:1], close[:1]) == ()
    assert fingerprint_closes(time[:3], np.full(3, np.nan)) == ()


def test_json_keeps_everything_but_the_names():
    prints = market(1, 2, 3)
    again = Fingerprints.from_json(prints.to_json())
    assert again.hash == prints.hash
    assert again.prints == prints.prints


def test_covering_needs_every_symbol():
    assert covers(market(1, 2, 3), market(1, 3))
    assert not covers(market(1, 3), market(1, 2, 3))
    assert not covers(market(1), Fingerprints({"stuck": ()}))
    with_stuck = Fingerprints({**market(1).weeks, "stuck": ()})
    assert covers(market(1), with_stuck)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), begin=st.integers(0, 24 * 30), length=st.integers(24 * 16, 24 * 40))
def test_any_two_weeks_cut_out_of_a_market_are_recognised(seed: int, begin: int, length: int):
    time, close = clock(24 * 70), walk(seed, 24 * 70)
    part = slice(begin, begin + length)
    assert shares_bars(prints(time, close), prints(time[part], close[part]))


def test_143_symbols_of_two_years_take_moments():
    import time as clocks

    time, close = clock(17_520), walk(1, 17_520)
    started = clocks.process_time()
    for _ in range(143):
        fingerprint_closes(time, close)
    assert clocks.process_time() - started < 8  # 1.3 s on a quiet machine
