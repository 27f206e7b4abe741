"""Symptoms of a training that its table shows: no numbers, exploding, flat, learned by heart, cut short, starved.

The gap is (validation - train) / (prior - train): 0 where nothing is lost from training to validation samples, 1 where
validation is no better than knowing nothing. The order of looking is Karpathy's (2019, "A recipe for training neural
networks"): what goes in, the loss, the gradients, then the model.
"""

# E epochs

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgeproof.core.finding import Finding
from edgeproof.gates import why
from edgeproof.gates.cause import symptom
from edgeproof.gates.history import History, Known, history_of

__all__ = [
    "SYMPTOMS",
    "dead_after_training",
    "diagnose",
    "explodes",
    "flat",
    "leaps",
    "not_finite",
    "overfit",
    "starved",
    "undertrained",
]

HIGH = 1.5  # times the prior, at the end
HUGE = 3.0  # times the prior, at any time
STILL = 0.002  # of the prior, that a loss must fall
STUCK = 1e-5  # of the loss: no weight moves
LEVEL = 0.02  # of the prior, between first and last epoch
LEARNED = 0.98  # of the prior: a training loss below has learned something
LOST = 0.5  # of what validation had gained, lost again
FALLING = 0.25  # of all that validation gained, in the last quarter of the epochs
DEAD_SHARE = 0.5
LEAP = 1.25  # times the first loss
LOUD = 8.0  # standard deviations of a step's loss
FEWEST_STEPS, LONG_AWAY = 20, 10
STARVED = 0.3  # of the time, waiting for data
SHORTEST_S = 0.1  # of an epoch's waiting that is worth a word


def diagnose(rows: Sequence[Mapping[str, Any]], *, prior: float | None = None, known: Known | None = None) -> list:
    """Name what is wrong with a training by its table of epochs; empty where nothing is.

    Args:
        rows: one an epoch: `train_loss`, and if there are any `val_loss` (or `log_loss`), `auc`, `grad_norm`, `lr`,
            `data_seconds` of `seconds`; each under any usual name (`gates.columns.FIGURES`).
        prior: the training loss of knowing nothing: the entropy of the labels in nats, ln 2 for two even classes.
        known: more about the training.

    Returns:
        A finding a symptom; `evidence["causes"]` ranks its causes.
    """
    facts, history = known or Known(prior=prior), history_of(rows)
    broken = not_finite(history, facts)
    if broken is not None:  # everything else follows from it
        return [broken]
    found = [finding for look in SYMPTOMS.values() if (finding := look(history, facts)) is not None]
    hopeless = {finding.check for finding in found} & {"doctor.flat", "doctor.explodes"}  # more epochs would not help
    return [finding for finding in found if not (hopeless and finding.check == "doctor.undertrained")]


def not_finite(history: History, known: Known) -> Finding | None:
    """The loss, or the model's output, became infinite or NaN."""
    lost = np.flatnonzero(np.isnan(history.train))
    if not known.failed and not len(lost):
        return None
    epoch = known.failed.get("epoch") or int(lost[0]) + 1
    at = f", step {known.failed['step']} of {known.failed['steps']}" if "steps" in known.failed else ""
    claim = f"the loss became infinite or NaN {known.failed.get('at') or f'in epoch {epoch}{at}'}"
    return symptom("doctor.not_finite", claim, why.not_finite(history, known), measured=epoch, threshold="finite")


def explodes(history: History, known: Known) -> Finding | None:
    """The training loss is far above that of knowing nothing, or of its own beginning."""
    if not len(history) or (known.prior is None and len(history) < 2):
        return None
    reference = history.train[0] if known.prior is None else known.prior
    last, most = float(history.train[-1]), float(history.train.max())
    if reference <= 0 or (last <= HIGH * reference and (known.prior is None or most <= HUGE * reference)):
        return None
    beside = "in the first epoch" if known.prior is None else "for knowing nothing"
    claim = f"the training loss reached {most:.4g} and ended at {last:.4g}, against {reference:.4g} {beside}"
    return symptom(
        "doctor.explodes", claim, why.explodes(history, known), measured=most, threshold=HIGH * float(reference)
    )


