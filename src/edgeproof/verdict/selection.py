"""What the search behind a candidate is worth: the maximum's bootstrap, CSCV and DSR over all counted trials."""

# T bars, N trials

from dataclasses import dataclass

import numpy as np

from edgeproof.core.rng import Rng
from edgeproof.ledger.trials import TrialTable
from edgeproof.stats.compare import maximum_test, sidak
from edgeproof.stats.deflated import dsr
from edgeproof.stats.overfit import cscv
from edgeproof.stats.sharpe import moments, psr

__all__ = ["LEAST_TRIALS", "Selection", "conventions", "select"]

LEAST_TRIALS = 5  # CSCV says nothing about fewer
_BLOCK_BARS, _LEAST_BLOCKS = 24, 50


@dataclass(frozen=True)
class Selection:
    """The counted trials, summed up.

    Attributes:
        trials: all counted ones.
        stored: those whose returns are known on the common bars.
        p_max: p-value of the best trial's maximum over all counted trials; None without stored returns.
        p_best: the best trial's own bootstrap p.
        best: its id.
        pbo: probability of backtest overfitting; None below 2 stored trials or 32 bars.
        probability_of_loss: share of CSCV splits whose in-sample best loses out of sample.
        trial_variance: variance of the stored trials' Sharpe ratios per bar.
        block_bars: of the bootstrap.
    """

    trials: int
    stored: int
    p_max: float | None
    p_best: float | None
    best: str | None
    pbo: float | None
    probability_of_loss: float | None
    trial_variance: float
    block_bars: int


def select(table: TrialTable, rng: Rng, *, horizon_bars: int = 1) -> Selection:
    """Sum up the ledger's table of trials.

    Trials without returns on the common bars, or with returns that are not finite, enter by Sidak as copies of the
    best stored one. Blocks are 24 bars (shorter where that leaves fewer than 50, never under the label horizon).
    """
    finite = np.asarray(np.isfinite(table.returns).all(axis=0))
    returns = table.returns[:, finite]
    ids = [name for name, known in zip(table.ids, finite, strict=True) if known]
    block = max(horizon_bars, min(_BLOCK_BARS, max(1, len(returns) // _LEAST_BLOCKS)))
    best = maximum_test(returns, rng.child("maximum").numpy(), block_bars=block)
    split = cscv(returns)
    ratios = _ratios(returns)
    return Selection(
        trials=table.count,
        stored=len(ids),
        p_max=None if best is None else sidak(best.p, best.p_best, table.count - len(ids)),
        p_best=None if best is None else best.p_best,
        best=None if best is None else ids[best.best],
        pbo=None if split is None else split.pbo,
        probability_of_loss=None if split is None else split.probability_of_loss,
        trial_variance=float(ratios.var(ddof=1)) if ratios.size > 1 else 0.0,
        block_bars=block,
    )


def _ratios(returns: np.ndarray) -> np.ndarray:
    """Sharpe ratio per bar of every trial, f64[N]; 0 for one that never trades or does not vary."""
    found = (moments(column) for column in returns.T)
    return np.array([0.0 if known is None else known.sharpe for known in found])


def conventions(net: np.ndarray, selection: Selection) -> dict[str, float | None]:
    """PSR and DSR of a net return series: printed, never deciding."""
    known = moments(net)
    if known is None:
        return {"psr": None, "dsr": None}
    law, trials = known.independent, max(selection.trials, 1)
    return {
        "psr": psr(known.sharpe, known.periods, law),
        "dsr": dsr(known.sharpe, known.periods, law, trials=trials, trial_variance=selection.trial_variance),
    }
