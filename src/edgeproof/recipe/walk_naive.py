"""What naive forecasts reach on the validation samples: what the model has to beat, before it is trained."""

# S symbols, T bars, N samples

import numpy as np

from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.evaluate.naive import last_label, logistic, momentum, naive_forecasts
from edgeproof.gates.plot import bars
from edgeproof.gates.report import failed, passed
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.prepare import Prepared
from edgeproof.samples.split.fold import Fold

__all__ = ["naive_baselines"]

MOST = 8192  # samples that the logistic regression is fitted on, and that are scored
KNOWN = 0.99  # AUC of a rule that knows the future


def naive_baselines(config: RunConfig, prepared: Prepared, fold: Fold) -> Finding:
    """Prior, persistence, momentum and logistic regression, on validation; none knows it nearly all.

    Nothing beyond the validation samples is read, of theirs only what is known at their own bar. The logistic
    regression reads the newest bar's features of at most 8,192 training samples; at most as many are scored.

    Args:
        config: the run's config.
        prepared: the open span.
        fold: proven.
    """
    draw = Rng(config.seed).child("gates", "naive").numpy()
    train, asked = _some(fold.train, draw), _some(fold.validation, draw)
    index = np.concatenate([train, asked])
    ours, theirs = np.arange(len(train)), np.arange(len(train), len(index))
    labels, panel = prepared.labels, prepared.panel
    states = {
        "persistence": last_label(labels.y, labels.known, labels.resolved_at),
        "momentum": momentum(panel.prices[:, :, 3], panel.present),
    }
    y = labels.y.reshape(-1)[index]
    linear = logistic(prepared.table.x.reshape(-1, prepared.table.x.shape[2])[index], y, ours)
    flat = {name: state.reshape(-1)[index] for name, state in states.items()}
    found = naive_forecasts(y, flat, linear, ours, theirs)
    rows = [{"name": one.name, "log_loss": one.log_loss, "auc": one.auc} for one in found]
    best = min(found, key=lambda one: np.inf if one.log_loss is None else one.log_loss)
    highest = max((abs((one.auc or 0.5) - 0.5) + 0.5 for one in found), default=0.5)
    prior = found[0].log_loss
    plot = bars(
        {one.name: one.log_loss or 0.0 for one in found}, title="Naive forecasts on validation", y_label="log loss"
    )
    facts = {"baselines": rows, "samples": len(asked), "plot": plot}
    claim = f"to beat on validation: {best.name}, log loss {best.log_loss:.4f}, AUC {best.auc or 0.5:.3f}; " + (
        "nothing else is better than the prior" if best.name == "prior" else f"the prior's loss is {prior:.4f}"
    )
    if highest < KNOWN:
        return passed("baselines.naive", claim, measured=highest, threshold=KNOWN, **facts)
    return failed(
        "baselines.naive",
        "warning",
        f"a naive rule tells nearly every validation label: AUC {highest:.4f}",
        "look whether a feature is the label, is computed from it, or is only known later",
        measured=highest,
        threshold=KNOWN,
        **facts,
    )


def _some(index: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    return index if len(index) <= MOST else np.sort(draw.choice(index, MOST, replace=False))
