"""From a run's config to an account: distances in volatilities over gaps, and an exposure that reaches the money."""

from typing import Any, cast

import numpy as np
import pytest

from edgeproof.features import FeatureTable
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.prepare import Prepared
from edgeproof.recipe.trade import choose, trade
from edgeproof.train.forecast import Forecast
from tests.unit.features.panels import random_panel

BARS = 600


def prepared(config: RunConfig, missing: int | None = None) -> tuple[Prepared, Forecast]:
    """A panel of two symbols, one of them without one bar, and a forecast that is right about the side."""
    panel = random_panel(2, BARS, seed=3)
    if missing is not None:
        panel.present[0, missing] = False
    label = cast("Any", config.label).label(panel)
    p = np.where(label.y > 0.5, 0.6, 0.4)
    logit = np.log(p / (1 - p)).astype(np.float32)
    made = Prepared(panel, cast("FeatureTable", None), label, np.ones(BARS, bool), None)
    return made, Forecast(logit, panel.present.copy(), "m", 0)


def test_a_missing_bar_does_not_stop_entries_for_a_day():
    config = load_run_config({"costs": {}, "account": {"stop_volatilities": 4.0}})
    made, forecast = prepared(config, missing=300)
    traded = trade(config, made, forecast, theta=0.55, bars=slice(0, BARS), bars_per_year=8760.0, beside=False)
    entries = traded.track.trades["entry_bar"][traded.track.trades["asset"] == 0]
    assert ((entries > 301) & (entries < 325)).any(), "the volatility is known again at once"


def test_an_exposure_reaches_the_account_the_thresholds_and_the_baselines():
    bars, figures = slice(100, BARS), {}
    for size in (1.0, 2.0):
        config = load_run_config({"costs": {}, "exposure": size, "account": {"leverage": 2.0}})
        made, forecast = prepared(config)
        traded = trade(config, made, forecast, theta=0.55, bars=bars, bars_per_year=8760.0)
        gross = np.abs(traded.track.weights).sum(axis=1)
        figures[size] = gross.max(), choose(config, made, forecast, bars).growth, traded.benchmarks["buy_and_hold"]
        assert traded.hold_return.std() > 0
    assert figures[1.0][0] == pytest.approx(1.0, abs=0.1)
    assert figures[2.0][0] == pytest.approx(2.0, abs=0.1)
    assert (figures[2.0][1] > figures[1.0][1]).any()
    turnover = [figures[size][2]["turnover"] for size in (1.0, 2.0)]
    assert turnover[1] == pytest.approx(2 * turnover[0], rel=0.1)
