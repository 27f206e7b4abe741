"""Why a symptom is there: the causes of each, and what of the training's figures speaks for them."""

from collections.abc import Iterator
from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np

from edgeproof.gates.cause import LIKELY, POSSIBLE, SHOWN, STRONG, Cause
from edgeproof.gates.history import History, Known

__all__ = ["apart", "dead", "explodes", "flat", "leaps", "not_finite", "overfit", "starved", "undertrained"]

LARGE = 1e3  # of a scaled input
GROWN = 10.0
UNMOVED, HARDLY = 0.01, 0.05  # distance of the weights, as a share of their size
SILENT = 1e-6  # gradient norm
STRONG_DECAY, STRONG_DROPOUT = 0.1, 0.7
LOUD_RATE = 0.05
FAR = 3.0  # of the weights' size, moved
FELT = 1e-6  # a rate at which some weight moves
CALM_RATE = 1e-3  # at which steps are seldom the first suspects
WIRING = ("start.outputs", "flow.mixing", "flow.modes", "flow.inputs_used", "flow.dead_units", "capacity.inputs_matter")


def _told(cause: Cause, known: Known, checks: tuple[str, ...]) -> Cause:
    """The cause with what a check of the model says for it, if one of these failed and more speaks for it so."""
    wrong = [finding for finding in known.checked if finding.level != "info" and finding.check.startswith(checks)]
    if not wrong:
        return cause
    first = min(wrong, key=lambda finding: finding.level != "error")
    weight = SHOWN if first.level == "error" else STRONG
    if weight <= cause.weight:
        return cause
    return replace(cause, weight=weight, because=f"{first.check}: {first.claim}", fix=first.remedy, change=())


def _inputs(known: Known) -> Iterator[Cause]:
    """Inputs that no training can live with, where they are known; a possibility where they are not."""
    for cause in _inputs_as_known(known):
        yield _told(cause, known, ("data.finite", "data.scale"))


def _inputs_as_known(known: Known) -> Iterator[Cause]:
    fix = "mend what computes the features: divisions by zero, logarithms of 0, missing scaling"
    inputs = known.inputs
    if not inputs:
        yield Cause("data pipeline", "inputs that are NaN, infinite or not scaled", POSSIBLE, "", fix)
    elif not inputs["finite"]:
        yield Cause("data pipeline", "inputs are NaN or infinite", SHOWN, "the scaled inputs are not all finite", fix)
    elif inputs["largest"] > LARGE:
        because = f"the largest scaled input is {inputs['largest']:.3g}"
        yield Cause("data pipeline", "inputs are not scaled", STRONG, because, fix)


def _lower_rate(known: Known, weight: int, because: str, by: float = 30.0) -> Cause:
    change = () if known.lr is None else (f"train.lr={min(known.lr / by, 1e-3):.2g}",)
    fix = "lower the learning rate, and let it rise over the first steps"
    if known.clip_norm is None:
        fix, change = f"{fix}; clip the gradient's norm", (*change, *(("train.clip_norm=1.0",) if change else ()))
    return Cause("gradient flow", "learning rate too high", weight, because, fix, change)


def not_finite(history: History, known: Known) -> Iterator[Cause]:
    """Inputs, the start, the rate, the loss: told apart by the step at which it happened and by what came before."""
    yield from _inputs(known)
    failed, lost = known.failed, int(np.argmax(np.isnan(history.train))) if len(history) else 0
    first, norms = failed.get("epoch", lost + 1) == 1, failed.get("norms") or history.norm[:lost].tolist()
    losses = failed.get("losses") or history.train[:lost].tolist()
    start = "make the first weights small (by fan-in), the last layer's near zero"
    if first and failed.get("step") == 1:
        because = "the first step's loss was not finite, before any weight had moved"
        yield Cause("gradient flow", "initial weights too large", SHOWN, because, start)
        yield Cause("loss", "the loss takes a logarithm of 0 or divides by it", POSSIBLE, "", "take losses from logits")
        return
    loud = first and known.prior is not None and (failed.get("first_loss") or 0.0) > GROWN * known.prior
    if loud:
        because = f"the first step's loss was {failed['first_loss']:.3g}, {known.prior:.3g} is that of knowing nothing"
        yield Cause("gradient flow", "initial weights too large", SHOWN, because, start)
    grown = [values for values in (losses, norms) if len(values) > 1 and max(values) > GROWN * max(values[0], 1e-12)]
    if grown:
        said = f"it grew {max(grown[0]) / max(grown[0][0], 1e-12):.2g} times in the steps before"
        yield _lower_rate(known, STRONG if loud else SHOWN, said)
    else:
        because = "" if loud else "training began with finite losses"
        yield _lower_rate(known, LIKELY if because else POSSIBLE, because)
        quiet = len(losses) > 1
        because = "losses and gradients were as small as ever until the step before" if quiet else ""
        fix = "take losses from logits, and keep logarithms and divisions away from 0"
        yield Cause("loss", "the loss itself is not finite for some outputs", POSSIBLE + quiet, because, fix)


