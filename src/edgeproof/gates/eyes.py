"""What the model is shown: finite and varied inputs, labels of several classes, no label that is already an input.

`signal` is the one check with a p-value: do inputs and labels of held-out samples belong together at all?
"""

# N samples, K numbers of a sample, C classes

from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from edgeproof.core.finding import Finding
from edgeproof.gates import plot
from edgeproof.gates.report import failed, passed
from edgeproof.gates.subject import Subject, asked

__all__ = ["duplicates", "finite", "labels", "scale", "signal", "target_in_inputs", "target_shifted", "varied"]

SMALL, LARGE = 1e-3, 1e3  # of a column's standard deviation
ALMOST = 0.999  # AUC of one number alone
COPIED = 0.99  # of all steps
LEAST = 16  # samples of a class
RARE = 0.02
MOST_COLUMNS = 4096
LEVEL = 0.01  # of the p-value
PERMUTATIONS = 999
SHOWN = 12  # columns in a plot


def _columns(subject: Subject) -> tuple[np.ndarray, list[str]]:
    """f64[N, K] every number of every input, and where each stands."""
    whole = subject.samples(4096)
    parts, names = [], []
    for number, part in enumerate(whole.inputs):
        flat = part.detach().reshape(len(part), -1).double().numpy()[:, :MOST_COLUMNS]
        parts.append(flat)
        names += [f"input {number + 1}{_place(part, column)}" for column in range(flat.shape[1])]
    return np.concatenate(parts, axis=1), names


def _place(part: Tensor, column: int) -> str:
    shape = tuple(part.shape[1:])
    return "" if not shape else f" at {[int(index) for index in np.unravel_index(column, shape)]}"


def finite(subject: Subject) -> Finding:
    """No input and no target is NaN or infinite."""
    check, threshold = "data.finite", "no NaN, no infinity"
    values, names = _columns(subject)
    bad = np.flatnonzero(~np.isfinite(values).all(axis=0))
    targets = torch.cat([batch.target.reshape(-1) for batch in subject.batches])
    lost = int((~torch.isfinite(targets.double())).sum())
    if not len(bad) and not lost:
        return passed(check, f"all of {values.size:,} numbers are finite", measured=0, threshold=threshold)
    where = names[bad[0]] if len(bad) else "the target"
    count = int((~np.isfinite(values)).sum()) + lost
    return failed(
        check,
        "error",
        f"{count:,} numbers are NaN or infinite, first in {where}",
        "mask or drop these samples, or mend what computes them (division by zero, logarithm of 0, missing values)",
        measured=count,
        threshold=threshold,
        where=where,
    )


def varied(subject: Subject) -> Finding:
    """Inputs differ from sample to sample; a column that never changes carries nothing."""
    check, threshold = "data.varied", "not one number is the same for all samples"
    values, names = _columns(subject)
    still = np.flatnonzero(np.ptp(values, axis=0) == 0.0) if len(values) > 1 else np.empty(0, int)
    share = len(still) / values.shape[1]
    if share == 0.0:
        return passed(check, f"all {values.shape[1]:,} numbers of a sample vary", measured=0.0, threshold=threshold)
    return failed(
        check,
        "error" if share > 0.9 else "warning",
        f"{len(still):,} of {values.shape[1]:,} numbers of a sample never change, such as {names[still[0]]}",
        "leave them out, or look for an input that was overwritten, clipped or scaled away",
        measured=share,
        threshold=threshold,
        where=names[still[0]],
    )


