"""One trial is better than another only beyond the noise of their difference; a simpler one where it loses no more."""

from pathlib import Path

import numpy as np
import pytest

from edgeproof.core.container import write_container
from edgeproof.core.rng import Rng
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.refine_gain import gain, gain_on_prior, judge_trial
from edgeproof.recipe.refine_trial import Tried

CONFIG = load_run_config({"costs": {"commission_bps": 1.0}})
SYMBOLS, BARS = 3, 400


def trial(folder: Path, loss: np.ndarray, *, prior: float = 0.693, keys: np.ndarray | None = None) -> Tried:
    """A finished trial with these losses of SYMBOLS x BARS samples."""
    key = np.arange(loss.size) if keys is None else keys
    arrays = {"key": key, "bar": key % BARS, "loss": loss.ravel(), "prior": np.full(loss.size, prior)}
    write_container(folder / "losses.safetensors", arrays, {})
    return Tried(folder.name, CONFIG, folder, {"trial": folder.name, "loss": float(loss.mean())})


@pytest.fixture
def noise() -> np.ndarray:
    return 0.69 + 0.1 * np.random.default_rng(5).standard_normal((SYMBOLS, BARS))


def test_what_both_share_cancels_out(tmp_path, noise):
    small = 0.002 + 0.005 * np.random.default_rng(6).standard_normal(noise.shape)
    old, new = trial(tmp_path / "old", noise), trial(tmp_path / "new", noise - small)
    found = gain(new, old, Rng(0))
    assert found.mean == pytest.approx(small.mean())
    assert found.sure  # though the losses themselves scatter fifty times as much
    assert gain(old, new, Rng(0)).mean == pytest.approx(-found.mean)
    judged = judge_trial(new, old, simpler=False, rng=Rng(0))
    assert judged.taken
    assert "more than its noise" in judged.why


def test_a_better_mean_within_its_noise_is_not_taken_unless_it_is_simpler(tmp_path, noise):
    change = np.random.default_rng(7).standard_normal(noise.shape) * 0.05
    change += 0.0005 - change.mean()
    old, new = trial(tmp_path / "old", noise), trial(tmp_path / "new", noise - change)
    left, taken = (judge_trial(new, old, simpler=simpler, rng=Rng(0)) for simpler in (False, True))
    assert (left.taken, taken.taken) == (False, True)
    assert "within its noise" in left.why
    assert "simpler" in taken.why
    back = judge_trial(old, new, simpler=True, rng=Rng(0))
    assert not back.taken
    assert back.why == "worse by 0.00050"


def test_pairs_are_the_samples_of_both(tmp_path, noise):
    keys = np.arange(noise.size)[SYMBOLS * 10 :]
    old = trial(tmp_path / "old", noise)
    new = trial(tmp_path / "new", noise.ravel()[keys] - 0.01, keys=keys)
    assert gain(new, old, Rng(0)).mean == pytest.approx(0.01)


def test_the_same_losses_are_no_gain(tmp_path, noise):
    old, new = trial(tmp_path / "old", noise), trial(tmp_path / "new", noise)
    assert not gain(new, old, Rng(0)).sure
    assert judge_trial(new, old, simpler=False, rng=Rng(0)).why == "no different"


def test_a_difference_that_no_figure_shows_is_said_to_be_small(tmp_path, noise):
    old, new = trial(tmp_path / "old", noise), trial(tmp_path / "new", noise - 2e-6)
    assert judge_trial(new, old, simpler=False, rng=Rng(0)).why.startswith("better by less than 0.00001, ")
    assert judge_trial(old, new, simpler=False, rng=Rng(0)).why == "worse by less than 0.00001"


def test_a_trial_that_broke_off_is_not_taken(tmp_path, noise):
    broken = Tried("broken", CONFIG, tmp_path / "broken", {"trial": "", "why": "loss is not finite"})
    judged = judge_trial(broken, trial(tmp_path / "old", noise), simpler=True, rng=Rng(0))
    assert (judged.taken, judged.why) == (False, "it failed: loss is not finite")


def test_gain_on_the_prior(tmp_path, noise):
    found = gain_on_prior(trial(tmp_path / "one", noise - noise.mean() + 0.68, prior=0.693), Rng(0))
    assert found.mean == pytest.approx(0.013)


def test_no_gain_is_sure_about_as_often_as_it_says(tmp_path):
    """Two trials that differ by noise of mean zero, overlapping as labels do: sure in about 2.5% of cases."""
    generator, sure = np.random.default_rng(8), 0
    for number in range(120):
        change = np.convolve(generator.standard_normal(BARS + 3), np.ones(4) / 4, "valid")
        old = trial(tmp_path / f"{number}-old", np.full((1, BARS), 0.69))
        sure += gain(trial(tmp_path / f"{number}-new", 0.69 + 0.01 * change[None]), old, Rng(number)).sure
    assert sure <= 9  # P(more than 9 of 120 at 2.5%) = 0.001