def explodes(history: History, known: Known) -> Iterator[Cause]:
    """The rate, unless inputs or the start are seen to be at fault."""
    yield from _inputs(known)
    at = f" at rate {known.lr:g}" if known.lr else ""
    because = f"the loss rose, or stayed, above that of knowing nothing{at}"
    high = known.lr is not None and known.lr >= LOUD_RATE
    yield _lower_rate(known, STRONG if high else LIKELY, because)
    if not known.inputs:  # a loop of somebody's own
        fix = "call optimiser.zero_grad() before every backward()"
        stale = Cause("gradient flow", "gradients of earlier batches add up", POSSIBLE, "", fix)
        yield _told(stale, known, ("training.gradients_fresh",))
    fix = "make the first weights small (by fan-in), the last layer's near zero"
    yield _told(Cause("gradient flow", "initial weights too large", POSSIBLE, "", fix), known, ("start.outputs",))
    validation = history.validation[-1]
    calm = known.prior is not None and validation < 1.2 * known.prior
    because = f"validation, scored by plain cross-entropy, is at {validation:.4f}" if calm else ""
    fix = "compare the loss with plain cross-entropy on one batch"
    wrong = Cause("loss", "the loss is not what it should be", STRONG if calm else POSSIBLE, because, fix)
    yield _told(wrong, known, ("loss.", "start.loss"))


def leaps(known: Known) -> Iterator[Cause]:
    """The rate, unless the step is not what it should be."""
    because = "its first steps made the loss worse" + (f", at rate {known.lr:g}" if known.lr is not None else "")
    yield _lower_rate(known, STRONG, because)
    fix = "call optimiser.zero_grad() before every backward()"
    stale = Cause("gradient flow", "gradients of earlier batches add up", POSSIBLE, "", fix)
    yield _told(stale, known, ("training.gradients_fresh",))
    fix = "compare the loss with plain cross-entropy on one batch, and look at its sign"
    wrong = Cause("loss", "the loss is not what it should be", POSSIBLE, "", fix)
    yield _told(wrong, known, ("loss.", "start.loss"))


def flat(history: History, known: Known) -> Iterator[Cause]:
    """A rate that does not move the weights, inputs that say nothing, a gradient that does not arrive."""
    inputs, norms = known.inputs, history.norm[~np.isnan(history.norm)]
    constant = inputs.get("constant", 0) / max(1, inputs.get("columns", 1))
    moved = known.moved is not None and known.moved >= HARDLY
    weight, because = POSSIBLE, ""
    if constant > 0.5:
        weight, because = SHOWN, f"{inputs['constant']} of {inputs['columns']} inputs never change"
    elif moved:
        weight, because = LIKELY, f"the weights moved by {known.moved:.0%} of their size, and the loss did not follow"
    fix = "look at inputs beside their labels: constant or zeroed inputs, labels that belong to other rows"
    blank = Cause("data pipeline", "inputs that say nothing about their labels", weight, because, fix)
    yield _told(blank, known, ("data.",))
    fix = "check that the loss falls when an output moves towards its target, and that each output meets its own"
    loss = Cause("loss", "the loss does not measure what is to be learned", POSSIBLE, "", fix)
    yield _told(loss, known, ("loss.", "start.loss"))
    for cause in _no_gradient(known, norms):
        yield _told(cause, known, ("flow.gradients", "flow.registered", "training.parameters_move"))
    yield from _low_rate(known)
    yield from _leapt(known)
    broken = _told(Cause("architecture", "the model is not wired as it should be", POSSIBLE, "", ""), known, WIRING)
    if broken.because:
        yield broken
    heavy = [f"train.weight_decay={known.weight_decay:g}"] if (known.weight_decay or 0) >= STRONG_DECAY else []
    heavy += [f"model.dropout={known.dropout:g}"] if (known.dropout or 0) >= STRONG_DROPOUT else []
    if heavy:
        change = tuple(f"{word.partition('=')[0]}={'0.1' if 'dropout' in word else '0.0001'}" for word in heavy)
        yield Cause("architecture", "too much regularisation", STRONG, " and ".join(heavy), "regularise less", change)


