"""A search of 30 trials on noise, its winner chosen by net Sharpe ratio: the verdict claims an edge by chance alone."""

import pytest

import edgeproof as ep
from edgeproof.core.progress import silent
from edgeproof.recipe.run import judge_again
from edgeproof.recipe.templates import template_body
from edgeproof.recipe.tune import tune

pytestmark = pytest.mark.study
MARKETS, TRIALS = 20, 30
FREE = ["costs.commission_bps=0", "costs.half_spread_bps=0"]  # so that it trades, and may claim something


def test_a_search_on_noise_claims_an_edge_in_at_most_3_of_20_markets(tmp_path):
    """A rate of 5% exceeds 3 of 20 in fewer than 2 of 100 repetitions with other seeds."""
    body = template_body("logistic_baseline")
    body["train"] |= {"epochs": 4}
    body["tune"] = {"objective": "net_sharpe", "trials": TRIALS, "seeds": 0}
    answers, best = [], []
    for number in range(MARKETS):
        place = tmp_path / f"{number}"
        market = ep.make_market("noise", place / "market", symbols=4, bars=6000, seed=700 + number)
        found = tune(body, market, out=place / "search", workspace=place, overrides=FREE, write=silent)
        verdict = judge_again(place / "search" / "best", open_sealed=True).verdict
        assert verdict["trials"] >= TRIALS
        answers.append(verdict["verdict"])
        best.append(found.body["best"]["value"])
    assert answers.count("edge") <= 3, answers
    assert min(best) > 0  # every search had something to show
