"""Every planted leak is caught by name, and its clean twin passes."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
import pytest

from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel
from edgeproof.features import Feature, Rows, from_expression
from edgeproof.leakage import check_causal, check_stable
from tests.unit.features.panels import panel_of, random_panel, random_prices

PANEL = random_panel(4, 2500, 0)


def own(function: Callable[[Rows], object], reach: int) -> Feature:
    return Feature("suspect", reach, "user", "", lambda rows: np.asarray(function(rows), float))


def close(rows: Rows) -> pd.Series:
    return pd.Series(rows.close)


def volume(rows: Rows) -> pd.Series:
    return pd.Series(np.where(rows.volume > 0, rows.volume, np.nan))


# fault, clean twin
PLANTED = {
    "centered rolling": (
        own(lambda rows: close(rows).rolling(5, center=True).mean(), 4),
        own(lambda rows: close(rows).rolling(5).mean(), 4),
    ),
    "shift(-1)": (own(lambda rows: close(rows).shift(-1), 1), own(lambda rows: close(rows).shift(1), 1)),
    "global z-score": (
        own(lambda rows: (close(rows) - close(rows).mean()) / close(rows).std(), 50),
        own(lambda rows: (close(rows) - close(rows).rolling(51).mean()) / close(rows).rolling(51).std(), 50),
    ),
    "global rank": (
        own(lambda rows: close(rows).rank(pct=True), 30),
        own(lambda rows: close(rows).rolling(31).rank(pct=True), 30),
    ),
    "backward fill": (
        own(lambda rows: volume(rows).bfill(), 9),
        own(lambda rows: volume(rows).ffill(limit=9), 9),
    ),
    "interpolation": (
        own(lambda rows: volume(rows).interpolate(), 9),
        own(lambda rows: volume(rows).ffill(limit=9), 9),
    ),
    "low-pass by Fourier transform": (
        own(lambda rows: _low_pass(rows.close), 20),
        own(lambda rows: close(rows).rolling(21, win_type=None).mean(), 20),
    ),
    "reversed recursion": (
        own(lambda rows: pd.Series(rows.close[::-1]).ewm(alpha=0.3).mean().to_numpy()[::-1], 200),
        own(lambda rows: close(rows).ewm(alpha=0.3, adjust=False).mean(), 200),
    ),
    "number of bars": (own(lambda rows: np.full(len(rows), len(rows)), 0), own(lambda rows: rows.high, 0)),
    "polars shift(-1)": (
        from_expression("suspect", pl.col("close").shift(-1), reach=1),
        from_expression("suspect", pl.col("close").shift(1), reach=1),
    ),
}


def _low_pass(x: np.ndarray) -> np.ndarray:
    spectrum = np.fft.rfft(x)
    spectrum[len(spectrum) // 20 :] = 0
    return np.fft.irfft(spectrum, len(x))


def both(panel: Panel, feature: Feature) -> list[Finding]:
    return check_causal(panel, [feature], Rng(1)) + check_stable(panel, [feature], Rng(1))


@pytest.mark.parametrize("fault", PLANTED)
def test_each_planted_leak_is_caught_by_name(fault: str):
    findings = check_causal(PANEL, ["log_return_1", PLANTED[fault][0], "body_share"], Rng(1))
    assert [(finding.check, finding.level) for finding in findings] == [("leakage.causal", "error")]
    assert "feature suspect sees the future" in findings[0].claim
    assert findings[0].where.startswith("suspect, S")
    assert "at or before t" in findings[0].remedy


@pytest.mark.parametrize("fault", PLANTED)
def test_each_clean_twin_passes(fault: str):
    assert both(PANEL, PLANTED[fault][1]) == []


@pytest.mark.parametrize(
    ("function", "reach", "enough"),
    [
        (lambda rows: close(rows).rolling(50).mean(), 40, 80),  # has no value from so few bars
        (lambda rows: close(rows).rolling(50, min_periods=1).mean(), 48, 96),  # has another one
        (lambda rows: close(rows).ewm(span=27, adjust=False).mean(), 50, 200),  # a recursion not yet warm
        (lambda rows: close(rows).expanding().max(), 100, None),
        (lambda rows: close(rows).cumsum(), 200, None),
    ],
)
def test_a_reach_declared_too_short_is_caught_by_name(function, reach: int, enough: int | None):
    feature = own(function, reach)
    assert check_causal(PANEL, [feature], Rng(2)) == []
    (finding,) = check_stable(PANEL, ["rsi_14", feature], Rng(2))
    assert (finding.check, finding.level) == ("leakage.stable", "error")
    assert f"feature suspect reads further back than its declared reach of {reach} bars" in finding.claim
    assert finding.evidence["enough"] == enough
    assert "declare" in finding.remedy
    assert finding.where.startswith("suspect, S")


def test_the_first_offending_bar_is_named():
    spike = 1200  # the only bar at which the future is read

    def function(rows: Rows) -> np.ndarray:
        out = rows.close.copy()
        place = np.flatnonzero(rows.close_time == PANEL.close_time[spike])
        if len(place) and place[0] + 250 < len(rows):
            out[place[0]] = rows.close[place[0] + 250]
        return out

    short = panel_of(random_prices(1, 1500, 3))
    (finding,) = check_causal(short, [Feature("spiky", 0, "user", "", function)], Rng(0))
    assert finding.where == "spiky, S0 1970-02-20 01:00"
    assert 1 <= finding.evidence["bars_ahead"] <= 250


def test_same_seed_same_findings():
    suspect = PLANTED["shift(-1)"][0]
    assert check_causal(PANEL, [suspect], Rng(5)) == check_causal(PANEL, [suspect], Rng(5))
    assert check_stable(PANEL, [suspect], Rng(5)) == check_stable(PANEL, [suspect], Rng(5))


def test_what_cannot_be_checked_is_said():
    long = own(lambda rows: close(rows).rolling(901).mean(), 900)
    findings = both(random_panel(1, 600, 0), long)
    assert [(finding.check, finding.level) for finding in findings] == [
        ("leakage.causal", "warning"),
        ("leakage.stable", "warning"),
    ]


def test_the_panel_itself_is_left_as_it_was():
    prices, present = PANEL.prices.copy(), PANEL.present.copy()
    both(PANEL, PLANTED["shift(-1)"][1])
    np.testing.assert_array_equal(PANEL.prices, prices)
    np.testing.assert_array_equal(PANEL.present, present)
