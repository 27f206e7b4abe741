"""From bars to verdicts: no more claims on noise than chance explains, and planted edges found.

A reduced form of `benchmarks/honesty.py` with binomial bounds: with other seeds a rate of 5% exceeds the first in fewer
than 5 of 100 repetitions, and one of 95% falls below the second in fewer than 2.
"""

import pytest
from scipy import stats

import edgeproof as ep
from edgeproof.core.progress import silent
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.run import run
from edgeproof.recipe.templates import template_body
from edgeproof.stats.proportion import most_by_chance

pytestmark = pytest.mark.study
SYMBOLS, BARS = 4, 6000
SMALLEST_TRUE_SHARPE = 17.8
FREE = ["costs.commission_bps=0", "costs.half_spread_bps=0", "keep=median"]


def verdicts(folder, kind, count, seed, overrides=(), strength=None):
    """The verdict of each of `count` markets of one law, as `verdict.json` has it."""
    config, found = load_run_config(template_body("logistic_baseline"), ["train.epochs=6", *overrides]), []
    for number in range(count):
        place = folder / f"{number}"
        market = ep.make_market(
            kind, place / "market", symbols=SYMBOLS, bars=BARS, seed=seed + number, strength=strength
        )
        done = run(config, market, out=place / "run", workspace=place, open_sealed=True, write=silent)
        assert done.verdict["trials"] >= 20
        found.append(done.verdict)
    return found


def edges(found):
    return sum(verdict["verdict"] == "edge" for verdict in found)


@pytest.mark.parametrize("overrides", [(), FREE], ids=["with costs", "free, and it must trade"])
def test_noise_is_claimed_no_more_often_than_chance_explains(tmp_path, overrides):
    found = verdicts(tmp_path, "noise", 12, 400, overrides)
    assert edges(found) <= most_by_chance(12)


def test_planted_edges_of_twice_the_printed_limit_are_found(tmp_path):
    """The true net annual Sharpe ratios of these eight pipelines are 17.9 to 23.8 (median 21.3), the limit is 8.1.

    True: each run's model and threshold on a fresh market of its law, 20,000 bars by 4 symbols, by the stated means of
    the bars (`true_sharpe` of `benchmarks/honesty.py`, 2026-11-21). At the limit 80% are found; at twice the limit the
    t test alone misses fewer than 1 in 1,000, and 95% leaves the guards their share.
    """
    found = verdicts(tmp_path, "linear", 8, 500, strength=0.3)
    for verdict in found:
        assert 2 * verdict["detection_limit"] < SMALLEST_TRUE_SHARPE
    assert edges(found) >= int(stats.binom.ppf(0.02, 8, 0.95))
