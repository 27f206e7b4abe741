"""Each of the 23 features against a plain loop, a case worked by hand, and TA-Lib."""

import math

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.features import FEATURE_SETS, FEATURES, Rows
from edgeproof.features.feature import evaluate
from edgeproof.features.table import build_features, select_features
from edgeproof.leakage.excerpt import columns_of
from tests.unit.features.panels import panel_of, random_panel, random_prices, rough_panel
from tests.unit.features.plain import plain_features

NAMES = FEATURE_SETS["hourly23"]


def rows_of(prices: np.ndarray) -> Rows:
    n = len(prices)
    columns = np.ascontiguousarray(prices.T)
    o, h, l, c, v = columns  # noqa: E741 - the columns of a bar
    return Rows(o, h, l, c, v, np.arange(n), np.log(c), market_return=np.zeros(n), market_since=np.zeros(n))


def values(name: str, rows: Rows) -> np.ndarray:
    return evaluate([FEATURES[name]], rows)[0]


def bars(*ohlcv: tuple[float, float, float, float, float]) -> Rows:
    return rows_of(np.array(ohlcv))


def last(name: str, rows: Rows) -> float:
    return float(values(name, rows)[-1])


def from_closes(closes: list[float], volume: float = 10.0) -> Rows:
    """Bars that open and close at these prices, with a range of 1 above and below."""
    return bars(*((c, c + 1.0, c - 1.0, c, volume) for c in closes))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), max_gap=st.sampled_from([0, 2, 24]))
def test_every_feature_equals_its_plain_loop_with_gaps_and_degenerate_bars(seed: int, max_gap: int):
    panel = rough_panel(2, 480, seed, max_gap)
    ours = columns_of(panel, select_features("hourly23"), max_gap)
    plain = plain_features(panel, max_gap)
    shallow = _shallow(panel, max_gap)
    for f, name in enumerate(NAMES):
        if name not in plain:  # no run of 301 bars
            continue
        there = ~np.isnan(plain[name])
        assert (there | np.isnan(ours[f]) | shallow).all(), f"{name} has a value where the loop has none"
        np.testing.assert_allclose(ours[f][there], plain[name][there], rtol=1e-8, atol=1e-10, err_msg=name)


def _shallow(panel, max_gap: int) -> np.ndarray:
    """bool[S, T]: fewer than 300 bars of the run lie before, so the plain loop says nothing."""
    out = np.ones(panel.present.shape, bool)
    for s in range(len(out)):
        count, before = 0, -(10**9)
        for t in np.flatnonzero(panel.present[s]):
            count = 0 if t - before - 1 > max_gap else count + 1
            out[s, t] = count < 300
            before = t
    return out


def test_the_set_has_the_23_names_in_their_order():
    assert len(NAMES) == len(set(NAMES)) == 23
    assert NAMES[:6] == tuple(f"log_return_{k}" for k in (1, 3, 6, 12, 24, 72))
    assert NAMES[-2:] == ("market_return_1", "relative_strength_24")


@pytest.mark.parametrize(
    ("name", "value"),
    [("log_range", math.log(1.5)), ("body_share", 0.75), ("close_location", 0.875)],
)
def test_one_bar_by_hand(name: str, value: float):
    assert last(name, bars((8.5, 12.0, 8.0, 11.5, 1.0))) == pytest.approx(value, abs=1e-15)


def test_returns_and_volatility_by_hand():
    rows = from_closes([100.0 * (1.01 if i % 2 else 1.0) for i in range(200)])
    step = math.log(1.01)
    assert last("log_return_1", rows) == pytest.approx(step)
    assert last("log_return_3", rows) == pytest.approx(step)
    assert last("log_return_24", rows) == pytest.approx(0.0, abs=1e-15)
    # 24 returns of +-step with mean 0: variance 24/23 step^2
    assert last("log_volatility_24", rows) == pytest.approx(math.log(step * math.sqrt(24 / 23)))
    assert last("log_volatility_ratio_24_168", rows) == pytest.approx(0.5 * math.log(24 / 23 * 167 / 168))


