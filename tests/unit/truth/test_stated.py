"""The stated law on a panel's clock: aligned with the bars, open bars only, absent where a bar is masked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeproof.data.bars import Bars
from edgeproof.data.panel import Panel, build_panel
from edgeproof.data.quality import QualityConfig
from edgeproof.data.store import Market, write_market
from edgeproof.data.synthetic import generate, make_market
from edgeproof.ledger.span import Span
from edgeproof.truth import stated_truth


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return make_market("linear", tmp_path_factory.mktemp("market") / "m", symbols=2, bars=100, seed=7, strength=0.15)


def open_span(market: Market) -> Span:
    return Span("m", market.manifest.apart_ns, market.manifest.apart_ns)


def panel_of(market: Market) -> Panel:
    return build_panel(market, open_span(market), QualityConfig())


def test_the_law_stands_beside_its_bar(market: Market) -> None:
    stated = stated_truth(market, panel_of(market), open_span(market))
    made = generate("linear", 2, 100, 7, 0.15)
    assert stated is not None
    assert stated.known.shape == (2, 80)
    assert stated.known.all()
    assert np.array_equal(stated.p_up, made.p_up[:, :80])
    assert np.array_equal(stated.mean, made.mean[:, :80])
    assert np.array_equal(stated.volatility, made.volatility[:, :80])


def test_a_masked_bar_has_no_law(market: Market) -> None:
    panel = panel_of(market)
    present = panel.present.copy()
    present[1, 40] = False
    stated = stated_truth(market, replace(panel, present=present), open_span(market))
    assert stated is not None
    assert not stated.known[1, 40]
    assert stated.p_up[1, 40] == 0.0
    assert np.count_nonzero(~stated.known) == 1


def test_a_symbol_that_starts_late_is_placed_on_the_clock(tmp_path: Path) -> None:
    made = generate("linear", 2, 100, 7, 0.15)
    starts = (0, 30)
    bars = [
        Bars(name, made.open_time[k:], made.close_time[k:], made.ohlcv[s, k:])
        for s, (name, k) in enumerate(zip(made.symbols, starts, strict=True))
    ]
    truth = {
        name: {"p_up": made.p_up[s, k:], "mean": made.mean[s, k:], "volatility": made.volatility[s, k:]}
        for s, (name, k) in enumerate(zip(made.symbols, starts, strict=True))
    }
    market = write_market(
        tmp_path / "m",
        bars,
        interval_ns=int(made.open_time[1] - made.open_time[0]),
        calendar="continuous",
        universe="fixed",
        kind="linear",
        truth=made.parameters,
        truth_arrays=truth,
    )
    stated = stated_truth(market, panel_of(market), open_span(market))
    assert stated is not None
    assert not stated.known[1, :30].any()
    assert np.array_equal(stated.p_up[1, 30:], made.p_up[1, 30:80])


def test_a_real_market_states_nothing(tmp_path: Path) -> None:
    made = generate("noise", 1, 50, 1)
    bars = [Bars("BTC", made.open_time, made.close_time, made.ohlcv[0])]
    interval = int(made.open_time[1] - made.open_time[0])
    market = write_market(tmp_path / "m", bars, interval_ns=interval, calendar="continuous", universe="survivors")
    assert stated_truth(market, panel_of(market), open_span(market)) is None
