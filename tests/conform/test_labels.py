"""Every registered label: known only where its bars are, resolved after its decision, blind to what follows."""

from dataclasses import replace

import numpy as np
import pytest

from edgeproof.core.catalog import whole
from edgeproof.labels import LABELS
from tests.unit.features.panels import rough_panel

EVERY = whole(LABELS, "labels")
PANEL = rough_panel(3, 400, 21)
T = 400


@pytest.mark.parametrize("name", EVERY)
def test_shapes_and_ranges(name: str):
    config = EVERY[name]()
    assert config.name == name
    labels = config.label(PANEL)
    for array, dtype in ((labels.y, np.float32), (labels.weight, np.float32), (labels.resolved_at, np.int32)):
        assert array.shape == PANEL.present.shape
        assert array.dtype == dtype
    assert labels.known.any()
    assert set(np.unique(labels.y[labels.known]).tolist()) == {0.0, 1.0}
    assert not labels.y[~labels.known].any()
    assert not labels.known[~PANEL.present].any()
    assert ((labels.weight[labels.known] > 0) & (labels.weight[labels.known] <= 1)).all()
    slots = np.broadcast_to(np.arange(T), PANEL.present.shape)
    assert (labels.resolved_at > slots).all()
    assert (labels.resolved_at <= slots + 1 + labels.horizon_bars).all()
    assert labels.resolved_at[labels.known].max() < T


@pytest.mark.parametrize("name", EVERY)
def test_blind_to_bars_after_its_resolution(name: str):
    was = EVERY[name]().label(PANEL)
    draw = np.random.default_rng(0)
    for at in draw.integers(20, T - 20, 40):
        prices, present = PANEL.prices.copy(), PANEL.present.copy()
        prices[:, at + 1 :] *= np.exp(draw.standard_normal(prices[:, at + 1 :].shape))
        present[:, at + 1 :] &= draw.random(present[:, at + 1 :].shape) < 0.5
        for changed in (replace(PANEL, prices=prices, present=present), _truncated(int(at) + 1)):
            now = EVERY[name]().label(changed)
            before, after = (labels.resolved_at[:, : at + 1] <= at for labels in (was, now))
            np.testing.assert_array_equal(before, after)
            for field in ("y", "known", "weight", "resolved_at"):
                a, b = getattr(was, field)[:, : at + 1], getattr(now, field)[:, : at + 1]
                np.testing.assert_array_equal(a[before], b[before])


@pytest.mark.parametrize("name", EVERY)
def test_blind_to_bars_before_its_reach(name: str):
    was = EVERY[name]().label(PANEL)
    draw = np.random.default_rng(1)
    assert was.reach < 150
    for at in draw.integers(160, T - 20, 40):
        prices = PANEL.prices.copy()
        prices[:, : at - was.reach] *= np.exp(draw.standard_normal(prices[:, : at - was.reach].shape))
        now = EVERY[name]().label(replace(PANEL, prices=prices))
        for field in ("y", "known", "weight", "resolved_at"):
            np.testing.assert_array_equal(getattr(was, field)[:, at], getattr(now, field)[:, at])


@pytest.mark.parametrize("name", EVERY)
def test_starts_at_the_open_after_the_decision(name: str):
    """Of what happens up to the close of t a label at t reads only how far closes moved, for its volatility."""
    was = EVERY[name]().label(PANEL)
    for at in range(80, T, 13):
        doubled, stretched = PANEL.prices.copy(), PANEL.prices.copy()
        doubled[:, : at + 1] *= 2.0  # exact in binary: every past return stays what it was
        stretched[:, at, [0, 1, 2, 4]] *= 1.5
        for prices in (doubled, stretched):
            now = EVERY[name]().label(replace(PANEL, prices=prices))
            np.testing.assert_array_equal(was.known[:, at], now.known[:, at])
            np.testing.assert_array_equal(was.y[:, at], now.y[:, at])
            np.testing.assert_array_equal(was.resolved_at[:, at], now.resolved_at[:, at])


@pytest.mark.parametrize("name", [name for name in EVERY if hasattr(EVERY[name], "bracket")])
def test_a_bracket_speaks_of_the_labels_own_barriers(name: str):
    config = EVERY[name]()
    bracket, unit = config.bracket(), config.barrier_volatility(PANEL)
    assert bracket.bars == config.label(PANEL).horizon_bars
    assert bracket.take_profit > 0
    assert bracket.stop_loss >= 0
    assert bracket.in_volatilities == (unit is not None)
    assert unit is None or unit.shape == PANEL.present.shape


def _truncated(length: int):
    return replace(
        PANEL,
        prices=PANEL.prices[:, :length],
        present=PANEL.present[:, :length],
        open_time=PANEL.open_time[:length],
        close_time=PANEL.close_time[:length],
    )
