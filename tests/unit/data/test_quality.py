"""Bar checks: each planted defect is named with its time, calm bars give no finding, masks never look ahead."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.clock import HOUR_NS, iso
from edgeproof.core.config import from_mapping
from edgeproof.core.errors import ConfigError
from edgeproof.core.finding import worst
from edgeproof.data.bars import Bars
from edgeproof.data.masks import bad_price, inconsistent, no_trade, off_open, stale_run, wick
from edgeproof.data.quality import QualityConfig, check_bars, check_market, check_series, keep_mask
from edgeproof.data.store import write_market
from edgeproof.data.swings import open_jumps, reverting, whole_factor

from .hand import START, scaled, walk, without


def checks(bars: Bars) -> dict:
    clock = START + HOUR_NS * np.arange(max(1, (int(bars.close_time[-1]) - START) // HOUR_NS), dtype=np.int64)
    return {finding.check.removeprefix("quality."): finding for finding in check_bars(bars, HOUR_NS, clock)}


def at(bar: int) -> str:
    return iso(START + bar * HOUR_NS)


def test_calm_bars_give_no_finding():
    assert checks(walk(count=3000)) == {}


def test_gaps_are_counted_and_the_longest_named():
    found = checks(without(without(walk(count=3000), slice(100, 103)), slice(500, 507)))["gaps"]
    assert found.level == "info"
    assert found.evidence["count"] == 10
    assert found.evidence["longest"] == 7
    assert found.evidence["first"][0] == {"after": at(99), "bars": 3}
    assert checks(without(walk(count=3000), slice(100, 125)))["gaps"].level == "warning"


def test_a_closure_of_the_session_calendar_is_no_gap():
    bars = without(walk(), slice(40, 60))
    assert check_bars(bars, HOUR_NS, bars.open_time) == []


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("column", [0, 1, 2, 3])
def test_bad_prices(value, column):
    bars = walk()
    bars.ohlcv[50, column] = value
    found = checks(bars)
    assert set(found) == {"bad_prices"}
    assert found["bad_prices"].evidence["times"] == [at(50)]


def test_negative_and_missing_volume_are_bad_and_zero_is_not():
    bars = walk()
    bars.ohlcv[50:53, 4] = [-1, np.nan, 0]
    found = checks(bars)
    assert found["bad_prices"].evidence["times"] == [at(50), at(51)]
    assert found["zero_volume"].evidence["times"] == [at(52)]
    assert found["zero_volume"].evidence["one_price"] == 0


def test_ohlc_that_does_not_enclose():
    bars = walk()
    bars.ohlcv[10, 1] = bars.ohlcv[10, 3] * 0.99
    bars.ohlcv[11, 2] = bars.ohlcv[11, 0] * 1.01
    bars.ohlcv[12, 1] *= 1 - 1e-12  # rounding
    assert checks(bars)["ohlc"].evidence["times"] == [at(10), at(11)]


def test_stale_runs_and_their_length():
    bars = walk()
    bars.ohlcv[60:90, :4] = bars.ohlcv[59, 3]
    found = checks(bars)["stale"]
    assert (found.evidence["runs"], found.evidence["longest"], found.evidence["count"]) == (1, 30, 7)
    assert found.evidence["times"][0] == at(83)
    bars.ohlcv[83:, :4] = walk().ohlcv[83:, :4]
    assert "stale" not in checks(bars)


def test_stale_run_counts_literally():
    close = np.array([1, 1, 1, 2, 2, 3.0])
    high = np.array([1, 1, 1, 2, 2, 4.0])
    ohlcv = np.stack([close, high, close, close, np.ones(6)], axis=1)
    assert stale_run(ohlcv).tolist() == [1, 2, 3, 1, 2, 0]


def test_a_bad_tick_of_each_kind():
    """Binance ETHUSDT 2017-08-17 opens at 652.74 in a market of 300; 2017-08-22 has a low of 144.21 in one of 310."""
    bars = walk(count=400)
    bars.ohlcv[100, 0] *= 2.2
    bars.ohlcv[100, 1] = bars.ohlcv[100, 0]
    bars.ohlcv[200, 2] *= 0.46
    bars.ohlcv[300, [1, 3]] *= 2.4
    found = checks(bars)["spikes"]
    assert found.evidence["kinds"] == {"opens": 1, "highs or lows": 1, "closes": 1}
    assert found.evidence["times"] == [at(100), at(200), at(300)]


def test_a_crash_that_stays_is_no_bad_tick_and_no_split():
    """A move of exp(1.43) within an hour without a halt is genuine (RIF, UNFI, AKRO did it)."""
    bars = scaled(walk(count=400), 200, np.exp(1.43))
    bars.ohlcv[200, 0] = bars.ohlcv[199, 3]
    bars.ohlcv[200, 2] = bars.ohlcv[200, 0] * 0.999
    assert checks(bars) == {}


@pytest.mark.parametrize(("factor", "level"), [(0.5, "warning"), (2 / 3, "warning"), (3, "warning"), (1000, "error")])
def test_split_like_jumps(factor, level):
    found = checks(scaled(walk(count=400), 200, factor))["jumps"]
    assert found.level == level
    assert found.evidence["times"] == [at(200)]
    assert found.evidence["open_over_close"][0] == pytest.approx(factor, rel=1e-9)


def test_a_jump_by_no_whole_factor_is_an_opening_gap():
    assert "jumps" not in checks(scaled(walk(count=400), 200, 1.75))
    assert whole_factor(np.log([2.02, 1.75, 1 / 3])).tolist() == [2, 0, 3]


def test_reuse_that_was_not_cut_is_an_error():
    found = checks(without(scaled(walk(count=400), 200, 900), slice(150, 200)))["reuse"]
    assert (found.level, found.evidence["times"]) == ("error", [at(200)])


def survivorship(bars, universe):
    return [f for f in check_series(bars, HOUR_NS, bars[0].open_time, universe) if f.check == "quality.survivorship"]


def test_survivors_cap_and_the_others_do_not():
    alive, dead = [walk("A"), walk("B", 199)], [walk("A"), walk("B", 100)]
    assert worst(survivorship(alive, "survivors")) == "error"
    assert worst(survivorship(dead, "survivors")) == "warning"
    for universe in ("fixed", "point_in_time"):
        assert survivorship(alive, universe) == []


@pytest.mark.parametrize(
    ("interval_ns", "near", "far"), [(HOUR_NS // 60, 2880, 2881), (HOUR_NS, 48, 49), (24 * HOUR_NS, 48, 49)]
)
def test_a_feed_that_ends_within_two_days_is_no_delisting_whatever_the_interval(interval_ns, near, far):
    def level(earlier):
        bars = [walk("A", 6000, interval=interval_ns), walk("B", 6000 - earlier, interval=interval_ns)]
        found = check_series(bars, interval_ns, bars[0].open_time, "survivors")
        return worst([f for f in found if f.check == "quality.survivorship"])

    assert (level(49 if near > 49 else near), level(near), level(far)) == ("error", "error", "warning")


def test_check_market_reads_every_bar(tmp_path):
    bars = walk(count=400)
    bars.ohlcv[390, 3] = -1  # in the sealed part: a check of the file
    market = write_market(tmp_path / "m", [bars], interval_ns=HOUR_NS, calendar="continuous", universe="fixed")
    assert [finding.check for finding in check_market(market)] == ["quality.bad_prices"]


def test_masks_say_what_the_config_says():
    bars = walk(count=400)
    bars.ohlcv[10, 0] = np.nan
    bars.ohlcv[20, 1] = 1
    bars.ohlcv[30] = [100, 100, 100, 100, 0]
    bars.ohlcv[200, :2] = [300, 301]
    bars.ohlcv[250, 1] = 300
    bars.ohlcv[300:340, :4] = 100
    masked = np.flatnonzero(~keep_mask(bars.ohlcv, QualityConfig())).tolist()
    assert masked == [10, 20, 30, 200, *range(323, 340)]
    keep_all = QualityConfig(bad_price="keep", ohlc="keep", no_trade="keep", off_open="keep", stale="keep")
    assert keep_mask(bars.ohlcv, keep_all).all()
    assert np.flatnonzero(~keep_mask(bars.ohlcv, keep_all.model_copy(update={"wick": "mask"}))).tolist() == [250]
    assert np.flatnonzero(~keep_mask(bars.ohlcv, keep_all.model_copy(update={"no_trade": "mask"}))).tolist() == [30]


def test_config_mistakes_are_named():
    with pytest.raises(ConfigError, match="did you mean 'stale_bars'"):
        from_mapping(QualityConfig, {"stale_bar": 3})
    with pytest.raises(ConfigError, match="ohlc"):
        from_mapping(QualityConfig, {"ohlc": "drop"})


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.integers(1, 119))
def test_no_mask_reads_a_later_bar(seed, cut):
    rng = np.random.default_rng(seed)
    ohlcv = walk(count=120, seed=seed).ohlcv.copy()
    ohlcv[rng.integers(0, 120, 12), rng.integers(0, 5, 12)] *= rng.choice([0, 0.2, 5, -1, np.nan, 1], 12)
    ohlcv[rng.integers(0, 120, 30)] = [100, 100, 100, 100, 0]
    for rule in (bad_price, inconsistent, no_trade, off_open, wick, stale_run):
        np.testing.assert_array_equal(rule(ohlcv)[:cut], rule(ohlcv[:cut]), err_msg=rule.__name__)


@settings(max_examples=30, deadline=None)
@given(count=st.integers(0, 3), value=st.sampled_from([np.nan, 0.0, 1.0]))
def test_rules_stand_a_handful_of_bars(count, value):
    ohlcv = np.full((count, 5), value)
    for rule in (bad_price, inconsistent, no_trade, off_open, wick, stale_run, reverting, open_jumps):
        assert rule(ohlcv).shape == (count,)
