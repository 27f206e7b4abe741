"""Conventions: what is printed follows from the statistics' own functions, is never infinite, and decides nothing."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.stats.deflated import dsr, dsr_sidak
from edgeproof.stats.dependence import hac_standard_error
from edgeproof.stats.effective import effective_trials
from edgeproof.stats.overfit import cscv
from edgeproof.stats.sharpe import minimum_track, moments
from edgeproof.verdict.conventions import Search, conventions, search_figures, search_of
from edgeproof.verdict.selection import select
from tests.unit.verdict.cases import YEAR, evidence, good_net, good_trials, table


def search(trials):
    case = evidence(trials=trials)
    selection = select(case.trials, case.rng)
    return search_of(case.trials, selection.split, selection.trial_variance)


def test_figures_of_a_net_return_series():
    net, seen = good_net(), search(table())
    found, known = conventions(net, seen, YEAR), moments(net)
    assert known is not None
    assert found["sharpe_error_hac"] == pytest.approx((hac_standard_error(net) or 0) * YEAR**0.5)
    assert found["sharpe_error_normal"] == pytest.approx(((1 + known.sharpe**2 / 2) / len(net) * YEAR) ** 0.5)
    assert found["minimum_track_bars"] == minimum_track(known.sharpe, known.independent)
    law, variance = known.independent, seen.trial_variance
    assert found["dsr"] == dsr(known.sharpe, len(net), law, trials=20, trial_variance=variance)
    assert found["dsr_sidak"] == dsr_sidak(known.sharpe, len(net), law, trials=20)


def test_dsr_takes_the_effective_number_and_counts_every_trial_without_returns():
    effective = effective_trials(good_trials())
    assert effective is not None
    assert effective.by_entropy is not None
    alone, more = search(table()), search(table(without=30))
    assert alone.independent == pytest.approx(effective.by_entropy)
    assert (more.trials, more.independent) == (50, pytest.approx(effective.by_entropy + 30))
    found = conventions(good_net() - 0.0006, alone, YEAR)
    assert found["dsr_effective"] is not None
    assert found["dsr"] is not None
    assert found["dsr"] < found["dsr_effective"] < 1


def test_flat_trials_count_as_one_of_many_at_most():
    seen = search(table(np.zeros((2000, 6))))
    assert (seen.effective, seen.independent, seen.trials) == (None, 1.0, 6)
    assert search_figures(seen, YEAR)["dominance"] is None
    assert search_figures(seen, YEAR)["degradation"]["slope"] is None


def test_what_is_said_of_the_search():
    seen = search(table())
    body, split = search_figures(seen, YEAR), cscv(good_trials())
    assert split is not None
    assert body["degradation"]["slope"] == pytest.approx(split.slope)
    assert body["logits"]["median"] == pytest.approx(np.median(split.logits))
    assert body["logits"]["splits"] == 12_870
    assert body["pbo_strict"] == split.pbo_strict
    assert set(body["dominance"]) >= {"first_order", "second_order"}
    json.dumps(body, allow_nan=False)


@pytest.mark.parametrize("returns", [np.zeros((0, 0)), np.zeros((50, 1)), np.zeros((10, 4)), np.full((50, 3), np.nan)])
def test_a_search_of_nothing_has_no_figures_and_no_infinity(returns):
    seen = search(table(returns, without=2))
    json.dumps(search_figures(seen, YEAR), allow_nan=False)
    assert 1 <= seen.independent <= seen.trials


@pytest.mark.parametrize("net", [np.zeros(500), np.full(500, 0.01), np.array([0.1, -0.1]), np.zeros(0)])
def test_returns_that_do_not_vary_have_none_of_them(net):
    assert set(conventions(net, search(table()), YEAR).values()) == {None}


@given(st.lists(st.floats(-1.0, 1.0), max_size=30), st.sampled_from([1e-60, 1e-9, 1.0, 1e40]))
def test_whatever_the_returns_a_figure_is_a_number_or_absent(returns, scale):
    found = conventions(np.array(returns) * scale, Search(9, None, 3.5, 1e-3, None, None), YEAR)
    assert all(value is None or np.isfinite(value) for value in found.values())
    assert all(value is None or 0 <= value <= 1 for name, value in found.items() if name[:3] in ("psr", "dsr"))


def test_a_losing_track_has_no_minimum_length():
    found = conventions(-good_net(), search(table()), YEAR)
    assert found["minimum_track_bars"] is None
    assert found["psr"] == pytest.approx(0, abs=1e-3)