def test_parkinson_by_hand():
    rows = bars(*[(10.0, 11.0, 10.0, 11.0, 1.0)] * 24)
    assert last("parkinson_24", rows) == pytest.approx(math.log(1.1) / math.sqrt(4 * math.log(2)))


def test_oscillators_by_hand():
    rows = from_closes([100.0 + i for i in range(40)])
    assert last("rsi_14", rows) == 1.0
    assert last("adx_14", rows) == 1.0
    # lows of the last 14 closes 126..139 start at 125, highs end at 140
    assert last("stochastic_k_14", rows) == pytest.approx(14 / 15)
    # 20 equal steps: deviation sqrt((400 - 1) / 12), the last 9.5 above the mean
    assert last("bollinger_position_20", rows) == pytest.approx(0.5 + 9.5 / (4 * math.sqrt(399 / 12)))
    falls = from_closes([100.0 + (i % 2) for i in range(401)])
    up, down = 0.5, 0.5
    for i in range(1, 401):
        step = 1.0 / min(i, 14)
        up, down = up + step * ((i % 2) - up), down + step * ((i + 1) % 2 - down)
    assert last("rsi_14", falls) == pytest.approx(up / (up + down))


def test_macd_histogram_over_atr_by_hand():
    rows = from_closes([100.0] * 20 + [103.0])
    # EMAs start equal; one step of 3: line 3 (2/13 - 2/27), histogram 4/5 of it; ATR 2 until the last range of 4
    line = 3 * (2 / 13 - 2 / 27)
    assert last("macd_histogram_atr", rows) == pytest.approx(0.8 * line / (2 + (4 - 2) / 14))


def test_volume_by_hand():
    closes = [100.0, *(101.0 if i % 3 else 100.0 for i in range(1, 168))]
    rows = rows_of(np.array([(c, c + 1, c - 1, c, math.e if i % 2 else 1.0) for i, c in enumerate(closes)]))
    # ln V is 0 or 1, half each; the last is 1
    assert last("log_volume_z_168", rows) == pytest.approx(0.5 / (0.5 * math.sqrt(168 / 167)))
    steady = from_closes([100.0, 101.0, 102.0, *[102.0] * 20, 101.0, 100.0])
    # 24 bars: 2 rises, 2 falls, 20 unchanged
    assert last("signed_volume_share_24", steady) == pytest.approx(0.0, abs=1e-15)
    assert last("signed_volume_share_24", from_closes([100.0] * 23 + [101.0, 102.0])) == pytest.approx(2 / 24)
    once = from_closes([100.0] * 24 + [101.0], volume=5.0)
    assert last("log_amihud_24", once) == pytest.approx(math.log(math.log(1.01) / (101.0 * 5.0) / 24))


def test_distance_to_the_mean_by_hand():
    rows = from_closes([100.0] * 167 + [268.0])
    assert last("log_distance_sma_168", rows) == pytest.approx(math.log(268.0 / 101.0))


def test_market_return_and_strength_by_hand():
    prices = random_prices(3, 60, 0)
    present = np.ones((3, 60), bool)
    present[1, 30] = False  # missing at 30: no part in the mean at 30 and at 31
    present[:, 40] = False  # an outage: bridged
    panel = panel_of(prices, present)
    values = columns_of(panel, select_features(["market_return_1", "relative_strength_24"]), 24)
    close = np.log(prices[:, :, 3])
    assert values[0, 0, 30] == pytest.approx((close[[0, 2], 30] - close[[0, 2], 29]).mean())
    assert values[0, 0, 31] == pytest.approx((close[[0, 2], 31] - close[[0, 2], 30]).mean())
    assert values[0, 0, 41] == pytest.approx((close[:, 41] - close[:, 39]).mean())
    mean = values[0, 0]
    # symbol 1 lacks bars 30 and 40, so 24 of its bars before 50 lies bar 24
    assert values[1, 1, 50] == pytest.approx(close[1, 50] - close[1, 24] - np.nansum(mean[25:51]))


