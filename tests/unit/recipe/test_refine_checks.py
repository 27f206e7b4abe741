"""What steps 4 to 6 measured, as findings: what passes, what is a warning, and that its picture shows what it says."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from edgeproof.core.container import write_container
from edgeproof.core.rng import Rng
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.refine_checks import gain_check, rate_check, regularise_checks, seeds_check
from edgeproof.recipe.refine_steps import Attempts, Ground
from edgeproof.recipe.refine_trial import Tried

PRIOR, SAMPLES = 0.69, 300
CONFIG = load_run_config({"costs": {"commission_bps": 1.0}})


class Here:
    """As much of a Ground as the checks ask for."""

    def rng(self, *trials: Tried) -> Rng:
        return Rng(0).child(*(trial.trial for trial in trials))


GROUND = cast("Ground", Here())


def trial(folder: Path, loss: float, train: float, *, seed: int = 0, history: Any = ()) -> Tried:
    """A finished trial whose mean losses on validation and on training samples are these."""
    scatter = 0.01 * np.random.default_rng(0).standard_normal(SAMPLES)
    losses, key = loss + scatter - scatter.mean(), np.arange(SAMPLES)
    arrays = {"key": key, "bar": key, "loss": losses, "prior": np.full(SAMPLES, PRIOR)}
    write_container(folder / "losses.safetensors", arrays, {})
    room = PRIOR - train
    body = {"trial": folder.name, "loss": loss, "train": train, "prior": PRIOR, "history": list(history)}
    body["gap"] = (loss - train) / room if room > 0 else None
    return Tried(folder.name, CONFIG.model_copy(update={"seed": seed}), folder, body)


def left(standing: Tried, *made: Tried) -> Attempts:
    return Attempts(standing, made, tuple((False, "") for _ in made), ())


@pytest.mark.parametrize(
    ("loss", "train", "level", "claim"),
    [
        (0.67, 0.68, "info", "nothing is known by heart alone (gap -1.00)"),
        (0.68, 0.67, "info", "50% of what it gained on training samples is lost on validation (gap 0.50)"),
        (0.70, 0.67, "warning", "all that it gained on training samples is lost on validation, and more (gap 1.50)"),
        (0.70, 0.70, "warning", "training samples are forecast no better than by the prior"),
    ],
)
def test_the_gap_says_how_much_is_known_by_heart(tmp_path, loss, train, level, claim):
    only = trial(tmp_path / "as it is", loss, train)
    beats, gap, tried = regularise_checks(GROUND, only, left(only))
    assert gap.level == level
    assert claim in gap.claim
    assert bool(gap.remedy) == (level == "warning")
    assert gap.evidence["measured"] == only.gap
    assert beats.level == ("info" if loss < PRIOR else "warning")
    assert (beats.evidence["measured"], beats.evidence["threshold"]) == (loss, PRIOR)
    assert beats.evidence["plot"]["y"] == pytest.approx([PRIOR - train, PRIOR - loss])
    assert (tried.level, tried.evidence["measured"], tried.evidence["threshold"]) == ("warning", 0, 3)


def test_learning_curves_of_what_stands_come_first(tmp_path):
    curve = [[1, 0.69, 0.69], [2, 0.68, 0.685]]
    first, a, b = (trial(tmp_path / name, 0.68, 0.67, history=curve) for name in ("as it is", "a", "b"))
    _, gap, _ = regularise_checks(GROUND, first, Attempts(b, (a, b), ((False, ""), (True, "")), ()))
    titles = [plot["title"] for plot in gap.evidence["plots"]]
    assert titles == ["Gap by trial", "Learning of as it is", "Learning of b", "Learning of a"]
    assert gap.evidence["plots"][1]["beside"] == {"training": [0.69, 0.68]}


def swept(values: list[float | None], *, suggested: float | None, weak: bool = False) -> dict[str, Any]:
    rates = np.geomspace(1e-5, 1e-1, len(values)).tolist()
    points = [{"rate": rate, "value": value} for rate, value in zip(rates, values, strict=True)]
    return {"points": points, "metric": "log_loss", "nothing": PRIOR, "suggested": suggested, "best": suggested} | {
        "weak": weak
    }


def test_a_rate_that_diverged_does_not_flatten_the_curve_of_the_others():
    check = rate_check(swept([0.689, 0.68, 0.67, 7.5, None], suggested=1e-3), 3e-3)
    assert check.level == "info"
    assert check.evidence["plot"]["y"] == [0.689, 0.68, 0.67]
    assert "1 far off left out" in check.evidence["plot"]["x_label"]
    assert (check.evidence["measured"], check.evidence["threshold"]) == (1e-3, 3e-3)


@pytest.mark.parametrize("body", [swept([None] * 3, suggested=None), swept([0.69] * 3, suggested=1e-3, weak=True)])
def test_a_sweep_in_which_nothing_is_learned_suggests_no_rate(body):
    check = rate_check(body, 3e-3)
    assert check.level == "warning"
    assert check.remedy


def test_seeds_are_compared_with_what_was_gained(tmp_path):
    first = trial(tmp_path / "first", 0.68, 0.67)
    near, far = (trial(tmp_path / f"{loss}", loss, 0.67, seed=1) for loss in (0.681, 0.72))
    assert seeds_check(GROUND, first, first, [near]).level == "info"
    wide = seeds_check(GROUND, first, first, [far])
    assert wide.level == "warning"
    assert wide.evidence["measured"] == pytest.approx(np.std([0.68, 0.72], ddof=1))
    assert wide.evidence["plot"]["names"] == ["seed 0", "seed 1"]
    alone = seeds_check(GROUND, first, first, [])
    assert (alone.level, alone.evidence["measured"]) == ("warning", None)


def test_the_gain_in_the_end_is_that_on_the_config_as_it_was(tmp_path):
    first, best, worse = (trial(tmp_path / name, loss, 0.6) for name, loss in (("a", 0.68), ("b", 0.66), ("c", 0.7)))
    check = gain_check(GROUND, first, best, [worse])
    assert check.evidence["measured"] == pytest.approx(0.02)
    assert check.claim.startswith("b loses 0.02000 ")
    assert dict(zip(check.evidence["plot"]["names"], check.evidence["plot"]["y"], strict=True)) == pytest.approx(
        {"a": 0.01, "b": 0.03, "c": -0.01}
    )
    same = gain_check(GROUND, first, first, [worse])
    assert same.evidence["measured"] == 0.0
    assert "it is the result" in same.claim
