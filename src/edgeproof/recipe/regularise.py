"""Step 4: how much of what the model learned it knows by heart, and what less of it gives on validation.

Three techniques are tried (`standard`), or all that apply (`full`), in the order of `regularise_ways`.
"""

from edgeproof.recipe.refine_checks import regularise_checks
from edgeproof.recipe.refine_steps import Attempts, Ground, listed, try_each
from edgeproof.recipe.refine_trial import Tried, tried
from edgeproof.recipe.regularise_ways import TECHNIQUES
from edgeproof.recipe.steps import Step

__all__ = ["regularise"]

THREE = 3


def regularise(ground: Ground) -> tuple[Step, Tried, Tried]:
    """Train the config as it is, then try what may narrow its gap; answers step, first trial, and what stands."""
    base = ground.bench.config
    first = tried(
        ground.bench, "as it is", base, ground.folder / "regularise" / "00-as-it-is", write=ground.write, must=True
    )
    most = None if ground.gates.profile == "full" else THREE
    found = try_each(ground, "regularise", first, TECHNIQUES, most=most)
    return _step(ground, first, found), first, found.standing


def _step(ground: Ground, first: Tried, found: Attempts) -> Step:
    stays = found.standing is first
    rows = listed(ground, first, chosen=stays, why="the config of the run")
    for trial, (taken, why) in zip(found.made, found.why, strict=True):
        rows += listed(ground, trial, chosen=taken, why=why)
    return Step(
        name="regularise",
        title="Regularise",
        seconds=round(sum(trial.seconds for trial in (first, *found.made)), 3),
        checks=tuple(regularise_checks(ground, first, found)),
        skipped=found.skipped,
        trials=tuple(rows),
        said=_said(first, found),
    )


def _said(first: Tried, found: Attempts) -> str:
    taken = [trial.label for trial, (yes, _) in zip(found.made, found.why, strict=True) if yes]
    if not found.made:
        return f"No regulariser was tried: the config stays ({_gap(first)})."
    one = len(found.made) == 1
    count = "1 regulariser was tried" if one else f"{len(found.made)} regularisers were tried"
    if not taken:
        return f"{count} and none was better by more than its noise: the config stays ({_gap(first)})."
    return f"{count}; taken: {', '.join(taken)} (as it is: {_gap(first)}; now: {_gap(found.standing)})."


def _gap(trial: Tried) -> str:
    return "nothing learned" if trial.gap is None else f"gap {trial.gap:.2f}"
