"""The table: what is ready, which bars it has read, what joins it, what it refuses."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from edgeproof.core import catalog
from edgeproof.core.errors import ConfigError, DataError
from edgeproof.features import FEATURES, Feature, Rows, from_expression
from edgeproof.features.table import build_features, select_features
from tests.unit.features.panels import panel_of, random_panel, random_prices, rough_panel

SHORT = ("log_return_3", "body_share")


def test_layout_and_zeros_where_not_ready():
    table = build_features(random_panel(3, 350, 0))
    assert table.x.shape == (3, 350, 23)
    assert table.x.dtype == np.float32
    assert table.x.flags.c_contiguous
    assert table.reach.tolist() == [FEATURES[name].reach for name in table.names]
    assert not table.x[~table.ready].any()


def test_first_read_counts_bars_over_a_short_gap_and_a_long_gap_starts_anew():
    present = np.ones((1, 40), bool)
    present[0, [5, 6]] = False  # stepped over
    present[0, 20:24] = False  # a gap of 4 > 3 ends the run
    table = build_features(panel_of(random_prices(1, 40, 1), present), SHORT, max_gap_bars=3)
    ready = np.flatnonzero(table.ready[0])
    assert ready.tolist() == [3, 4, *range(7, 20), *range(27, 40)]
    assert [int(table.first_read[0, t]) for t in (3, 7, 9, 10, 27)] == [0, 2, 4, 7, 24]


def test_first_read_is_exact():
    panel = rough_panel(2, 500, 4)
    table = build_features(panel)
    for s, t in zip(*(axis[::17] for axis in np.nonzero(table.ready)), strict=True):
        first = int(table.first_read[s, t])
        assert panel.present[s, first : t + 1].sum() == 301
        assert panel.present[s, first]
        alone = replace(panel, present=panel.present & (np.arange(500) >= first), sha="")
        again = build_features(alone)
        assert again.ready[s, t]
        np.testing.assert_allclose(again.x[s, t], table.x[s, t], rtol=1e-5, atol=1e-6)


def test_a_bar_with_impossible_prices_is_no_bar():
    prices = random_prices(1, 30, 2)
    prices[0, 10, 2] = 0.0
    prices[0, 20, 4] = np.nan
    table = build_features(panel_of(prices), SHORT)
    assert not table.ready[0, [10, 20]].any()
    assert table.ready[0, 11]
    assert table.first_read[0, 11] == 7


def test_user_features_join_in_their_place():
    momentum = Feature("momentum", 5, "user", "C / C_(t-5) - 1", lambda rows: _momentum(rows, 5))
    polars = from_expression("polars_momentum", pl.col("close") / pl.col("close").shift(5) - 1, reach=5)
    table = build_features(random_panel(2, 60, 3), ["log_return_3", momentum, polars, "body_share"])
    assert table.names == ("log_return_3", "momentum", "polars_momentum", "body_share")
    np.testing.assert_array_equal(table.x[:, :, 1], table.x[:, :, 2])
    assert table.ready[:, 5:].all()
    assert polars.version
    assert not from_expression("p", pl.col("close").map_elements(lambda x: x, pl.Float64), reach=0).version


def _momentum(rows: Rows, lag: int) -> np.ndarray:
    out = np.full(len(rows), np.nan)
    out[lag:] = rows.close[lag:] / rows.close[:-lag] - 1
    return out


def test_the_identity_follows_bars_names_gap_and_content():
    panel, other = random_panel(1, 60, 3), random_panel(1, 60, 4)
    own = Feature("own", 0, "user", "H", lambda rows: rows.high)
    shas = [
        build_features(panel, SHORT).sha,
        build_features(other, SHORT).sha,
        build_features(panel, SHORT[:1]).sha,
        build_features(panel, SHORT, max_gap_bars=2).sha,
        build_features(panel, [own]).sha,
        build_features(panel, [replace(own, function=lambda rows: rows.low)]).sha,
    ]
    assert len(set(shas)) == len(shas)
    assert build_features(panel, SHORT).sha == shas[0]
    assert build_features(panel, [own]).sha == shas[4]


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch):
    panel = rough_panel(5, 450, 8)
    one = build_features(panel)
    monkeypatch.setenv("EDGEPROOF_THREADS", "3")
    np.testing.assert_array_equal(build_features(panel).x, one.x)


def test_outside_features_are_found_by_name(monkeypatch: pytest.MonkeyPatch):
    outside = Feature("outside_high", 0, "user", "H", lambda rows: rows.high)
    monkeypatch.setattr(catalog, "outside", lambda group: {"outside_high": outside} if group == "features" else {})
    table = build_features(random_panel(1, 10, 0), ["outside_high"])
    assert table.names == ("outside_high",)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("hourly32", "did you mean 'hourly23'"),
        ("rsi_14", "single features go in a list"),
        (["log_retrun_1"], "did you mean 'log_return_1'"),
        ([], "the list is empty"),
        (["rsi_14", "rsi_14"], "'rsi_14' is listed twice"),
    ],
)
def test_names_that_cannot_be_used(names, text: str):
    with pytest.raises(ConfigError, match=text):
        select_features(names)


def test_too_few_bars_in_one_line():
    with pytest.raises(DataError, match=r"longest run .* has 1, and feature .* reads 300 bars back"):
        build_features(random_panel(1, 1, 0))
    with pytest.raises(DataError, match="has 0"):
        build_features(panel_of(random_prices(1, 5, 0), np.zeros((1, 5), bool)))


def test_a_feature_without_values_is_named_with_the_symbol_count():
    prices = random_prices(3, 40, 0)
    prices[:, :, 4] = 0.0
    with pytest.raises(DataError, match="feature log_amihud_24 has no value at any bar of 3 symbols"):
        build_features(panel_of(prices), ["log_return_1", "log_amihud_24"])


def test_features_that_are_never_there_together():
    odd = Feature("odd", 0, "user", "", lambda rows: np.where(np.arange(len(rows)) % 2, 1.0, np.nan))
    even = Feature("even", 0, "user", "", lambda rows: np.where(np.arange(len(rows)) % 2, np.nan, 1.0))
    with pytest.raises(DataError, match="no bar of 1 symbols has all features"):
        build_features(random_panel(1, 10, 0), [odd, even])


@pytest.mark.parametrize("wrong", [lambda rows: rows.close[1:], lambda rows: 1.0, lambda rows: rows.close.astype(str)])
def test_a_function_that_returns_something_else_is_named(wrong):
    with pytest.raises(DataError, match="feature mine: its function returned"):
        build_features(random_panel(1, 10, 0), [Feature("mine", 0, "user", "", wrong)])
