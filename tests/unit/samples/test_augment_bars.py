"""Noise on bars belongs to a symbol and a time; it keeps a bar a bar and has the size that it says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.core.clock import HOUR_NS
from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel
from edgeproof.samples.augment.draft import draft_of, uniforms
from edgeproof.samples.augment.jitter import PriceJitterConfig, VolumeConfig
from tests.unit.features.panels import random_panel, rough_panel

RNG = Rng(5)


def at(panel: Panel, bars: slice, symbols: slice = slice(None), later: int = 0) -> Panel:
    """Part of a panel, its clock moved on by `later` hours."""
    return replace(
        panel,
        prices=panel.prices[symbols, bars],
        present=panel.present[symbols, bars],
        open_time=panel.open_time[bars] + later * HOUR_NS,
        close_time=panel.close_time[bars] + later * HOUR_NS,
        symbols=panel.symbols[symbols],
    )


def jittered(config, panel: Panel) -> Panel:
    return config.augment(draft_of(panel, np.zeros(len(panel.open_time), np.int64), 4), RNG).panel


@given(st.integers(0, 9), st.integers(1, 60), st.integers(0, 500_000))
def test_noise_belongs_to_a_symbol_and_a_time(start, length, later):
    """Whatever comes before, behind or beside a bar, it draws the same number."""
    panel = random_panel(3, 80, 1)
    whole = uniforms(RNG, at(panel, slice(None), later=later))
    part = at(panel, slice(start, start + length), slice(1, 3), later)
    np.testing.assert_array_equal(whole[1:, start : start + length], uniforms(RNG, part))
    assert ((whole > 0) & (whole < 1)).all()


def test_noise_is_the_plain_stream_of_the_symbol():
    """Second witness: from the epoch on, a symbol's numbers are its generator's, one a slot, missing slots skipped."""
    panel = random_panel(2, 50, 1)
    plain = np.stack([RNG.child(symbol).numpy().random(50) for symbol in panel.symbols])
    np.testing.assert_allclose(uniforms(RNG, panel), plain, rtol=0, atol=1e-15)
    sessions = at(panel, np.r_[0:7, 20:30])  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(uniforms(RNG, sessions), plain[:, np.r_[0:7, 20:30]], rtol=0, atol=1e-15)


def test_a_jittered_bar_is_the_bar_times_one_factor():
    panel = rough_panel(3, 4000, 2)
    made = jittered(PriceJitterConfig(), panel)
    there = panel.present
    factor = made.prices[there][:, :4] / panel.prices[there][:, :4]
    np.testing.assert_allclose(factor, factor[:, [0]] * np.ones(4), rtol=1e-12)
    np.testing.assert_array_equal(made.prices[there][:, 4], panel.prices[there][:, 4])
    np.testing.assert_array_equal(made.present, there)
    assert (made.prices[~there] == 0).all()
    logs = np.log(factor[:, 0])
    assert abs(logs.std() / 0.001 - 1) < 0.03  # 12,000 draws: five standard errors
    assert abs(logs.mean()) < 5 * 0.001 / np.sqrt(len(logs))
    assert made.sha != panel.sha


def test_volume_moves_by_at_most_its_share_and_prices_do_not():
    panel = rough_panel(3, 4000, 2)
    made = jittered(VolumeConfig(), panel)
    np.testing.assert_array_equal(made.prices[panel.present][:, :4], panel.prices[panel.present][:, :4])
    traded = panel.present & (panel.prices[:, :, 4] > 0)
    factor = made.prices[:, :, 4][traded] / panel.prices[:, :, 4][traded]
    assert (np.abs(factor - 1) <= 0.1 + 1e-12).all()
    assert abs(factor.std() - 0.2 / np.sqrt(12)) < 0.002
    assert (made.prices[:, :, 4][~traded] == 0).all()


@pytest.mark.parametrize("config", [PriceJitterConfig(), VolumeConfig()])
def test_no_bar_hears_of_another(config):
    """Change the future: no earlier bar of the copy moves."""
    panel, prices = random_panel(2, 60, 3), random_panel(2, 60, 4).prices
    for t in (1, 30, 59):
        mixed = np.concatenate([panel.prices[:, :t], prices[:, t:]], axis=1)
        np.testing.assert_array_equal(
            jittered(config, panel).prices[:, :t], jittered(config, replace(panel, prices=mixed)).prices[:, :t]
        )
