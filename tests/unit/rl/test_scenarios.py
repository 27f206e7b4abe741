"""Scenarios: bars stay bars, nothing outside the span moves, each does what its name says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.rng import Rng
from edgeproof.rl.curriculum import EVERYTHING
from edgeproof.rl.scenarios import SCENARIOS, struck
from tests.unit.rl.scene import tape_of

EVERY = 100


def flat(bars=EVERY):
    """One symbol that stands still, within a tick of 0.1%."""
    return np.tile([100.0, 100.1, 99.9, 100.0, 7.0], (1, bars, 1)), np.ones((1, bars), bool)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    start=st.integers(0, 80),
    length=st.integers(1, 400),
    kinds=st.lists(st.sampled_from(EVERYTHING), min_size=1, max_size=4, unique=True),
)
def test_bars_stay_bars_and_those_outside_the_span_or_missing_as_they_were(seed, start, length, kinds):
    tape = tape_of(seed, 2, 500, gaps=0.1)
    span = slice(start, start + length)
    got = struck(tape.prices, tape.present, span, kinds, every=EVERY, rng=Rng(seed))
    o, h, l, c, v = np.moveaxis(got, 2, 0)  # noqa: E741 - low
    assert (l <= np.minimum(o, c)).all()
    assert (h >= np.maximum(o, c)).all()
    assert (l > 0).all()
    assert (v >= 0).all()
    kept = ~tape.present
    kept[:, : span.start], kept[:, span.stop :] = True, True
    np.testing.assert_array_equal(got[kept], tape.prices[kept])
    assert (got != tape.prices).any() == (length >= EVERY)
    np.testing.assert_array_equal(got, struck(tape.prices, tape.present, span, kinds, every=EVERY, rng=Rng(seed)))


def test_later_bars_and_other_symbols_change_nothing():
    tape = tape_of(3, 3, 500)
    got = struck(tape.prices, tape.present, slice(0, 500), EVERYTHING, every=EVERY, rng=Rng(1))
    prices = tape.prices.copy()
    prices[:, 230:, :4] *= 3.0
    prices[2] *= 2.0
    again = struck(prices, tape.present, slice(0, 500), EVERYTHING, every=EVERY, rng=Rng(1))
    np.testing.assert_array_equal(again[:2, :230], got[:2, :230])
    short = struck(tape.prices, tape.present, slice(0, 300), EVERYTHING, every=EVERY, rng=Rng(1))
    np.testing.assert_array_equal(short[:, :300], got[:, :300])
    np.testing.assert_array_equal(short[:, 300:], tape.prices[:, 300:])


def test_another_seed_strikes_elsewhere_and_nothing_strikes_without_scenarios():
    prices, present = flat(400)
    one, other = (struck(prices, present, slice(0, 400), ["gap"], every=EVERY, rng=Rng(seed)) for seed in (0, 1))
    assert (one != other).any()
    np.testing.assert_array_equal(struck(prices, present, slice(0, 400), [], every=EVERY, rng=Rng(0)), prices)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", SCENARIOS)
def test_each_does_what_its_name_says(name, seed):
    prices, present = flat()
    o, h, l, c, v = struck(prices, present, slice(0, EVERY), [name], every=EVERY, rng=Rng(seed))[0].T  # noqa: E741
    first = int(np.flatnonzero((np.stack([o, h, l, c, v], 1) != prices[0]).any(1))[0])
    overnight = np.abs(o[1:] / c[:-1] - 1.0)
    if name == "crash":
        assert 0.7 <= c.min() / 100.0 <= 0.9
        assert c.argmin() == first + 5
        assert overnight.max() < 1e-9  # it can be traded all the way down
        assert v[first] > 7.0
    elif name == "gap":
        assert 0.029 < overnight.max() < 0.13
        assert overnight.argmax() + 1 == first
    elif name == "liquidity_hole":
        assert (v[first : first + 12] <= 0.7).all()
        assert (np.stack([o, c]) == 100.0).all()
        assert h.max() / l.min() > 1.01
    else:
        moved = np.abs(np.log(np.stack([o, c])[:, first : first + 12] / 100.0))
        np.testing.assert_allclose(moved, moved[0, 0])
        assert 0.003 <= moved[0, 0] <= 0.015
        assert (v == 7.0).all()
    assert c[-1] == pytest.approx(100.0)  # over with its stretch