def scale(subject: Subject) -> Finding:
    """No real-valued input column has a standard deviation above 1,000 or (if it varies) below 0.001."""
    check, threshold = "data.scale", [SMALL, LARGE]
    values, names = _columns(subject)
    whole = subject.samples(1).inputs
    real = np.concatenate([np.full(part[0].numel(), part.is_floating_point())[:MOST_COLUMNS] for part in whole])
    spread = np.where(np.isfinite(values), values, 0.0).std(axis=0)
    odd = np.flatnonzero(real & (spread > 0.0) & ((spread > LARGE) | (spread < SMALL)))
    drawn = plot.histogram(
        np.log10(spread[real & (spread > 0.0)]), title="Scale of the input columns", x_label="log10 of the deviation"
    )
    if not len(odd):
        claim = "inputs are of a usual scale"
        return passed(check, claim, measured=float(spread.max()), threshold=threshold, plot=drawn)
    first = odd[np.abs(np.log(spread[odd])).argmax()]
    return failed(
        check,
        "warning",
        f"{names[first]} has a standard deviation of {spread[first]:.3g} ({len(odd):,} columns out of scale)",
        "standardise inputs with mean and deviation of the training samples",
        measured=float(spread[first]),
        threshold=threshold,
        where=names[first],
        plot=drawn,
    )


def labels(subject: Subject) -> Finding:
    """There is more than one class, and none is very rare."""
    check = "data.labels"
    targets = torch.cat([batch.target.reshape(-1) for batch in subject.batches])
    if subject.kind == "values":
        spread = float(targets.double().std()) if len(targets) > 1 else 0.0
        if spread > 0.0 or len(targets) < 2:
            drawn = plot.histogram(targets.double().numpy(), title="Targets", x_label="target")
            claim = f"targets have a standard deviation of {spread:.3g}"
            return passed(check, claim, measured=spread, threshold="> 0", plot=drawn)
        return failed(check, "error", "all targets are equal", "look at the loader", measured=spread, threshold="> 0")
    values, counts = targets[asked(targets)].unique(return_counts=True)
    shares = {str(int(value)): float(count) / int(counts.sum()) for value, count in zip(values, counts, strict=True)}
    rare = min(shares.values())
    drawn = plot.bars(shares, title="Share of each class", y_label="share")
    drawn |= {"threshold": RARE, "threshold_name": "rare below", "wrong": "below"} if len(shares) <= 20 else {}
    told = ", ".join(f"{name}: {share:.1%}" for name, share in list(shares.items())[:12])
    if len(shares) > 1 and (rare >= RARE or len(shares) > 20):
        return passed(check, f"classes {told}", measured=rare, threshold=RARE, shares=shares, plot=drawn)
    single = len(shares) < 2
    return failed(
        check,
        "error" if single else "warning",
        "all labels are of one class" if single else f"a class is rare: {told}",
        "look at the labels and at how batches are drawn"
        if single
        else "weigh classes alike (weighted or focal loss), start the bias at the prior, look at more than accuracy",
        measured=rare if not single else 1.0,
        threshold=RARE,
        shares=shares,
        plot=drawn,
    )


def target_in_inputs(subject: Subject) -> Finding:
    """No single input number tells the label almost perfectly: such a number usually is the label.

    An error where it tells every label; between AUC 0.999 and 1 a warning, for a task may be that easy.
    """
    check = "data.target_in_inputs"
    values, names = _columns(subject)
    target = subject.samples(4096).target
    if subject.kind == "values" or target.numel() != len(target):
        return passed(check, "not a label a sample: not looked at", measured=None, threshold=ALMOST)
    flat = target.reshape(-1).numpy()
    strongest = np.full(values.shape[1], 0.5)
    ranks = rankdata(np.nan_to_num(values), axis=0)
    for value in np.unique(flat):
        is_class = flat == value
        inside, outside = int(is_class.sum()), int((~is_class).sum())
        if min(inside, outside) < LEAST:
            continue
        area = (ranks[is_class].sum(axis=0) - inside * (inside + 1) / 2) / (inside * outside)
        strongest = np.maximum(strongest, np.maximum(area, 1 - area))
    best, where = float(strongest.max()), names[int(strongest.argmax())]
    drawn = _strongest(strongest, names)
    if best < ALMOST:
        claim = f"no single number tells the label (the best has AUC {best:.3f})"
        return passed(check, claim, measured=best, threshold=ALMOST, plot=drawn)
    return failed(
        check,
        "error" if best == 1.0 else "warning",
        f"{where} alone tells the label (AUC {best:.4f})",
        "look whether it is the label, is computed from it, or is only known later; take it out",
        measured=best,
        threshold=ALMOST,
        where=where,
        plot=drawn,
    )


