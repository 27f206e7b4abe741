"""Every registered augmentation keeps bars bars, reads nothing that is not there, and is keyed by its randomness."""

from dataclasses import replace

import numpy as np
import pytest

from edgeproof.core.catalog import whole
from edgeproof.core.config import Config, dump_yaml
from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel
from edgeproof.samples.augment import AUGMENTATIONS
from edgeproof.samples.augment.draft import Draft, draft_of
from tests.unit.features.panels import random_panel, rough_panel
from tests.unit.samples.folds_of_bars import STATES

EVERY = whole(AUGMENTATIONS, "augmentations")
SMALL = {"regime_mixing": {"block_days": 3, "states": STATES}, "time_shift": {"bars": 3}}  # fit for a few weeks of bars
T, WINDOW = 1500, 6
RUN = np.r_[np.full(50, -1), np.zeros(800, np.int64), np.full(100, -1), np.ones(550, np.int64)]
PANEL = rough_panel(3, T, 8)


def kind(name: str) -> Config:
    return EVERY[name](**SMALL.get(name, {}))


def done(name: str, panel: Panel = PANEL, run: np.ndarray = RUN, seed: int = 1) -> Draft:
    return kind(name).augment(draft_of(panel, run, WINDOW), Rng(seed))  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("name", EVERY)
def test_bars_stay_bars(name: str):
    assert EVERY[name]().name == name  # pyright: ignore[reportAttributeAccessIssue]
    assert dump_yaml(kind(name))
    panel = done(name).panel
    o, h, l, c, v = panel.prices[panel.present].T  # noqa: E741 - the columns of a bar
    assert (np.minimum(o, c) >= l * (1 - 1e-12)).all()
    assert (np.maximum(o, c) <= h * (1 + 1e-12)).all()
    assert l.min() > 0
    assert v.min() >= 0
    assert (panel.prices[~panel.present] == 0).all()
    assert not panel.present[:, RUN < 0].any()
    np.testing.assert_array_equal(panel.open_time, PANEL.open_time)


@pytest.mark.parametrize("name", EVERY)
def test_samples_stay_in_their_run_and_their_window_is_in_one_piece(name: str):
    after = done(name)
    s, t = np.nonzero(after.ends >= 0)
    end = after.ends[s, t]
    assert len(end) > 500
    assert (RUN[end] == RUN[t]).all()
    inside = end - WINDOW + 1 >= after.since[end]
    begun = (
        t - draft_of(PANEL, RUN, WINDOW).since[t] >= WINDOW
    )  # the first windows of a run are whole by no one's doing
    assert inside[begun].all()


@pytest.mark.parametrize("name", EVERY)
def test_bars_that_are_not_to_be_read_are_not(name: str):
    prices = np.where((RUN < 0)[None, :, None], random_panel(3, T, 3).prices, PANEL.prices)
    one, other = done(name), done(name, replace(PANEL, prices=prices, sha="other"))
    assert one.panel.sha == other.panel.sha
    np.testing.assert_array_equal(one.ends, other.ends)


@pytest.mark.parametrize("name", EVERY)
def test_one_key_always_does_the_same_and_another_something_else(name: str):
    one, again, other = done(name), done(name), done(name, seed=2)
    assert (one.panel.sha, one.ends.tobytes()) == (again.panel.sha, again.ends.tobytes())
    assert (one.panel.sha, one.ends.tobytes()) != (other.panel.sha, other.ends.tobytes())


@pytest.mark.parametrize("name", [name for name in EVERY if getattr(EVERY[name], "when_forecasting", False)])
def test_what_may_be_done_at_a_forecast_hears_of_no_later_bar_and_moves_no_sample(name: str):
    run, other = np.zeros(T, np.int64), random_panel(3, T, 3).prices
    was = done(name, run=run)
    np.testing.assert_array_equal(was.ends, np.broadcast_to(np.arange(T), (3, T)))
    for at in (1, 700, T - 1):
        prices = np.concatenate([PANEL.prices[:, :at], other[:, at:]], axis=1)
        now = done(name, replace(PANEL, prices=prices), run)
        np.testing.assert_array_equal(was.panel.prices[:, :at], now.panel.prices[:, :at])
        cut = slice(None, at)
        part = replace(
            PANEL,
            prices=PANEL.prices[:, cut],
            present=PANEL.present[:, cut],
            open_time=PANEL.open_time[cut],
            close_time=PANEL.close_time[cut],
        )
        np.testing.assert_array_equal(was.panel.prices[:, cut], done(name, part, run[cut]).panel.prices)
