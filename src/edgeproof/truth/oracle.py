"""The oracle of a market, a label and decision bars: the best that any forecast could score, and what a model did.

Closed form for the direction of the next tradable bar. Any other label: futures from the generator's state, labelled by
the label's own code (`simulate`), on as many of the decision bars as a budget allows, with a standard error.
"""

# S symbols, T bars, K chosen bars, N samples

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from edgeproof.core.config import Config
from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel
from edgeproof.data.synthetic.paths import MOST_BARS
from edgeproof.labels.forward import ForwardReturnConfig
from edgeproof.labels.label import Labels
from edgeproof.truth.compare import BLOCKS, Sample, compare, from_volatility
from edgeproof.truth.simulate import BUDGET, LabelRule, choose_size, simulate_label
from edgeproof.truth.smooth import smooth
from edgeproof.truth.stated import Stated

__all__ = ["Asked", "is_stated", "oracle_of"]

PATH_COST = 40  # a label that reads the bars before t costs as much a future as this many bars drawn


@dataclass(frozen=True)
class Asked:
    """What the oracle is asked about.

    Attributes:
        label: config of the label.
        labels: what it says of the panel.
        scored: bool[S, T] the samples.
        probability: f[S, T] the model's; None to leave it out.
        volatility: f[S, T] log volatility known at each bar; None to leave it out.
    """

    label: Config
    labels: Labels
    scored: np.ndarray
    probability: np.ndarray | None = None
    volatility: np.ndarray | None = None


def is_stated(label: Config) -> bool:
    """Whether a market's stated truth belongs to the label: direction of the next tradable bar, threshold 0."""
    return isinstance(label, ForwardReturnConfig) and (
        (label.horizon_bars, label.threshold_bps, label.threshold_volatilities) == (1, 0.0, 0.0)
    )


def oracle_of(
    truth: Mapping[str, Any], panel: Panel, stated: Stated, asked: Asked, *, rng: Rng, budget: int = BUDGET
) -> dict[str, Any] | None:
    """Best AUC, log loss and F1+ on a known-truth market, beside a model's and those of volatility alone.

    Args:
        truth: the market's truth parameters (`market.manifest.truth`).
        panel: bars of a span; nothing else is read, so that an open panel has an open oracle.
        stated: the market's law on the panel.
        asked: label and samples.
        rng: of the futures and of the choice of bars.
        budget: symbol-bars of futures; a million take about 0.3 s.

    Returns:
        The keys of `compare`, `method` (`closed form` or `simulated`), `samples`, `bars`, `bars_scored`, `paths`; None
        without samples, and where a label has to be simulated and bars or symbols of the market are missing, or
        the horizon is 1,000 bars or more.
    """
    if not (asked.scored & stated.known).any():
        return None
    if is_stated(asked.label):
        return _closed(stated, asked)
    if not panel.present.all() or len(panel.symbols) != truth["symbols"] or asked.labels.horizon_bars >= MOST_BARS:
        return None
    return _simulated(truth, panel, asked, rng=rng, budget=budget)


def _blocks(at_N: np.ndarray, at_K: np.ndarray) -> np.ndarray:
    """Block of each sample: consecutive bars, as many in each."""
    return np.searchsorted(at_K, at_N) * BLOCKS // len(at_K)


def _others(asked: Asked, at: tuple[np.ndarray, np.ndarray], truth_N: np.ndarray) -> dict[str, np.ndarray]:
    others = {} if asked.probability is None else {"model": asked.probability[at].astype(np.float64)}
    if asked.volatility is not None:
        others["volatility"] = from_volatility(asked.volatility[at].astype(np.float64), truth_N)
    return others


def _closed(stated: Stated, asked: Asked) -> dict[str, Any]:
    s, t = np.nonzero(asked.scored & stated.known)
    p, bars = stated.p_up[s, t], np.unique(t)
    made = compare(Sample(p[None], p[None], _blocks(t, bars), _others(asked, (s, t), p)))
    size = {"samples": len(p), "bars": len(bars), "bars_scored": len(bars), "paths": None}
    return made | {"method": "closed form", "auc_error": 0.0} | size


def _simulated(truth: Mapping[str, Any], panel: Panel, asked: Asked, *, rng: Rng, budget: int) -> dict[str, Any] | None:
    reach, horizon = asked.labels.reach, asked.labels.horizon_bars
    S, T = panel.present.shape
    usable = np.flatnonzero(asked.scored.any(axis=0) & (np.arange(T) >= reach))
    if not len(usable):
        return None
    size = choose_size(len(usable), S, horizon + (PATH_COST if reach else 0), budget)
    at_K = np.sort(rng.child("bars").numpy().choice(usable, size.bars, replace=False))
    rule, spans = cast("LabelRule", asked.label), (reach, horizon, size.paths)
    made = simulate_label(truth, panel.prices, rule, at_K, spans=spans, rng=rng.child("paths"))
    found = _judged(made.summary(panel.prices), made.share, asked.scored[:, at_K].T & made.known, at_K, asked)
    about = {"method": "simulated", "bars": size.bars, "bars_scored": len(usable), "paths": size.paths}
    return None if found is None else found | about


def _judged(
    summary_KSD: np.ndarray, share_2KS: np.ndarray, kept_KS: np.ndarray, at_K: np.ndarray, asked: Asked
) -> dict[str, Any] | None:
    """The fit of either half of the futures judged on the other; what is not scored helps to fit, not to judge."""
    k, s = np.nonzero(kept_KS)
    if not len(k):
        return None
    fit = smooth(summary_KSD.reshape(-1, summary_KSD.shape[2]), share_2KS.reshape(2, -1)).reshape(share_2KS.shape)
    truth, at = share_2KS[:, k, s], (s, at_K[k])
    sample = Sample(truth, fit[::-1, k, s], _blocks(at_K[k], at_K), _others(asked, at, truth.mean(axis=0)))
    return compare(sample) | {"samples": len(k)}
