"""A reused ticker is cut at its halt; moves without a halt, and halts without an impossible move, are left alone."""

import numpy as np
import pytest

from edgeproof.core.clock import DAY_NS, HOUR_NS
from edgeproof.data.bars import Bars
from edgeproof.data.reuse import cut_reused, reuse_points

from .hand import START, scaled, walk, without


def halted(gap: int, factor: float, *, interval: int = HOUR_NS, symbol: str = "LUNA") -> Bars:
    """600 bars, the `gap` - 1 before bar 300 missing, prices multiplied from there."""
    return without(scaled(walk(symbol, 600, interval=interval), 300, factor), slice(301 - gap, 300))


def test_the_halt_ends_one_symbol_and_begins_another():
    (old, new), (finding,) = cut_reused([halted(100, 20_000)], HOUR_NS)
    assert (old.symbol, old.cut_from, new.symbol, new.cut_from) == ("LUNA", "", "LUNA.2", "LUNA")
    assert (len(old), len(new)) == (201, 300)
    assert int(new.open_time[0]) == START + 300 * HOUR_NS
    assert finding.check == "quality.reuse"
    assert finding.evidence["price_ratio"][0] == pytest.approx(20_000, rel=0.2)
    assert finding.evidence["halt_hours"] == [99.0]
    assert finding.evidence["symbols"] == ["LUNA.2"]


@pytest.mark.parametrize(
    ("gap", "factor", "cut"),
    [
        (100, 0.001, True),  # redenominated 1:1000, as QUICK and SUN were
        (24, 900, True),
        (23, 900, False),  # no halt of a day: reported as a jump, not cut
        (1, 4.18, False),  # exp(1.43) from bar to bar is genuine
        (500, 3, False),  # a coin may treble in three weeks
        (500, 0.5, False),
    ],
)
def test_what_is_cut(gap, factor, cut):
    assert bool(reuse_points(halted(gap, factor), HOUR_NS).size) is cut


def test_a_wild_asset_may_come_back_elsewhere():
    bars = halted(400, 6)
    moves = np.random.default_rng(1).normal(0, 0.1, len(bars))
    wild = Bars("W", bars.open_time, bars.close_time, bars.ohlcv * np.exp(np.cumsum(moves))[:, None])
    assert not reuse_points(wild, HOUR_NS).size


def test_daily_bars_need_a_longer_halt():
    assert not reuse_points(halted(6, 30, interval=DAY_NS), DAY_NS).size
    assert reuse_points(halted(12, 30, interval=DAY_NS), DAY_NS).size


def test_bad_prices_beside_the_halt_do_not_hide_it():
    bars = halted(100, 20_000)
    bars.ohlcv[200, 3] = np.nan
    (old, new), (finding,) = cut_reused([bars], HOUR_NS)
    assert (len(old), len(new)) == (201, 300)
    assert np.isfinite(finding.evidence["price_ratio"]).all()


def test_two_reuses_and_a_name_that_is_taken():
    bars = without(scaled(halted(100, 1000), 400, 1000), slice(350, 400))
    symbols = [item.symbol for item in cut_reused([bars, walk("LUNA.2", 50)], HOUR_NS)[0]]
    assert symbols == ["LUNA", "LUNA.3", "LUNA.4", "LUNA.2"]
