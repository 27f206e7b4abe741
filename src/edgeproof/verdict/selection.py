"""What the search behind a candidate is worth: the maximum's bootstrap and CSCV over all counted trials."""

# T bars, N trials

from dataclasses import dataclass, field

import numpy as np

from edgeproof.core.rng import Rng
from edgeproof.ledger.trials import TrialTable
from edgeproof.stats.compare import maximum_test, sidak
from edgeproof.stats.overfit import Overfitting, cscv
from edgeproof.stats.sharpe import moments

__all__ = ["LEAST_TRIALS", "Selection", "select"]

LEAST_TRIALS = 5  # CSCV says nothing about fewer
_BLOCK_BARS, _LEAST_BLOCKS = 24, 50
_REPETITIONS, _MOST_REPETITIONS = 999, 49_999


@dataclass(frozen=True)
class Selection:
    """The counted trials, summed up.

    Attributes:
        trials: all counted ones.
        stored: those whose returns are known on the common bars.
        p_max: p-value of the candidate's t against the maximum over all counted trials; None without stored returns.
        p_best: the candidate's own bootstrap p.
        best: its id, or that of the best trial where the candidate's returns are not stored.
        pbo: probability of backtest overfitting; None below 2 stored trials or 32 bars.
        probability_of_loss: share of CSCV splits whose in-sample best loses out of sample, among the trials that are
            no better than the candidate on the whole span.
        trial_variance: variance of the stored trials' Sharpe ratios per bar.
        block_bars: of the bootstrap.
        split: all CSCV splits of the stored trials, for those who describe them.
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
    split: Overfitting | None = field(default=None, compare=False, repr=False)


def select(table: TrialTable, rng: Rng, *, horizon_bars: int = 1, chosen: str | None = None) -> Selection:
    """Sum up the ledger's table of trials, as the search that the candidate came out of.

    The candidate stands for the best: were it the ledger's best trial whoever made it, one run without costs would
    buy the guards for all others (docs/decisions/0005-the-candidate-stands-for-the-best.md). Trials without returns
    on the common bars, or with returns that are not finite, enter by Sidak as copies of it; the more they are, the
    more repetitions are drawn, for the smallest p that they can leave is about their number over the repetitions.

    Args:
        table: all counted trials.
        rng: of the bootstrap.
        horizon_bars: of the label; blocks are 24 bars (shorter where that leaves fewer than 50, never under it).
        chosen: id of the candidate's trial; None, or one without returns, takes the best.
    """
    finite = np.asarray(np.isfinite(table.returns).all(axis=0))
    returns = table.returns[:, finite]
    ids = [name for name, known in zip(table.ids, finite, strict=True) if known]
    block = max(horizon_bars, min(_BLOCK_BARS, max(1, len(returns) // _LEAST_BLOCKS)))
    place = ids.index(chosen) if chosen in ids else None
    others = table.count - len(ids)
    repetitions = min(max(_REPETITIONS, 20 * others), _MOST_REPETITIONS)
    generator = rng.child("maximum").numpy()
    best = maximum_test(returns, generator, repetitions=repetitions, block_bars=block, chosen=place)
    split, ratios = cscv(returns), _ratios(returns)
    return Selection(
        trials=table.count,
        stored=len(ids),
        p_max=None if best is None else sidak(best.p, best.p_best, others),
        p_best=None if best is None else best.p_best,
        best=None if best is None else ids[best.best],
        pbo=None if split is None else split.pbo,
        probability_of_loss=_loss(returns, ratios, split, place),
        trial_variance=float(ratios.var(ddof=1)) if ratios.size > 1 else 0.0,
        block_bars=block,
        split=split,
    )


def _loss(returns: np.ndarray, ratios: np.ndarray, split: Overfitting | None, place: int | None) -> float | None:
    """Probability of loss among the trials that are no better than the chosen one; among all if these are too few."""
    if place is not None:
        equal = ratios <= ratios[place]
        if LEAST_TRIALS <= equal.sum() < len(ratios):
            split = cscv(returns[:, equal])
    return None if split is None else split.probability_of_loss


def _ratios(returns: np.ndarray) -> np.ndarray:
    """Sharpe ratio per bar of every trial, f64[N]; 0 for one that never trades or does not vary."""
    found = (moments(column) for column in returns.T)
    return np.array([0.0 if known is None else known.sharpe for known in found])
