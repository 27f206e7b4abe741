"""Blocks of another state behind a sample: its bars and its label go with it, and only what is slow is mixed."""

import numpy as np
import pytest

from edgeproof.core.clock import DAY_NS
from edgeproof.core.errors import DataError
from edgeproof.core.rng import Rng
from edgeproof.features.table import build_features
from edgeproof.samples.augment.draft import Draft, draft_of
from edgeproof.samples.augment.mixing import splice
from tests.unit.features.panels import random_panel, rough_panel
from tests.unit.samples.folds_of_bars import MIXING, kind_of

MIX = kind_of(MIXING)
HOLES = np.r_[np.full(40, -1), np.zeros(1000, np.int64), np.full(60, -1), np.ones(900, np.int64)]


def mixed(seed: int = 1, window: int = 6) -> tuple[Draft, Draft]:
    before = draft_of(rough_panel(3, len(HOLES), 8), HOLES, window)
    return before, MIX.augment(before, Rng(seed))  # pyright: ignore[reportAttributeAccessIssue]


def moves(draft: Draft) -> list[tuple[int, int]]:
    """(slot of the sample, slot where it was put), where these differ."""
    slots = draft.ends.max(axis=0)
    return [(int(t), int(u)) for t, u in enumerate(slots) if u >= 0 and u != t]


def test_splice_by_hand():
    """Closes 10 11 22 11: the bar of +100% put second after 10 closes at 20, and +10% put last after it at 22."""
    close = np.array([[10.0, 11.0, 22.0, 11.0]])
    prices = np.stack([close, close * 2, close / 2, close, close], axis=2)
    made, there = splice(prices, np.ones((1, 4), bool), np.array([0, 2, -1, 1]))
    np.testing.assert_allclose(made[0, :, 3], [10, 20, 0, 22])
    np.testing.assert_allclose(made[0, 3], [22, 44, 11, 22, 11])  # the bar keeps its shape, and its volume
    np.testing.assert_array_equal(there, [[True, True, False, True]])


def test_a_first_bar_put_behind_another_opens_at_its_close():
    close = np.array([[10.0, 0.0, 8.0]])
    prices = np.stack([close, close, close, close * 1.5, close], axis=2)
    made, _ = splice(prices, np.array([[True, False, True]]), np.array([2, 0, 1]))
    np.testing.assert_allclose(made[0, :, 3], [12.0, 18.0, 0.0])
    assert made[0, 1, 0] == 12.0


def test_every_bar_keeps_its_return_where_it_goes():
    """Second witness: the copy's log returns are those of the bars it is made of, in the copy's order."""
    before, after = mixed()
    was, now = (build_features(draft.panel, ["log_return_1"]).x[0, :, 0] for draft in (before, after))
    pairs = moves(after)
    assert len(pairs) > 300
    np.testing.assert_allclose([now[u] for _, u in pairs], [was[t] for t, _ in pairs], atol=1e-6)


def test_blocks_keep_their_hour_their_run_and_their_symbols_together():
    _, after = mixed()
    time, pairs = after.panel.open_time % DAY_NS, moves(after)
    assert all(time[t] == time[u] and HOLES[t] == HOLES[u] >= 0 for t, u in pairs)
    assert {HOLES[u] for _, u in pairs} == {0, 1}
    assert not after.panel.present[:, HOLES < 0].any()
    for s in range(3):  # a sample that a symbol lacks is lacking, and all others are put where the market's is
        placed = after.ends[s] >= 0
        np.testing.assert_array_equal(after.ends[s][placed], after.ends.max(axis=0)[placed])


@pytest.mark.parametrize("window", [1, 6, 40])
def test_a_sample_has_its_window_and_a_day_of_its_own_bars_behind_it(window):
    """Walked: back from where a sample is put, the bars are those that stand behind it in history."""
    before, after = mixed(window=window)
    old, new = before.panel, after.panel
    for t, u in moves(after)[::5]:
        for k in range(max(window, 24)):
            both = old.present[:, t - k]
            np.testing.assert_array_equal(both, new.present[:, u - k])
            ratio = new.prices[both, u - k, :4] / old.prices[both, t - k, :4]
            np.testing.assert_allclose(ratio, ratio[:, :1] * np.ones(4), rtol=1e-9)
            np.testing.assert_array_equal(new.prices[:, u - k, 4], old.prices[:, t - k, 4])


def test_what_comes_is_of_another_state():
    """The commonest state of all bars of a block is another one than that of the block that gave way."""
    before, after = mixed()
    code = MIX.states.regimes(before.panel).code  # pyright: ignore[reportAttributeAccessIssue]
    blocks = {(int(after.since[u]) + t - u, int(after.since[u])) for t, u in moves(after)}
    assert len(blocks) > 5
    for source, target in blocks:
        came, left = code[source : source + 72], code[target : target + 72]
        assert np.bincount(came[came >= 0]).argmax() != np.bincount(left[left >= 0]).argmax()


def test_slow_features_are_mixed_and_fast_ones_are_not():
    before, after = mixed()
    was, now = (build_features(draft.panel, ["log_return_12", "log_distance_sma_168"]) for draft in (before, after))
    pairs = [(t, u) for t, u in moves(after) if was.ready[0, t] and now.ready[0, u]]
    off = np.array([np.abs(was.x[0, t] - now.x[0, u]) for t, u in pairs])
    assert len(pairs) > 100
    assert off[:, 0].max() < 1e-5
    assert np.median(off[:, 1]) > 1e-3


def test_seeds_mix_differently_and_one_seed_always_alike():
    one, again, other = mixed(1)[1], mixed(1)[1], mixed(2)[1]
    assert one.panel.sha == again.panel.sha != other.panel.sha
    np.testing.assert_array_equal(one.ends, again.ends)


def test_no_other_state_is_said_in_one_line():
    draft = draft_of(random_panel(2, 1500, 5), np.zeros(1500, np.int64), 6)
    slow = kind_of(MIXING | {"states": {"name": "rules", "history_days": 60}})
    with pytest.raises(DataError, match="no two blocks of 72 bars in 1500 training bars are of different known states"):
        slow.augment(draft, Rng(1))  # pyright: ignore[reportAttributeAccessIssue]
    long = draft_of(random_panel(2, 1500, 5), np.zeros(1500, np.int64), 72)
    with pytest.raises(DataError, match=r"blocks of 72 bars are no longer than .* 72 bars \(window 72, a day 24\)"):
        MIX.augment(long, Rng(1))  # pyright: ignore[reportAttributeAccessIssue]
