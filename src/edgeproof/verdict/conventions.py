"""The usual figures of a Sharpe ratio and of the search behind it: printed beside the verdict, never deciding."""

# T bars, N trials

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgeproof.ledger.trials import TrialTable
from edgeproof.stats.deflated import dsr, dsr_sidak, expected_maximum, minimum_backtest
from edgeproof.stats.dependence import hac_standard_error
from edgeproof.stats.effective import Effective, effective_trials
from edgeproof.stats.overfit import Dominance, Overfitting, dominance
from edgeproof.stats.sharpe import Moments, minimum_track, moments, psr, standard_error

__all__ = ["Search", "conventions", "search_figures", "search_of"]

_KEYS = (
    "sharpe_error_normal",
    "sharpe_error_independent",
    "sharpe_error_autoregressive",
    "sharpe_error_hac",
    "psr",
    "dsr",
    "dsr_effective",
    "dsr_sidak",
    "minimum_track_bars",
)


@dataclass(frozen=True)
class Search:
    """The counted trials as the conventions see them.

    Attributes:
        trials: N, all counted ones.
        effective: effective numbers of those with stored returns; None where none of them varies.
        independent: the entropy's number (average correlation's beyond 1,000 trials) and every trial without returns.
        trial_variance: variance of the stored trials' Sharpe ratios per bar.
        split: all splits of the stored trials; None below 2 trials or 32 bars.
        dominance: of choosing the best over choosing any.
    """

    trials: int
    effective: Effective | None
    independent: float
    trial_variance: float
    split: Overfitting | None
    dominance: Dominance | None


def search_of(table: TrialTable, split: Overfitting | None, trial_variance: float) -> Search:
    """Describe the ledger's table of trials, of which `split` was made."""
    returns = table.returns[:, np.isfinite(table.returns).all(axis=0)]
    found, trials = effective_trials(returns), max(table.count, 1)
    known = 0.0 if found is None else found.by_correlation if found.by_entropy is None else found.by_entropy
    return Search(
        trials=trials,
        effective=found,
        independent=min(max(known + trials - returns.shape[1], 1.0), float(trials)),
        trial_variance=trial_variance,
        split=split,
        dominance=None if split is None else dominance(returns, split),
    )


def conventions(net: np.ndarray, search: Search, bars_per_year: float) -> dict[str, float | None]:
    """Standard errors (annualised like the ratio), PSR, DSR three times and the minimum track of net returns per bar.

    `dsr` takes every counted trial as independent, `dsr_effective` their effective number, `dsr_sidak` is the chance
    that the best of N independent trials without an edge stays below. All None where the returns do not vary.
    """
    known = moments(net)
    if known is None:
        return dict.fromkeys(_KEYS)
    law, variance = known.independent, search.trial_variance
    errors = {f"sharpe_error_{name}": value for name, value in _errors(net, known).items()}
    root = float(np.sqrt(bars_per_year))
    return {name: None if value is None else value * root for name, value in errors.items()} | {
        "psr": psr(known.sharpe, known.periods, law),
        "dsr": dsr(known.sharpe, known.periods, law, trials=search.trials, trial_variance=variance),
        "dsr_effective": dsr(known.sharpe, known.periods, law, trials=search.independent, trial_variance=variance),
        "dsr_sidak": dsr_sidak(known.sharpe, known.periods, law, trials=search.trials),
        "minimum_track_bars": minimum_track(known.sharpe, law),
    }


def _errors(net: np.ndarray, known: Moments) -> dict[str, float | None]:
    return {
        "normal": standard_error(known.sharpe, known.periods),
        "independent": standard_error(known.sharpe, known.periods, known.independent),
        "autoregressive": standard_error(known.sharpe, known.periods, known.dependent),
        "hac": hac_standard_error(net),
    }


def search_figures(search: Search, bars_per_year: float) -> dict[str, Any]:
    """What `verdict.json` says of the search beside the figures that guards ask for."""
    split, curves = search.split, search.dominance
    return {
        "effective": None if search.effective is None else asdict(search.effective),
        "independent_trials": search.independent,
        "expected_maximum_sharpe": float(np.sqrt(search.trial_variance * bars_per_year))
        * expected_maximum(search.trials),
        "minimum_backtest_years": minimum_backtest(search.trials),
        "pbo_strict": None if split is None else split.pbo_strict,
        "logits": None if split is None else _spread(split.logits),
        "degradation": None
        if split is None
        else {"slope": split.slope, "intercept": split.intercept, "r2": split.r2, "blocks": split.blocks},
        "dominance": None if curves is None else asdict(curves),
    }


def _spread(logits: np.ndarray) -> dict[str, float]:
    low, median, high = (float(value) for value in np.percentile(logits, [5, 50, 95]))
    return {"low": low, "median": median, "high": high, "splits": float(logits.size)}
