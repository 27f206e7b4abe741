"""No figure comes out of a number that is not finite: what cannot be said is None, in every public function."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import edgeproof.stats
from edgeproof.stats import (
    blocks,
    bootstrap,
    classify,
    compare,
    deflated,
    dependence,
    effective,
    multiple,
    overfit,
    performance,
    permute,
    power,
    sharpe,
    spa,
)

BARS, TRIALS = 512, 4
WORST = (np.nan, np.inf, -np.inf)
HELD = np.arange(BARS) % 7 < 5
LABEL = (np.arange(BARS) % 3 == 0).astype(float)


def draw() -> np.random.Generator:
    return np.random.default_rng(0)


def series() -> np.ndarray:
    return 0.01 * draw().standard_normal(BARS) + 0.001


def table() -> np.ndarray:
    return 0.01 * draw().standard_normal((BARS, TRIALS)) + 0.001


def share() -> np.ndarray:
    return draw().uniform(0.05, 0.95, BARS)


def poisoned(x: np.ndarray, value: float) -> np.ndarray:
    """The same with one entry that is not finite."""
    out = np.array(x, dtype=np.float64)
    out[(7, *(1,) * (out.ndim - 1))] = value
    return out


def mean_product(signal: np.ndarray, outcome: np.ndarray) -> float:
    return float((signal * outcome).mean())


# each takes a function that spoils one of its inputs, or leaves it
Case = Callable[[Callable[[np.ndarray], np.ndarray]], Any]
OF_ARRAYS: dict[str, Case] = {
    "blocks.block_t": lambda spoil: blocks.block_t(spoil(series()), HELD, bars_per_day=24).p,
    "blocks.skewness": lambda spoil: blocks.skewness(spoil(series())),
    "compare.maximum_test": lambda spoil: compare.maximum_test(spoil(table()), draw()),
    "blocks.upper_bound": lambda spoil: blocks.upper_bound(spoil(series())),
    "bootstrap.automatic_block": lambda spoil: bootstrap.automatic_block(spoil(series())),
    "bootstrap.sharpe_interval": lambda spoil: bootstrap.sharpe_interval(spoil(series()), draw()),
    "bootstrap.sharpe_interval at a given block": lambda spoil: bootstrap.sharpe_interval(
        spoil(series()), draw(), block_bars=24
    ),
    "classify.accuracy": lambda spoil: classify.accuracy(spoil(share()), LABEL),
    "classify.always_positive_f1": lambda spoil: classify.always_positive_f1(spoil(LABEL)),
    "classify.auc": lambda spoil: classify.auc(spoil(share()), LABEL),
    "classify.auc of labels": lambda spoil: classify.auc(share(), spoil(LABEL)),
    "classify.auc of weights": lambda spoil: classify.auc(share(), LABEL, spoil(share())),
    "classify.auc_within": lambda spoil: classify.auc_within(spoil(share()), LABEL, series()),
    "classify.auc_within by": lambda spoil: classify.auc_within(share(), LABEL, spoil(series())),
    "classify.auc_within of weights": lambda spoil: classify.auc_within(
        share(), LABEL, series(), weight=spoil(share())
    ),
    "classify.brier": lambda spoil: classify.brier(spoil(share()), LABEL),
    "classify.calibration": lambda spoil: classify.calibration(spoil(share()), LABEL) or None,
    "classify.confusion": lambda spoil: classify.confusion(spoil(share()), LABEL),
    "classify.f1_plus": lambda spoil: classify.f1_plus(spoil(share()), LABEL)[0],
    "classify.log_loss": lambda spoil: classify.log_loss(spoil(share()), LABEL),
    "classify.pr_auc": lambda spoil: classify.pr_auc(spoil(share()), LABEL),
    "classify.precision_recall_f1": lambda spoil: classify.precision_recall_f1(spoil(share()), LABEL)[2],
    "classify.rank": lambda spoil: classify.rank(spoil(share()), LABEL),
    "classify.soft_auc": lambda spoil: classify.soft_auc(spoil(share()), share()),
    "classify.soft_auc of probabilities": lambda spoil: classify.soft_auc(share(), spoil(share())),
    "dependence.autocorrelation": lambda spoil: dependence.autocorrelation(spoil(series()), 3),
    "dependence.hac_standard_error": lambda spoil: dependence.hac_standard_error(spoil(series())),
    "dependence.long_run_variance": lambda spoil: dependence.long_run_variance(spoil(series())),
    "dependence.aggregation": lambda spoil: dependence.aggregation(20, spoil(np.full(19, 0.01))),
    "effective.average_correlation_trials": lambda spoil: effective.average_correlation_trials(spoil(np.eye(9))),
    "effective.effective_trials": lambda spoil: effective.effective_trials(spoil(table())),
    "effective.entropy_trials": lambda spoil: effective.entropy_trials(spoil(np.eye(9))),
    "effective.nyholt_trials": lambda spoil: effective.nyholt_trials(spoil(np.eye(9))),
    "overfit.cscv": lambda spoil: overfit.cscv(spoil(table()), blocks=8),
    "overfit.dominance": lambda spoil: overfit.dominance(spoil(table()), found_split()),
    "permute.permutation_test": lambda spoil: permute.permutation_test(
        mean_product, spoil(series()), series(), draw(), block_bars=16
    ),
    "permute.permutation_test of outcomes": lambda spoil: permute.permutation_test(
        mean_product, series(), spoil(series()), draw(), block_bars=16
    ),
    "permute.product_permutation": lambda spoil: permute.product_permutation(
        spoil(series()), series(), draw(), block_bars=16
    ),
    "permute.product_permutation of outcomes": lambda spoil: permute.product_permutation(
        series(), spoil(series()), draw(), block_bars=16
    ),
    "performance.performance": lambda spoil: performance.performance(spoil(series()), bars_per_year=8760)["sharpe"],
    "sharpe.moments": lambda spoil: sharpe.moments(spoil(series())),
    "spa.reality_check": lambda spoil: spa.reality_check(spoil(table()), draw(), block_bars=8),
    "spa.step_m": lambda spoil: spa.step_m(spoil(table()), draw(), block_bars=8),
    "spa.superior_ability": lambda spoil: spa.superior_ability(spoil(table()), draw(), block_bars=8),
    "spa.superior_ability by the bootstrap": lambda spoil: spa.superior_ability(
        spoil(table()), draw(), block_bars=8, error="bootstrap"
    ),
}
OF_NUMBERS: dict[str, Callable[[float], Any]] = {
    "deflated.dsr": lambda x: deflated.dsr(x, 500, trials=9, trial_variance=0.01),
    "deflated.dsr of a spread": lambda x: deflated.dsr(0.1, 500, trials=9, trial_variance=x),
    "deflated.dsr_sidak": lambda x: deflated.dsr_sidak(x, 500, trials=9),
    "deflated.dsr_under_null": lambda x: deflated.dsr_under_null(x, 500, trials=9, trial_variance=0.01),
    "deflated.dsr_under_null of a spread": lambda x: deflated.dsr_under_null(0.1, 500, trials=9, trial_variance=x),
    "deflated.minimum_backtest": lambda x: deflated.minimum_backtest(9, sharpe=x),
    "deflated.minimum_backtest_bound": lambda x: deflated.minimum_backtest_bound(9, sharpe=x),
    "power.critical_sharpe": lambda x: power.critical_sharpe(500, benchmark=x),
    "power.observed_fdr": lambda x: power.observed_fdr(x, 500, 0.1, prior=0.1),
    "power.planned_fdr": lambda x: power.planned_fdr(x, 0.5, 0.1),
    "power.power": lambda x: power.power(500, x),
    "power.level_for_fdr": lambda x: power.level_for_fdr(0.1, 500, x, prior=0.1),
    "sharpe.minimum_track": sharpe.minimum_track,
    "sharpe.minimum_track_under_null": sharpe.minimum_track_under_null,
    "sharpe.psr": lambda x: sharpe.psr(x, 500),
    "sharpe.psr_under_null": lambda x: sharpe.psr_under_null(x, 500),
    "sharpe.standard_error": lambda x: sharpe.standard_error(x, 500),
    "sharpe.Law of a skewness": lambda x: sharpe.psr(0.1, 500, sharpe.Law(skew=x)),
}


# what only adds up or draws, what counts, and what refuses with an error: tested with their own kind
BUILDING = {
    "blocks.block_sums", "blocks.traded_blocks", "blocks.units", "bootstrap.draw_blocks",
    "bootstrap.resampled_means", "bootstrap.resampled_moments", "bootstrap.variance_of_mean",
    "classify.classification", "compare.sidak", "performance.drawdowns",
    "performance.equity_of",
}  # fmt: skip
COUNTS = {
    "blocks.alpha", "deflated.expected_maximum", "deflated.maximum_mean", "deflated.maximum_variance",
    "deflated.sidak_critical", "multiple.benjamini_hochberg", "multiple.holm", "proportion.most_by_chance",
    "proportion.share_interval",
}  # fmt: skip


def found_split() -> overfit.Overfitting:
    split = overfit.cscv(table(), blocks=8)
    assert split is not None
    return split


def public() -> set[str]:
    modules = [
        importlib.import_module(f"edgeproof.stats.{found.name}")
        for found in pkgutil.iter_modules(edgeproof.stats.__path__)
    ]
    named = [(module, name) for module in modules for name in module.__all__]
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module, name in named
        if inspect.isfunction(getattr(module, name))
    }


def test_every_public_function_is_here():
    assert {name.split(" ")[0] for name in (*OF_ARRAYS, *OF_NUMBERS, *BUILDING, *COUNTS)} - {"sharpe.Law"} == public()


@pytest.mark.parametrize("name", OF_ARRAYS)
def test_one_value_that_is_not_finite_leaves_nothing_to_be_said(name):
    assert OF_ARRAYS[name](lambda x: x) is not None
    for value in WORST:
        assert OF_ARRAYS[name](lambda x, value=value: poisoned(x, value)) is None


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_nothing_follows_from_a_number_that_is_not_finite(name):
    assert np.isfinite(OF_NUMBERS[name](0.1))
    for value in WORST:
        assert OF_NUMBERS[name](value) is None


def test_resamples_of_a_missing_value_are_missing():
    spoiled = poisoned(table(), np.nan)
    assert np.isnan(bootstrap.resampled_moments(spoiled[:, 1], draw(), block_bars=8, repetitions=9)).all()
    for made in (
        bootstrap.resampled_means(spoiled, draw(), block_bars=8, repetitions=9),
        bootstrap.variance_of_mean(spoiled, block_bars=8),
    ):
        assert np.isnan(made[..., 1]).all()


def test_the_figures_of_an_epoch_name_the_reason():
    for value in WORST:
        found = classify.classification(poisoned(share(), value), LABEL)
        assert found["flag"] == "not_finite"
        assert {name for name, figure in found.items() if figure is not None} == {"count", "flag"}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_of_trials_is_a_number(value):
    for refuses in (
        deflated.expected_maximum,
        deflated.maximum_mean,
        deflated.maximum_variance,
        deflated.sidak_critical,
    ):
        with pytest.raises(ValueError, match="trials"):
            refuses(value)
    for adjust in (multiple.holm, multiple.benjamini_hochberg):
        with pytest.raises(ValueError, match="p-value 2"):
            adjust([0.1, value])
