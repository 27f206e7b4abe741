"""Every registered feature, built-in or of an installed package: causal, stable, float32, finite where ready."""

import numpy as np
import pytest

from edgeproof.core.catalog import whole
from edgeproof.core.rng import Rng
from edgeproof.features import FEATURE_SETS, FEATURES
from edgeproof.features.table import build_features
from edgeproof.leakage import check_causal, check_stable
from edgeproof.leakage.excerpt import columns_of
from tests.unit.features.panels import random_panel, rough_panel

EVERY = whole(FEATURES, "features")
SMOOTH, ROUGH = random_panel(3, 1100, 11), rough_panel(3, 1300, 12)
RECURSIVE = {"rsi_14", "macd_histogram_atr", "adx_14"}


@pytest.mark.parametrize("name", EVERY)
def test_declaration(name: str):
    feature = EVERY[name]
    assert feature.name == name
    assert feature.reach >= 0
    assert feature.formula
    assert feature.group


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("panel", [SMOOTH, ROUGH], ids=["smooth", "rough"])
def test_causal_and_stable_at_80_cuts(name: str, panel):
    assert check_causal(panel, [name], Rng(3)) == []
    assert check_stable(panel, [name], Rng(3)) == []


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("panel", [SMOOTH, ROUGH], ids=["smooth", "rough"])
def test_float32_finite_where_ready_zero_elsewhere(name: str, panel):
    table = build_features(panel, [name])
    assert table.x.dtype == np.float32
    assert np.isfinite(table.x).all()
    assert not table.x[~table.ready].any()
    assert not table.ready[~panel.present].any()
    assert table.ready[panel.present].mean() > 0.2
    rows = np.nonzero(table.ready)
    assert (table.first_read[rows] <= rows[1]).all()
    assert (table.first_read[rows] >= 0).all()


@pytest.mark.parametrize("name", EVERY)
def test_the_unit_of_price_and_volume_does_not_matter(name: str):
    if name == "log_amihud_24":
        pytest.skip("illiquidity is measured per unit of money")
    panel = ROUGH
    scaled = panel.prices * np.array([1e3, 1e3, 1e3, 1e3, 1e-3])
    was = columns_of(panel, [EVERY[name]], 24)
    now = columns_of(type(panel)(**{**panel.__dict__, "prices": scaled}), [EVERY[name]], 24)
    np.testing.assert_allclose(now, was, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", EVERY)
def test_a_feature_of_one_symbol_does_not_read_the_others(name: str):
    prices = ROUGH.prices.copy()
    prices[1:] = random_panel(3, 1300, 99).prices[1:]
    was = columns_of(ROUGH, [EVERY[name]], 24)[:, 0]
    now = columns_of(type(ROUGH)(**{**ROUGH.__dict__, "prices": prices}), [EVERY[name]], 24)[:, 0]
    same = np.array_equal(was, now, equal_nan=True)
    assert same != EVERY[name].universe


def test_finite_windows_depend_on_nothing_before_their_reach():
    names = [name for name in FEATURE_SETS["hourly23"] if name not in RECURSIVE]
    whole_table = columns_of(SMOOTH, [FEATURES[name] for name in names], 24)
    later = type(SMOOTH)(
        SMOOTH.prices[:, 500:],
        SMOOTH.present[:, 500:],
        SMOOTH.open_time[500:],
        SMOOTH.close_time[500:],
        SMOOTH.symbols,
        SMOOTH.interval_ns,
        SMOOTH.calendar,
        "",
    )
    cut = columns_of(later, [FEATURES[name] for name in names], 24)
    for f, name in enumerate(names):
        reach = FEATURES[name].reach
        np.testing.assert_allclose(cut[f, :, reach:], whole_table[f, :, 500 + reach :], rtol=1e-12, atol=1e-15)
