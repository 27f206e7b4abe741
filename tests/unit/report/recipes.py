"""What the steps of a run leave in `gates.json`, made by hand for the report's tests."""

from typing import Any

import numpy as np

from edgeproof.core.finding import failed, passed
from edgeproof.gates import plot


def curve(end: float) -> dict[str, Any]:
    losses = end + (0.7 - end) * np.exp(-np.arange(300) / 40)
    return plot.line(
        losses,
        title="Loss of one batch, rate 0.003",
        x_label="step",
        y_label="loss",
        threshold=0.01,
        threshold_name="enough",
        log=True,
    )


def norms() -> dict[str, Any]:
    sizes = {f"layers.{k}.{part}": 10.0**-k for k in range(4) for part in ("weight", "bias")}
    return plot.bars(sizes, title="Gradient norm of each parameter", y_label="norm, log scale", log=True)


def data_step() -> dict[str, Any]:
    spread = plot.histogram(np.linspace(-1, 1, 400) ** 3, title="Scale of the input columns", x_label="log10")
    shares = plot.bars({"0": 0.51, "1": 0.49}, title="Share of each class", y_label="share", threshold=0.02)
    checks = [
        passed("data.finite", "all of 12,000 numbers are finite", measured=0, threshold="no NaN, no infinity"),
        passed("data.scale", "inputs are of a usual scale", measured=1.0, threshold=[0.001, 1000.0], plot=spread),
        passed("data.labels", "classes 0: 51.0%, 1: 49.0%", measured=0.49, threshold=0.02, plot=shares),
        failed(
            "quality.gaps",
            "warning",
            "14 bars are missing",
            "import the missing bars again",
            measured=14,
            threshold=0,
            where="SYN3",
            longest=5,
        ),
    ]
    return {
        "name": "data",
        "title": "Data",
        "seconds": 0.8,
        "checks": [finding.to_json() for finding in checks],
        "skipped": [{"check": "data.target_shifted", "why": "one label a sample"}],
        "trials": [],
        "said": "The data can be learned from; 1 warning.",
    }


def skeleton_step(*, learned: bool = True) -> dict[str, Any]:
    check, claim = "capacity.one_batch", "64 samples are learned by heart in 212 steps (loss 0.0098)"
    strip = plot.strip([0.0] * 11 + [0.3], title="How far each output moves", x_label="step", threshold=1e-4)
    checks = [
        passed("flow.gradients", "a gradient reaches all 8 parameters", measured=0, threshold="not zero", plot=norms()),
        passed("flow.time_order", "no output reads a later step", measured=0.0, threshold="earlier only", plot=strip),
    ]
    if learned:
        checks.append(passed(check, claim, measured=0.0098, threshold=0.01, steps=212, plot=curve(0.005)))
    else:
        remedy = "mend what other checks name first; then look at labels that do not belong to their inputs"
        claim = "64 samples are not learned by heart: loss 0.5012 after 1000 steps"
        known = {"steps": 1000, "plot": curve(0.5), "command": "edgeproof doctor runs/first --market market"}
        checks.append(failed(check, "error", claim, remedy, measured=0.5012, threshold=0.01, **known))
    return {
        "name": "skeleton",
        "title": "Skeleton",
        "seconds": 2.4,
        "checks": [finding.to_json() for finding in checks],
        "skipped": [],
        "trials": [],
        "said": "The untrained model is sound." if learned else "One batch is not learned by heart.",
    }


def regularise_step() -> dict[str, Any]:
    names = ("log_loss", "gap", "net_sharpe", "chosen", "why")
    rows = {
        "as configured": (0.6871, 0.42, 1.21, False, "the base"),
        "dropout 0.2": (0.6862, 0.18, 1.48, True, "lowest log loss, by more than its noise"),
        "weight decay 0.01": (None, None, None, False, "failed: the loss became infinite"),
    }
    trials = [
        {"label": label, "trial": f"{number:016x}"} | dict(zip(names, row, strict=True))
        for number, (label, row) in enumerate(rows.items())
    ]
    inner = {"log_loss": None, "gap": None, "net_sharpe": None, "chosen": True, "why": "a part of it"}
    trials.append({"label": "fold 1", "trial": "f" * 16, "behind": "dropout 0.2"} | inner)
    return {
        "name": "regularise",
        "title": "Regularise",
        "seconds": 31.0,
        "checks": [],
        "skipped": [],
        "trials": trials,
        "said": "Dropout 0.2 is kept.",
    }


def gates(*, stopped: bool = False, full: bool = False) -> dict[str, Any]:
    """gates.json of a run: stopped in its second step, or finished."""
    steps = [data_step(), skeleton_step(learned=not stopped), *([regularise_step()] if full else [])]
    return {
        "profile": "standard" if full else "quick",
        "gate": "stop",
        "stopped": "capacity.one_batch" if stopped else None,
        "seconds": sum(step["seconds"] for step in steps),
        "steps": steps,
    }
