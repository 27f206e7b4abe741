"""Panels: every open bar in its slot, masked and missing bars absent, nothing behind the seal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.clock import HOUR_NS
from edgeproof.core.errors import DataError
from edgeproof.data.bars import Bars
from edgeproof.data.panel import build_panel
from edgeproof.data.quality import QualityConfig
from edgeproof.data.store import write_market
from edgeproof.ledger.span import Span

from .hand import START, walk, without


def market_of(path, *bars, **changes):
    facts = {"interval_ns": HOUR_NS, "calendar": "continuous", "universe": "fixed"} | changes
    return write_market(path, bars, **facts)


def span(bar: int) -> Span:
    return Span("m", START + bar * HOUR_NS, START + bar * HOUR_NS)


def test_bars_lie_in_their_slots(tmp_path):
    late = walk("B", 60, seed=1, start=START + 30 * HOUR_NS)
    market = market_of(tmp_path / "m", without(walk("A", 100), slice(10, 13)), late)
    panel = build_panel(market, span(80), QualityConfig())
    assert panel.prices.shape == (2, 80, 5)
    assert panel.close_time.tolist() == [START + n * HOUR_NS for n in range(1, 81)]
    assert np.flatnonzero(~panel.present[0]).tolist() == [10, 11, 12]
    assert panel.present[1].tolist() == [False] * 30 + [True] * 50
    np.testing.assert_array_equal(panel.prices[1, 30:], late.ohlcv[:50])
    assert not panel.prices[~panel.present].any()


def test_the_open_panel_ends_at_the_seal_and_sessions_have_no_empty_slots(tmp_path):
    market = market_of(tmp_path / "m", without(walk("A", 100), slice(10, 20)), calendar="sessions")
    panel = build_panel(market, Span("m", START + 100 * HOUR_NS, START + 50 * HOUR_NS), QualityConfig())
    assert panel.prices.shape == (1, 40, 5)
    assert panel.present.all()


def test_masked_bars_are_absent(tmp_path):
    bars = walk("A", 100)
    bars.ohlcv[5, 3] = np.nan
    bars.ohlcv[7, 1] = bars.ohlcv[7, 2] * 0.5  # high below low
    bars.ohlcv[9] = [100, 100, 100, 100, 0]
    market = market_of(tmp_path / "m", bars)
    assert np.flatnonzero(~build_panel(market, span(50), QualityConfig()).present[0]).tolist() == [5, 7, 9]
    kept = build_panel(market, span(50), QualityConfig(ohlc="keep", no_trade="keep"))
    assert np.flatnonzero(~kept.present[0]).tolist() == [5]


def test_members_only_while_they_are_members(tmp_path):
    spans = {"A": [(START + 10 * HOUR_NS, START + 20 * HOUR_NS), (START + 30 * HOUR_NS, 2**63 - 1)]}
    market = market_of(tmp_path / "m", walk("A", 100), walk("B", 100), universe="point_in_time", membership=spans)
    present = build_panel(market, span(50), QualityConfig()).present
    assert np.flatnonzero(present[0]).tolist() == [*range(10, 20), *range(30, 50)]
    assert not present[1].any()


def test_a_cut_symbol_keeps_the_membership_of_its_ticker(tmp_path):
    item = walk("L", 100)
    old = Bars("L", item.open_time[:40], item.close_time[:40], item.ohlcv[:40])
    new = Bars("L.2", item.open_time[60:], item.close_time[60:], item.ohlcv[60:], cut_from="L")
    market = market_of(tmp_path / "m", old, new, universe="point_in_time", membership={"L": [(0, 2**63 - 1)]})
    assert build_panel(market, span(80), QualityConfig()).present.sum(axis=1).tolist() == [40, 20]


def test_a_span_before_the_first_bar_is_refused(tmp_path):
    with pytest.raises(DataError, match="no bar closes"):
        build_panel(market_of(tmp_path / "m", walk("A")), span(0), QualityConfig())


@settings(max_examples=8, deadline=None)
@given(cut=st.integers(1, 199))
def test_a_longer_span_changes_nothing_before(tmp_path_factory, cut):
    """No mask looks ahead: the panel of a shorter span is the beginning of the longer one's."""
    bars = walk("A")
    rng = np.random.default_rng(cut)
    bars.ohlcv[rng.integers(0, 200, 20), rng.integers(0, 5, 20)] *= rng.choice([0, 0.3, 3, -1, np.nan], 20)
    bars.ohlcv[120:160] = [100, 100, 100, 100, 0]
    market = market_of(tmp_path_factory.mktemp("m") / "m", bars)
    config = QualityConfig(wick="mask")
    short = build_panel(market, span(cut), config)
    whole = build_panel(market, span(200), config)
    np.testing.assert_array_equal(short.present, whole.present[:, :cut])
    np.testing.assert_array_equal(short.prices, whole.prices[:, :cut])
    assert (short.sha == whole.sha) == (cut == 200)