def _strongest(strength: np.ndarray, names: list[str]) -> dict[str, Any]:
    """The columns that tell the label best."""
    order = np.argsort(-strength, kind="stable")[:SHOWN]
    return plot.bars(
        {names[column]: float(strength[column]) for column in order},
        title="AUC of one number alone, the best ones",
        y_label="AUC",
        threshold=ALMOST,
        threshold_name="below",
        wrong="above",
    )


def target_shifted(subject: Subject) -> Finding:
    """Where each step has a target, it is not a number that the model is given at that very step.

    Only for models that are meant to be causal: they would learn to copy, and say nothing of the step to come.
    """
    check, threshold = "data.target_shifted", f"equal in less than {COPIED:.0%} of the steps"
    whole = subject.samples(4096)
    shares = {
        f"input {number + 1}": _equal_share(part, whole.target)
        for number, part in enumerate(whole.inputs)
        if part.ndim >= 2 and whole.target.ndim >= 2 and part.shape[:2] == whole.target.shape[:2]
    }
    where, share = max(shares.items(), key=lambda entry: entry[1], default=("", 0.0))
    drawn = plot.bars(shares, title="Share of targets that stand in an input", y_label="share")
    drawn |= {"threshold": COPIED, "threshold_name": "below", "wrong": "above"}
    if share < COPIED:
        return passed(check, "no target is an input of its own step", measured=share, threshold=threshold, plot=drawn)
    return failed(
        check,
        "error",
        f"{share:.0%} of the targets stand in {where} at their own step: the model needs only copy them",
        "shift by one step: inputs are sequence[:, :-1], targets sequence[:, 1:]",
        measured=share,
        threshold=threshold,
        where=where,
        plot=drawn,
    )


def _equal_share(part: Tensor, target: Tensor) -> float:
    """Largest share of steps at which one column of an input equals the target."""
    columns = part.reshape(*part.shape[:2], -1)
    if target.numel() != target.shape[0] * target.shape[1]:
        return 0.0
    counts = asked(target).reshape(target.shape[:2])
    same = (columns == target.reshape(*target.shape[:2], 1))[counts]
    return float(same.float().mean(dim=0).max()) if len(same) else 0.0


def duplicates(subject: Subject) -> Finding:
    """Equal inputs do not have unlike labels.

    Asked of real-valued inputs only: words and categories repeat by nature, and what follows them differs.
    """
    check, threshold = "data.duplicates", "no equal inputs with unlike labels"
    if not any(part.is_floating_point() for part in subject.batches[0].inputs):
        return passed(check, "inputs are whole numbers: not looked at", measured=None, threshold=threshold)
    values, _ = _columns(subject)
    target = subject.samples(4096).target.reshape(len(values), -1).numpy()
    _, group = np.unique(values, axis=0, return_inverse=True)
    order = np.argsort(group.reshape(-1), kind="stable")
    ordered, aims = group.reshape(-1)[order], target[order]
    clash = (ordered[1:] == ordered[:-1]) & (aims[1:] != aims[:-1]).any(axis=1)
    twins = int((ordered[1:] == ordered[:-1]).sum())
    if not clash.any():
        return passed(check, f"{twins} inputs occur twice, none with another label", measured=0, threshold=threshold)
    return failed(
        check,
        "warning",
        f"{int(clash.sum())} inputs occur again with another label: no model can tell them apart",
        "look for labels joined to the wrong rows, inputs that were cut too short, or rows repeated by a join",
        measured=int(clash.sum()),
        threshold=threshold,
        twins=twins,
    )


