"""Market states by rules: the index by hand, the expanding median against a plain one, and no bar knows the future."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.regimes import REGIMES, UNKNOWN, RulesConfig, market_index
from edgeproof.regimes.rules import expanding_median, rolling_volatility
from tests.unit.features.panels import panel_of, random_panel, rough_panel

NAN = float("nan")
SHORT = {
    "rules": RulesConfig(trend_days=3, volatility_days=1, history_days=2),
    "hidden": REGIMES["hidden"].model_validate({"first_days": 5, "refit_days": 3, "volatility_days": 0.5}),
}


def prices_of(close: np.ndarray) -> np.ndarray:
    return np.repeat(close[:, :, np.newaxis], 5, axis=2).astype(float)


def test_the_index_is_the_mean_of_what_has_both_bars():
    close = np.array([[100.0, 110.0, 99.0, 0.0, 198.0], [50.0, 0.0, 40.0, 0.0, 30.0]])
    present = close > 0
    change, known = market_index(prices_of(close), present)
    # bar 2: only the first has the bar before; bar 3: nobody; bar 4 bridges the outage: (+100% - 25%) / 2
    np.testing.assert_allclose(change, [0, 0.1, -0.1, 0, 0.375], atol=1e-15)
    assert known.tolist() == [False, True, True, False, True]


@given(st.lists(st.one_of(st.floats(-5, 5), st.just(NAN)), max_size=60), st.integers(1, 5))
def test_the_expanding_median_is_the_median_of_all_so_far(values, least):
    x = np.array(values, dtype=float)
    found = expanding_median(x, least)
    for t in range(len(x)):
        seen = x[: t + 1][~np.isnan(x[: t + 1])]
        if len(seen) < least:
            assert np.isnan(found[t])
        else:
            assert found[t] == pytest.approx(np.median(seen), abs=1e-15)


def test_volatility_is_the_root_mean_square_of_known_returns():
    change, known = np.array([0.0, 0.03, -0.04, 9.0, 0.0]), np.array([True, True, True, False, False])
    out = rolling_volatility(change, known, 2)
    assert np.isnan(out[0])
    np.testing.assert_allclose(out[1:4], [0.03 / np.sqrt(2), np.sqrt(0.0025 / 2), 0.04], atol=1e-9)
    assert np.isnan(out[4])  # nothing known in the last two bars


def plain_rules(panel, trend_bars: int, volatility_bars: int, least: int) -> list[int]:
    change, _ = market_index(panel.prices, panel.present)
    index, sizes, code = np.cumprod(1 + change), [], []
    for t in range(len(change)):
        if t + 1 >= volatility_bars:
            sizes.append(np.sqrt((change[t + 1 - volatility_bars : t + 1] ** 2).mean()))
        if t < trend_bars or len(sizes) < least:
            code.append(UNKNOWN)
        else:
            code.append(2 * int(index[t] <= index[t - trend_bars]) + int(sizes[-1] > np.median(sizes)))
    return code


def test_equal_to_a_plain_loop():
    panel = random_panel(4, 600, 3)
    panel.present[:, 0] = True
    found = SHORT["rules"].regimes(panel)  # pyright: ignore[reportAttributeAccessIssue]
    change, known = market_index(panel.prices, panel.present)
    assert known[1:].all()
    assert not change[0]
    want = np.array(plain_rules(panel, 72, 24, 48))
    late = np.arange(600) > 100  # the first return is not known: the loop counts it as zero
    assert (found.code != want)[late].mean() < 0.02
    assert set(np.unique(found.code[late])) == {0, 1, 2, 3}
    assert found.names == ("bull_calm", "bull_wild", "bear_calm", "bear_wild")


def test_a_market_that_turns_is_named_for_what_it_did():
    draw = np.random.default_rng(0)
    size = np.repeat([0.002, 0.002, 0.01, 0.01], 400)
    drift = np.repeat([0.0008, -0.0008, 0.003, -0.003], 400)
    close = 100 * np.exp(np.cumsum(drift + size * draw.standard_normal((3, 1600)), axis=1))
    found = SHORT["rules"].regimes(panel_of(prices_of(close)))  # pyright: ignore[reportAttributeAccessIssue]
    for quarter, name in enumerate(("bull", "bear", "bull_wild", "bear_wild")):
        late = found.code[400 * quarter + 150 : 400 * quarter + 400]
        share = np.mean([found.names[c].startswith(name) for c in late])
        assert share > 0.75, (name, share)


@pytest.mark.parametrize("name", SHORT)
def test_no_regime_knows_a_later_bar(name: str):
    panel = rough_panel(3, 500, 21)
    was = SHORT[name].regimes(panel)  # pyright: ignore[reportAttributeAccessIssue]
    draw = np.random.default_rng(0)
    assert (was.code != UNKNOWN).sum() > 200
    for at in draw.integers(100, 499, 12):
        prices = panel.prices.copy()
        prices[:, at + 1 :] *= np.exp(draw.standard_normal(prices[:, at + 1 :].shape))
        now = SHORT[name].regimes(replace(panel, prices=prices))  # pyright: ignore[reportAttributeAccessIssue]
        np.testing.assert_array_equal(was.code[: at + 1], now.code[: at + 1])
        cut = panel_of(panel.prices[:, : at + 1], panel.present[:, : at + 1])
        short = SHORT[name].regimes(cut)  # pyright: ignore[reportAttributeAccessIssue]
        np.testing.assert_array_equal(was.code[: at + 1], short.code)


@pytest.mark.parametrize("name", SHORT)
def test_a_short_or_still_market_is_unknown(name: str):
    for panel in (random_panel(2, 30, 1), panel_of(np.full((2, 30, 5), 7.0)), panel_of(np.full((1, 1, 5), 7.0))):
        found = SHORT[name].regimes(panel)  # pyright: ignore[reportAttributeAccessIssue]
        assert (found.code == UNKNOWN).all()
        assert found.code.dtype == np.int8
    nobody = replace(random_panel(2, 400, 1), present=np.zeros((2, 400), bool))
    assert (SHORT[name].regimes(nobody).code == UNKNOWN).all()  # pyright: ignore[reportAttributeAccessIssue]
