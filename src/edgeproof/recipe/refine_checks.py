"""What steps 4 to 6 measured, as findings with small plots: gaps, learning curves, rates, seeds, the gain in the end.

None of them stops a run. A market without an edge fails the first of them, and that is an answer, not a fault: the
verdict is made to say `no_edge`, and a run that was stopped here would leave counted trials and no verdict.
"""

from collections.abc import Mapping, Sequence
from statistics import median, stdev
from typing import Any

import numpy as np

from edgeproof.core.finding import Finding, failed, passed
from edgeproof.gates.plot import bars, line
from edgeproof.recipe.refine_gain import Gain, gain, gain_on_prior
from edgeproof.recipe.refine_steps import Attempts, Ground
from edgeproof.recipe.refine_trial import Tried

__all__ = ["gain_check", "rate_check", "regularise_checks", "search_check", "seeds_check"]

ENOUGH = 3  # techniques
Plot = dict[str, Any]


def regularise_checks(ground: Ground, first: Tried, found: Attempts) -> list[Finding]:
    """Whether validation beats the prior, how large the gap is, and whether enough was tried.

    Args:
        ground: of the step.
        first: the config as it is.
        found: what was tried on it.
    """
    trials = (first, *(trial for trial in found.made if trial.done))
    return [_beats_prior(ground, found.standing), _gap(first, found.standing, trials), _tried(found)]


def _beats_prior(ground: Ground, trial: Tried) -> Finding:
    found, body = gain_on_prior(trial, ground.rng(trial)), trial.body
    gains = {"on training": body["prior"] - body["train"], "on validation": body["prior"] - body["loss"]}
    title = f"Gain on the prior, {trial.label}"
    plot = bars(
        gains, title=title, y_label="loss of the prior - loss", threshold=0.0, threshold_name="prior", wrong="below"
    )
    evidence: dict[str, Any] = {"gain": found.to_json(), "plot": plot}
    if found.mean > 0:
        sure = "more than its noise" if found.sure else "within its noise"
        claim = f"validation beats the prior by {found.words()}, {sure}"
        return passed("regularise.beats_prior", claim, measured=body["loss"], threshold=body["prior"], **evidence)
    return failed(
        "regularise.beats_prior",
        "warning",
        f"validation loses {-found.mean:.5f} more than the prior: nothing was learned that holds there",
        "expect no edge from this market and label; else another label or features (docs/how/debug_training.md)",
        measured=body["loss"],
        threshold=body["prior"],
        **evidence,
    )


def _gap(first: Tried, standing: Tried, trials: Sequence[Tried]) -> Finding:
    """(validation - train) / (prior - train): 0 where all that was learned holds, 1 where nothing of it does."""
    known = {trial.label: trial.gap for trial in trials if trial.gap is not None}
    inner = {trial.label: trial for trial in (first, standing, *trials)}  # what stands is drawn before what was left
    plots = [_curves(trial) for trial in inner.values() if len(trial.body["history"]) > 1]
    gaps = bars(known, title="Gap by trial", y_label="gap", threshold=1.0, threshold_name="prior", wrong="above")
    evidence: dict[str, Any] = {"as_it_is": first.gap, "plots": [gaps, *plots] if known else plots}
    if standing.gap is None:
        return failed(
            "regularise.gap",
            "warning",
            "training samples are forecast no better than by the prior: nothing was learned, so there is no gap",
            "raise train.lr or train.epochs; `edgeproof sweep` shows where learning begins",
            measured=None,
            threshold=1.0,
            **evidence,
        )
    before = "" if first.gap is None or standing is first else f" (gap {first.gap:.2f} before)"
    claim = _kept(standing.gap) + before
    if standing.gap <= 1:
        return passed("regularise.gap", claim, measured=standing.gap, threshold=1.0, **evidence)
    return failed(
        "regularise.gap",
        "warning",
        claim,
        "give it more bars or symbols, or less to learn by heart with: profile full tries every regulariser",
        measured=standing.gap,
        threshold=1.0,
        **evidence,
    )


def _kept(gap: float) -> str:
    """How much of what was gained on training samples is gained on validation, too."""
    if gap <= 0:
        return f"validation gains as much as the training samples do: nothing is known by heart alone (gap {gap:.2f})"
    if gap <= 1:
        return f"{gap:.0%} of what it gained on training samples is lost on validation (gap {gap:.2f})"
    return f"all that it gained on training samples is lost on validation, and more (gap {gap:.2f})"


def _curves(trial: Tried) -> Plot:
    epochs, train, validation = zip(*trial.body["history"], strict=True)
    plot = line(validation, x=epochs, title=f"Learning of {trial.label}", x_label="epoch", y_label="loss")
    places = np.searchsorted(np.asarray(epochs), np.asarray(plot["x"]))
    return plot | {"name": "validation", "beside": {"training": [train[place] for place in places]}}


def _tried(found: Attempts) -> Finding:
    count = len(found.made)
    if count >= ENOUGH:
        return passed("regularise.tried", f"{count} techniques were tried", measured=count, threshold=ENOUGH)
    return failed(
        "regularise.tried",
        "warning",
        f"only {count} of {ENOUGH} techniques could be tried; the others do not apply, or the budget was spent",
        "raise gates.minutes, or choose a model that has more to regularise",
        measured=count,
        threshold=ENOUGH,
    )


