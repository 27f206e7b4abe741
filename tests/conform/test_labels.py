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
    assert (labels.resolved_at > slots + labels.horizon_bars - 1).all()
    assert labels.resolved_at[labels.known].max() < T


@pytest.mark.parametrize("name", EVERY)
def test_blind_to_bars_after_its_resolution(name: str):
    was = EVERY[name]().label(PANEL)
    draw = np.random.default_rng(0)
    for at in draw.integers(20, T - 20, 40):
        prices = PANEL.prices.copy()
        prices[:, at + 1 :] *= np.exp(draw.standard_normal(prices[:, at + 1 :].shape))
        for changed in (replace(PANEL, prices=prices), _truncated(int(at) + 1)):
            now = EVERY[name]().label(changed)
            for field in ("y", "known", "weight"):
                a, b = getattr(was, field)[:, : at + 1], getattr(now, field)[:, : at + 1]
                resolved = was.resolved_at[:, : at + 1] <= at
                np.testing.assert_array_equal(a[resolved], b[resolved])


@pytest.mark.parametrize("name", EVERY)
def test_starts_at_the_open_after_the_decision(name: str):
    """What happens up to the close of t moves no label at t, except through its threshold's volatility."""
    was = EVERY[name]().label(PANEL)
    prices = PANEL.prices.copy()
    prices[:, 200, 1:] *= 1.5
    now = EVERY[name]().label(replace(PANEL, prices=prices))
    np.testing.assert_array_equal(was.y[:, 200], now.y[:, 200])


def _truncated(length: int):
    return replace(
        PANEL,
        prices=PANEL.prices[:, :length],
        present=PANEL.present[:, :length],
        open_time=PANEL.open_time[:length],
        close_time=PANEL.close_time[:length],
    )
