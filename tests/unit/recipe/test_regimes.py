"""Regimes in a run: a key of the config that makes no trial, and codes that no sealed bar can move."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from edgeproof.core.clock import DAY_NS
from edgeproof.core.errors import ConfigError
from edgeproof.evaluate.regimes import ByRegime
from edgeproof.recipe.by_regime import regime_column, span_by_regime
from edgeproof.recipe.config import load_run_config
from tests.unit.evaluate.test_figures import make_track
from tests.unit.features.panels import panel_of, random_panel

BODY = {"costs": {"commission_bps": 4.0}}


def test_the_rule_is_a_part_of_the_config_and_no_part_of_a_trial():
    plain = load_run_config(BODY)
    assert plain.regimes.model_dump()["name"] == "rules"
    hidden = load_run_config(BODY, ["regimes=hidden", "regimes.states=3"])
    assert hidden.regimes.model_dump()["states"] == 3
    assert plain.trial_identity() == hidden.trial_identity()
    with pytest.raises(ConfigError, match="trend_days"):
        load_run_config(BODY, ["regimes=rules", "regimes.trend_day=3"])
    with pytest.raises(ConfigError, match="hidden"):
        load_run_config(BODY, ["regimes=hiden"])


def span_of(panel, bars: slice, name: str) -> ByRegime:
    """A span of `panel` in which nothing was forecast and one bar was traded."""
    length = bars.stop - bars.start
    shape = panel.present.shape
    gross = np.where(np.arange(length) == 3, 1.0, 0.0)
    traded: Any = SimpleNamespace(track=make_track(gross, gross * 0, gross, gross), hold_return=np.zeros(length))
    prepared = SimpleNamespace(panel=panel, labels=SimpleNamespace(y=np.zeros(shape), horizon_bars=1))
    nothing = np.zeros(shape, bool)
    return span_by_regime(
        load_run_config(BODY, [f"regimes={name}"]),
        cast("Any", prepared),
        cast("Any", SimpleNamespace(probability=np.full(shape, 0.5))),
        traded,
        nothing,
        bars=bars,
        bars_per_year=365.0,
        volatility=None,
        truth=None,
    )


@pytest.mark.parametrize("name", ["rules", "hidden"])
def test_what_lies_behind_the_seal_moves_no_regime_of_the_open_span(name):
    whole = replace(random_panel(3, 500, 5), interval_ns=DAY_NS)
    opened = replace(panel_of(whole.prices[:, :400], whole.present[:, :400]), interval_ns=DAY_NS)
    before, after = span_of(opened, slice(200, 400), name), span_of(whole, slice(200, 400), name)
    np.testing.assert_array_equal(before.code, after.code)
    assert (before.code >= 0).sum() == 200
    sealed = span_of(whole, slice(400, 500), name)  # knows the open bars before it: nothing is unknown
    assert (sealed.code >= 0).all()


def test_the_column_of_regimes_names_them_and_is_null_where_unknown():
    found = ByRegime(np.array([-1, 1, 0], np.int8), ("calm", "wild"), "by hand", ())
    assert regime_column(found, 3).to_list() == [None, "wild", "calm"]
    empty = regime_column(None, 2)
    assert (empty.to_list(), empty.dtype) == ([None, None], pl.String)