def leaps(history: History, known: Known) -> Finding | None:
    """The first steps made the loss much worse, and it took long to come back."""
    steps = np.array(known.steps)
    if len(steps) < FEWEST_STEPS or explodes(history, known) or not np.isfinite(steps).all() or steps[0] <= 0:
        return None
    smooth = np.convolve(steps, np.ones(3) / 3, "valid")
    top, noise = int(smooth[: len(smooth) // 2].argmax()), float(np.diff(steps[len(steps) // 2 :]).std())
    first, most = float(steps[0]), float(smooth[top])
    back = np.flatnonzero(smooth[top:] <= first)
    away = int(back[0]) if len(back) else len(smooth) - top
    if most <= LEAP * first or most - first <= LOUD * noise or away < LONG_AWAY:
        return None
    claim = (
        f"the loss leapt in the first steps: from {first:.4g} to {most:.4g} at step {top + 2}, and was above its "
        f"beginning for {away} steps"
    )
    return symptom("doctor.leaps", claim, why.leaps(known), measured=most / first, threshold=LEAP)


def flat(history: History, known: Known) -> Finding | None:
    """The training loss does not fall."""
    if len(history) < 2 or explodes(history, known):
        return None
    reference = float(history.train[0]) if known.prior is None else known.prior
    last, change = float(history.train[-1]), abs(float(history.train[-1] - history.train[0]))
    stuck = float(np.ptp(history.train)) <= STUCK * abs(last)
    level = last > (1 - STILL) * reference and (change <= LEVEL * reference or _learned_nothing(history, known))
    if not (stuck or level):
        return None
    beside = "" if known.prior is None else f"; knowing nothing gives {reference:.4f}"
    how = "flat" if stuck or change <= LEVEL * reference else "never below that of knowing nothing"
    claim = f"the training loss is {how}: {history.train[0]:.4f} in epoch 1, {last:.4f} in epoch {len(history)}{beside}"
    limit = (1 - STILL) * reference
    return symptom("doctor.flat", claim, why.flat(history, known), measured=last, threshold=limit)


def _learned_nothing(history: History, known: Known) -> bool:
    """It came to its end, and neither part was ever better than knowing nothing."""
    if known.prior is None or known.nothing is None or not known.ended:
        return False
    parts = ((history.train, known.prior), (history.validation, known.nothing))
    return all(bool((values > (1 - STILL) * nothing).all()) for values, nothing in parts)


def overfit(history: History, known: Known) -> Finding | None:
    """What was learned of the training samples does not hold on the validation samples."""
    if len(history) < 2 or np.isnan(history.validation).any() or history.train[-1] >= history.train[0]:
        return None
    last, best = float(history.validation[-1]), float(history.validation.min())
    train, nothing = float(history.train[-1]), known.nothing
    gap = None
    if known.prior is not None and nothing is not None:
        if train >= LEARNED * known.prior:
            return None
        gap = (last - train) / (nothing - train)
    start = float(history.validation[0]) if nothing is None else nothing
    lost = (last - best) / (start - best) if start > best else np.inf
    if not ((gap is not None and gap > 1.0) or (len(history) - 1 - history.best >= 3 and lost > LOST)):
        return None
    measured = f"gap {gap:.2f}" if gap is not None else _lost(lost)
    claim = (
        f"overfit: in the last epoch training loss {train:.4f}, validation {last:.4f} ({measured}); validation was "
        f"best in epoch {history.best + 1} ({best:.4f})"
    )
    return symptom("doctor.overfit", claim, why.overfit(history, known), measured=gap or lost, threshold=1.0)


def _lost(share: float) -> str:
    """How much of what validation gained is lost again, in words where a share says nothing."""
    if np.isinf(share):
        return "it never gained anything"
    return "more than all of the gain lost again" if share > 1 else f"{share:.0%} of the gain lost again"


def undertrained(history: History, known: Known) -> Finding | None:
    """Training ended at its number of epochs while validation still improved with every epoch."""
    recent = max(2, len(history) // 4)
    if known.ended != "epochs" or len(history) <= recent or np.isnan(history.validation).any():
        return None
    tail = history.validation[-recent - 1 :]
    start = max(filter(None, (known.nothing, float(history.validation[0]))))
    share = float(tail[0] - tail[-1]) / max(start - float(tail[-1]), 1e-12)
    if (np.diff(tail) >= 0).any() or tail[-1] >= start or share <= FALLING:
        return None
    claim = (
        f"undertrained: the last of {len(history)} epochs is the best, and {share:.0%} of all that validation gained "
        f"came in the last {recent}"
    )
    return symptom("doctor.undertrained", claim, why.undertrained(history, known), measured=share, threshold=FALLING)


def dead_after_training(history: History, known: Known) -> Finding | None:
    """Most units of a layer say the same whatever they are shown."""
    del history
    if not known.dead:
        return None
    layer, (before, after) = max(known.dead.items(), key=lambda entry: entry[1][1])
    if after <= DEAD_SHARE:
        return None
    claim = f"dead units: {after:.0%} of {layer} say the same whatever they are shown (before training {before:.0%})"
    return symptom("doctor.dead_units", claim, why.dead(known, before), measured=after, threshold=DEAD_SHARE)


def starved(history: History, known: Known) -> Finding | None:
    """The device waits for its data (Mohan et al. 2021, "Analyzing and mitigating data stalls in DNN training")."""
    shares = history.waiting[~np.isnan(history.waiting)]
    waited_s = history.waited[~np.isnan(history.waited)]
    if not len(shares) or float(np.median(shares)) <= STARVED or (len(waited_s) and np.median(waited_s) < SHORTEST_S):
        return None
    share = float(np.median(shares))
    claim = f"data starvation: {share:.0%} of the time the model waits for its next batch"
    return symptom("doctor.starved", claim, why.starved(shares, known), measured=share, threshold=STARVED)


SYMPTOMS = {
    "doctor.explodes": explodes,
    "doctor.leaps": leaps,
    "doctor.flat": flat,
    "doctor.dead_units": dead_after_training,
    "doctor.overfit": overfit,
    "doctor.undertrained": undertrained,
    "doctor.starved": starved,
}