def _no_gradient(known: Known, norms: np.ndarray) -> Iterator[Cause]:
    fix = "look for detach, rounding, saturated or dead units between loss and weights"
    silent = len(norms) > 0 and float(norms.max()) < SILENT and known.descends
    because = f"the gradient's norm is {float(norms.max()):.2g}" if silent else ""
    yield Cause("gradient flow", "no gradient reaches the weights", SHOWN if silent else POSSIBLE, because, fix)


def _leapt(known: Known) -> Iterator[Cause]:
    """Steps so large that units are saturated or dead within an epoch: the loss comes to rest at the prior."""
    far = known.moved is not None and known.moved > FAR
    if far or ((known.lr or 0.0) >= LOUD_RATE and (known.moved is None or known.moved > HARDLY)):
        facts = [f"the weights moved by {known.moved:.0%} of their size"] if far else []
        facts += [f"the rate is {known.lr:g}"] if known.lr is not None else []
        yield _lower_rate(known, STRONG, ", ".join(facts))


def _low_rate(known: Known) -> Iterator[Cause]:
    if known.lr is None or not known.descends or (known.moved is not None and known.moved >= HARDLY):
        return
    if known.moved == 0 and known.lr >= FELT:
        fix = "give the optimiser the parameters of this very model, and call its step() after backward()"
        because = f"no weight has moved, at rate {known.lr:g}"
        yield Cause("gradient flow", "no step reaches the weights", SHOWN, because, fix)
        return
    weight, because = POSSIBLE, ""
    if known.moved is not None:
        weight = SHOWN if known.moved < UNMOVED else LIKELY
        because = f"the weights moved by {known.moved:.2%} of their size in the whole training, at rate {known.lr:g}"
    elif known.lr < 1e-5:
        weight, because = LIKELY, f"the rate is {known.lr:g}"
    change = (f"train.lr={max(10 * known.lr, 1e-3):.2g}",)
    yield Cause("gradient flow", "learning rate too low", weight, because, "raise the learning rate", change)


def overfit(history: History, known: Known) -> Iterator[Cause]:
    """Labels that nothing can tell, or a model with room to learn samples by heart."""
    nothing, best = known.nothing, float(history.validation.min())
    blind = nothing is not None and best > 0.999 * nothing
    aucs = history.auc[~np.isnan(history.auc)]
    if len(aucs) and known.validation_samples:  # standard error of an AUC of 0.5, even classes (Hanley & McNeil 1982)
        blind = blind and float(np.median(aucs)) < 0.5 + 2 / sqrt(3 * known.validation_samples)
    because = (
        f"validation was never better than knowing nothing (best {best:.4f}, nothing {nothing:.4f})" if blind else ""
    )
    fix = (
        "check that labels belong to their inputs, on both parts; if they do, there is nothing to find in these inputs"
    )
    yield Cause("data pipeline", "labels that the inputs do not tell", SHOWN if blind else POSSIBLE, because, fix)
    early = not blind and history.best < len(history) - 1
    room = known.parameters is not None and known.samples is not None and known.parameters > known.samples
    facts = [f"validation got worse after epoch {history.best + 1}"] if early else []
    facts += [f"{known.parameters:,} parameters for {known.samples:,} samples"] if room else []
    fix = "more data, or a smaller model, dropout, weight decay; stop early (train.patience)"
    change: list[str] = []
    if known.dropout is not None:
        change.append(f"model.dropout={min(0.5, max(0.3, known.dropout + 0.2)):g}")
    if known.lr is not None:
        change += [f"train.weight_decay={max(1e-2, known.weight_decay or 0):g}", "train.patience=3"]
    weight = min(STRONG, len(facts))
    yield Cause("architecture", "room to learn the samples by heart", weight, "; ".join(facts), fix, tuple(change))