def signal(subject: Subject) -> Finding:
    """Held-out labels are told better than by chance from what near neighbours or a linear fit say; p by permutation.

    The labels of the second half are permuted 999 times (Good 2005, Permutation, Parametric and Bootstrap Tests). Where
    it fails, nothing simple is to be seen: it warns, since a relation may be there that only the model can find.
    """
    check = "data.signal"
    values, _ = _columns(subject)
    whole = subject.samples(4096)
    if whole.target.numel() != len(whole) or len(whole) < 8 * LEAST:
        return passed(check, "too few samples with one label each: not looked at", measured=None, threshold=LEVEL)
    y = whole.target.reshape(-1).double().numpy()
    x = (values - values.mean(axis=0)) / np.where(values.std(axis=0) > 0, values.std(axis=0), 1.0)
    aims = (
        np.stack([y == value for value in np.unique(y)], axis=1).astype(float)
        if subject.kind == "classes"
        else y[:, None]
    )
    draw = subject.rng.child("signal").numpy()
    order = draw.permutation(len(x))
    train, held = order[: len(x) // 2], order[len(x) // 2 :]
    scores = [_linear(x[train], aims[train], x[held]), _near(x[train], aims[train], x[held])]
    shuffled = [_shuffled(said, aims[held], draw) for said in scores]
    single, real, chance = min((_p_value(real, chance), real, chance) for real, chance in shuffled)
    p = min(1.0, len(scores) * single)
    drawn = plot.histogram(
        np.array([*chance, real]) / max(float(np.std(chance)), 1e-300),
        title="Agreement with permuted labels, and with the real ones",
        x_label="standard deviations of chance",
        threshold=real / max(float(np.std(chance)), 1e-300),
        threshold_name="real",
    )
    if p <= LEVEL:
        claim = f"inputs and labels belong together (p {p:.3f})"
        return passed(check, claim, measured=p, threshold=LEVEL, plot=drawn)
    return failed(
        check,
        "warning",
        f"neither a linear fit nor near neighbours tell held-out labels better than chance (p {p:.2f})",
        "look whether labels still stand beside their own inputs (a shuffle, a join, a shift by one row); weak "
        "signals, as in markets, look like this too",
        measured=p,
        threshold=LEVEL,
        plot=drawn,
    )


def _linear(x: np.ndarray, aims: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Ridge regression with a penalty of one a column, in the smaller of its two forms."""
    mean = aims.mean(axis=0)
    if x.shape[1] <= x.shape[0]:
        weights = np.linalg.solve(x.T @ x + x.shape[1] * np.eye(x.shape[1]), x.T @ (aims - mean))
    else:
        weights = x.T @ np.linalg.solve(x @ x.T + x.shape[1] * np.eye(x.shape[0]), aims - mean)
    return asked @ weights


def _near(x: np.ndarray, aims: np.ndarray, asked: np.ndarray, count: int = 5) -> np.ndarray:
    """Mean target of the five nearest samples."""
    apart = (asked**2).sum(axis=1)[:, None] - 2 * asked @ x.T + (x**2).sum(axis=1)[None, :]
    nearest = np.argpartition(apart, min(count, len(x)) - 1, axis=1)[:, :count]
    return aims[nearest].mean(axis=1)


def _shuffled(said: np.ndarray, aims: np.ndarray, draw: np.random.Generator) -> tuple[float, list[float]]:
    """How well scores agree with their targets, and with permuted ones."""
    centred = said - said.mean(axis=0)
    real = float((centred * aims).sum())
    return real, [float((centred * aims[draw.permutation(len(aims))]).sum()) for _ in range(PERMUTATIONS)]


def _p_value(real: float, chance: list[float]) -> float:
    """Share of permutations that agree as well as the real pairing."""
    return (1 + sum(value >= real for value in chance)) / (1 + PERMUTATIONS)