def test_where_a_formula_has_no_value_there_is_none():
    still = bars(*[(10.0, 10.0, 10.0, 10.0, 5.0)] * 400)
    undefined = {
        *("log_volatility_24", "log_volatility_ratio_24_168", "body_share", "close_location", "rsi_14"),
        *("macd_histogram_atr", "adx_14", "bollinger_position_20", "stochastic_k_14"),
        *("log_volume_z_168", "log_amihud_24"),
    }
    for name in set(NAMES) - {"market_return_1", "relative_strength_24"}:
        assert np.isfinite(last(name, still)) == (name not in undefined), name


def test_bars_without_volume_do_not_count_in_volume_features():
    prices = random_prices(1, 400, 3)[0]
    some = prices.copy()
    some[300:320, 4] = 0.0
    z, amihud = (values(name, rows_of(some)) for name in ("log_volume_z_168", "log_amihud_24"))
    assert not np.isfinite(z[300:320]).any()
    assert np.isfinite(z[320:]).all()
    assert np.isfinite(amihud[300:312]).all()
    assert np.isnan(amihud[315])  # fewer than 12 of 24 traded
    assert np.isnan(last("signed_volume_share_24", rows_of(np.concatenate([some[280:320], some[300:304]]))))


def test_a_constant_stretch_after_large_moves_has_a_deviation_of_exactly_zero():
    prices = random_prices(1, 300, 5)[0]
    prices[:, :4] *= 1e6
    prices[260:, :4] = 1234.567
    for name in ("log_volatility_24", "bollinger_position_20"):
        assert not np.isfinite(values(name, rows_of(prices))[285:]).any(), name


def test_a_jump_is_forgotten_when_it_leaves_the_window():
    prices = random_prices(1, 600, 6)[0]
    prices[:200, :4] *= 1e9  # cancellation would leave 1e9 x 1e-16 of it
    own = rows_of(prices)
    fresh = rows_of(prices[200:])
    for name in ("bollinger_position_20", "log_distance_sma_168", "log_volatility_ratio_24_168", "stochastic_k_14"):
        reach = FEATURES[name].reach
        np.testing.assert_allclose(values(name, own)[200 + reach :], values(name, fresh)[reach:], rtol=1e-9, atol=1e-12)


def talib_of(prices: np.ndarray) -> dict[str, np.ndarray]:
    _, high, low, close, _ = np.ascontiguousarray(prices.T)
    upper, _, lower = talib.BBANDS(close, timeperiod=20, nbdevup=2, nbdevdn=2)
    highest, lowest = talib.MAX(high, 14), talib.MIN(low, 14)
    slow = talib.STOCHF(high, low, close, fastk_period=14, fastd_period=1)[0]
    assert np.allclose(slow[300:], (100 * (close - lowest) / (highest - lowest))[300:])
    return {
        "rsi_14": talib.RSI(close, 14) / 100,
        "macd_histogram_atr": talib.MACD(close, 12, 26, 9)[2] / talib.ATR(high, low, close, 14),
        "adx_14": talib.ADX(high, low, close, 14) / 100,
        "bollinger_position_20": (close - lower) / (upper - lower),
        "stochastic_k_14": slow / 100,
        "log_distance_sma_168": np.log(close / talib.SMA(close, 168)),
    }


@pytest.mark.parametrize("seed", range(4))
def test_talib_agrees_to_a_millionth_of_the_scale_after_300_bars(seed: int):
    prices = random_prices(1, 3000, seed)
    table = build_features(panel_of(prices))
    assert table.ready[0, 300:].all()
    for name, theirs in talib_of(prices[0]).items():
        ours = table.x[0, 300:, table.names.index(name)]
        assert np.abs(ours - theirs[300:]).max() <= 1e-6 * theirs[300:].std(), name


def test_two_hundred_bars_would_not_do():
    prices = random_prices(1, 3000, 0)[0]
    adx = values("adx_14", rows_of(prices))
    _, high, low, close, _ = np.ascontiguousarray(prices.T)
    theirs = talib.ADX(high, low, close, 14) / 100
    assert abs(adx[60] - theirs[60]) > 1e-6 * theirs[300:].std()


def test_random_panel_is_ready_from_bar_300_on():
    table = build_features(random_panel(2, 400, 9))
    assert not table.ready[:, :300].any()
    assert table.ready[:, 300:].all()