def undertrained(history: History, known: Known) -> Iterator[Cause]:
    """Too few epochs; or each of them moves too little."""
    count = len(history)
    change = (f"train.epochs={4 * count}", "train.patience=10") if known.lr is not None else ()
    fix = "train for more epochs, and let early stopping end it"
    yield Cause("one batch", "too few epochs", STRONG, f"stopped by their number, {count}", fix, change)
    if known.descends:
        yield from (cause for cause in _low_rate(known) if cause.weight >= LIKELY)


def dead(known: Known, before: float) -> Iterator[Cause]:
    """Units that training silenced were pushed by steps too large; units silent from the start were built so."""
    if before <= 0.5:
        because = f"{before:.0%} were silent before training"
        yield _lower_rate(known, SHOWN, because)
    else:
        fix = "initialise by fan-in with small biases, or use a leaky activation"
        because = f"{before:.0%} were silent before training already"
        yield Cause("architecture", "units that are silent from the start", SHOWN, because, fix)
    yield from _inputs(known)


def starved(shares: np.ndarray, known: Known) -> Iterator[Cause]:
    """Nobody makes batches ahead, storage that is slow the first time, samples that take long to prepare."""
    alone = known.workers == 0
    because = "the training process makes its batches itself (0 workers)" if alone else ""
    fix = "let processes make batches ahead: DataLoader(num_workers=4, persistent_workers=True)"
    change = () if known.workers is None else (f"workers={max(4, 2 * known.workers)}",)
    if known.workers is None or alone:
        name = "nothing makes batches ahead of the training"
        yield Cause("data pipeline", name, SHOWN if alone else POSSIBLE, because, fix, change)
    later = float(np.median(shares[1:])) if len(shares) > 1 else float(shares[0])
    cold = len(shares) > 1 and later * (1 - shares[0]) < 0.5 * shares[0] * (1 - later)  # waited for a second's work
    because = f"{shares[0]:.0%} of the first epoch were waiting, {later:.0%} of later ones" if cold else ""
    fix = "read from memory or a local disk, in few large files"
    yield Cause("data pipeline", "slow storage", STRONG if cold else POSSIBLE, because, fix)
    steady = len(shares) > 1 and not cold
    because = f"{shares[0]:.0%} of the first epoch were waiting, {later:.0%} of later ones" if steady else ""
    fix = "prepare samples once and keep them, or whole batches at a time; fewer transforms a sample"
    yield Cause("data pipeline", "each sample takes long to prepare", LIKELY if steady else POSSIBLE, because, fix)
    if known.workers:
        because = f"{known.workers} workers cannot make batches as fast as they are used"
        yield Cause("data pipeline", "too few workers", LIKELY, because, "let more processes make batches", change)


def apart(wobble: float, known: Known, norms: np.ndarray) -> Iterator[Cause]:
    """Steps that are too large, batches that are too small, gradients that are not clipped."""
    shaky = wobble > 0.5
    because = f"validation moves from epoch to epoch by {wobble:.0%} of all that is gained" if shaky else ""
    calm = known.lr is not None and known.lr <= CALM_RATE
    yield _lower_rate(known, (LIKELY if calm else STRONG) if shaky else POSSIBLE, because, by=10.0)
    small = known.batch_size is not None and known.batch_size < 64
    change: Any = () if known.batch_size is None else (f"train.batch_size={4 * known.batch_size}",)
    because = f"{known.batch_size} samples a step" if small else ""
    fix = "take larger batches"
    yield Cause("one batch", "batches too small", STRONG if small else POSSIBLE, because, fix, change)
    wild = known.clip_norm is None and len(norms) > 1 and float(norms.max()) > 5 * float(np.median(norms))
    if known.clip_norm is None:
        because = f"gradient norms up to {norms.max():.3g}, {np.median(norms):.3g} in the middle" if wild else ""
        change = ("train.clip_norm=1.0",) if known.lr is not None else ()
        fix = "clip the gradient's norm"
        yield Cause("gradient flow", "gradients not clipped", STRONG if wild else POSSIBLE, because, fix, change)