def rate_check(body: Mapping[str, Any], own: float) -> Finding:
    """What the sweep of the learning rate says.

    Args:
        body: the content of `sweep.json`.
        own: the config's rate.
    """
    known = [(point["rate"], point["value"]) for point in body["points"] if point["value"] is not None]
    seen = _worth_seeing(known, body["nothing"])
    left_out = f"; {len(known) - len(seen)} far off left out" if len(seen) < len(known) else ""
    plot = line(
        [value for _, value in seen],
        x=[float(np.log10(rate)) for rate, _ in seen],
        title="Validation against the learning rate",
        x_label=f"log10 of train.lr{left_out}",
        y_label=str(body["metric"]),
        threshold=body["nothing"],
        threshold_name="prior",
    )
    evidence: dict[str, Any] = {"best": body["best"], "plot": plot} if known else {"best": body["best"]}
    if body["suggested"] is None or body["weak"]:
        return failed(
            "tune.rate",
            "warning",
            "no rate is clearly better than knowing nothing: the config's own stays",
            "nothing follows from such a sweep; look at the data and the label first",
            measured=body["suggested"],
            threshold=own,
            **evidence,
        )
    claim = f"the sweep suggests train.lr={body['suggested']:.2g}, the config has {own:.2g}"
    return passed("tune.rate", claim, measured=body["suggested"], threshold=own, **evidence)


def _worth_seeing(points: Sequence[tuple[float, float]], nothing: float) -> list[tuple[float, float]]:
    """The points but for those so bad that the others would be one flat line beside them."""
    room = 4 * median([abs(value - nothing) for _, value in points] or [0.0])
    return [(rate, value) for rate, value in points if abs(value - nothing) <= room]


def seeds_check(ground: Ground, first: Tried, standing: Tried, others: Sequence[Tried]) -> Finding:
    """Whether what was gained is more than another seed alone would change.

    Args:
        ground: of the step.
        first: the config as it was asked for.
        standing: what the run goes on with.
        others: the same config with other seeds.
    """
    done = [standing, *(trial for trial in others if trial.done)]
    losses = [trial.body["loss"] for trial in done]
    if len(losses) < 2:
        return failed(
            "tune.seeds",
            "warning",
            "no other seed could be trained: nobody knows what this one owes to luck",
            "see why in the trials of this step, and in what it skipped",
            measured=None,
            threshold=None,
        )
    same = standing.config.trial_identity() == first.config.trial_identity()
    found = (
        gain_on_prior(standing, ground.rng(standing)) if same else gain(standing, first, ground.rng(standing, first))
    )
    what = "the model gains on the prior" if same else "the steps gained on the config as it was"
    spread = stdev(losses)
    gains = {f"seed {trial.config.seed}": trial.body["prior"] - trial.body["loss"] for trial in done}
    plot = bars(gains, title="Gain on the prior by seed", y_label="loss of the prior - loss")
    evidence: dict[str, Any] = {"losses": losses, "plot": plot}
    differ = f"seeds differ by {spread:.5f} (standard deviation of {len(losses)})"
    if spread < found.mean:
        claim = f"{differ}, less than the {found.mean:.5f} that {what}"
        return passed("tune.seeds", claim, measured=spread, threshold=found.mean, **evidence)
    return failed(
        "tune.seeds",
        "warning",
        f"{differ}, {what} only {found.mean:.5f}",
        "another seed could have chosen another config: lean on neither; combine=ensemble averages seeds",
        measured=spread,
        threshold=found.mean,
        **evidence,
    )


def search_check(found: Gain, values: Sequence[float], why: str) -> Finding:
    """What the search found: the best so far after each trial, and its gain on what stood."""
    best = np.minimum.accumulate(np.asarray(values))
    plot = line(best, title="Best log loss so far", x_label="trial", y_label="log loss")
    evidence = {"gain": found.to_json(), "plot": plot}
    return passed(
        "tune.search",
        f"the best of {len(values)} trials is {why}",
        measured=found.mean,
        threshold="taken where it is above 0 by more than its noise",
        **evidence,
    )


def gain_check(ground: Ground, first: Tried, standing: Tried, made: Sequence[Tried]) -> Finding:
    """What all steps together gained on the config as it was asked for, with its interval."""
    shown = {trial.trial: trial for trial in (first, standing, *made) if trial.done}
    gains = {trial.label: trial.body["prior"] - trial.body["loss"] for trial in shown.values()}
    plot = bars(gains, title="Gain on the prior, on validation", y_label="loss of the prior - loss")
    if standing is first or standing.trial == first.trial:
        claim = "nothing that was tried is better than the config as it was by more than its noise: it is the result"
        return passed("squeeze.gain", claim, measured=0.0, threshold=0.0, plot=plot)
    found = gain(standing, first, ground.rng(standing, first))
    claim = f"{standing.label} loses {found.words()} less than the config as it was"
    return passed("squeeze.gain", claim, measured=found.mean, threshold=0.0, gain=found.to_json(), plot=plot)
