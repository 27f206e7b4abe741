"""From bars to verdicts: no more claims on noise than chance explains, and planted edges found.

A reduced form of `benchmarks/honesty.py` with binomial bounds: with other seeds a rate of 5% exceeds the first in fewer
than 5 of 100 repetitions, and one of 80% falls below the second in fewer than 2.
"""

import pytest
from scipy import stats

import edgeproof as ep
from edgeproof.core.progress import silent
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.run import run
from edgeproof.recipe.templates import template_body
from edgeproof.stats.proportion import most_by_chance

SYMBOLS, BARS = 4, 6000
FREE = ["costs.commission_bps=0", "costs.half_spread_bps=0", "keep=median"]


def verdicts(folder, kind, count, seed, overrides=(), strength=None):
    config, found = load_run_config(template_body("logistic_baseline"), ["train.epochs=6", *overrides]), []
    for number in range(count):
        place = folder / f"{number}"
        market = ep.make_market(
            kind, place / "market", symbols=SYMBOLS, bars=BARS, seed=seed + number, strength=strength
        )
        done = run(config, market, out=place / "run", workspace=place, open_sealed=True, write=silent)
        assert done.verdict["trials"] >= 20
        found.append(done.verdict["verdict"])
    return found


@pytest.mark.parametrize("overrides", [(), FREE], ids=["with costs", "free, and it must trade"])
def test_noise_is_claimed_no_more_often_than_chance_explains(tmp_path, overrides):
    found = verdicts(tmp_path, "noise", 12, 400, overrides)
    assert found.count("edge") <= most_by_chance(12)


def test_planted_edges_are_found(tmp_path):
    found = verdicts(tmp_path, "linear", 8, 500, strength=0.3)
    least = int(stats.binom.ppf(0.02, 8, 0.8))
    assert found.count("edge") >= least
