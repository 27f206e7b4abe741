"""Every combiner: what it keeps, what it puts on record, and that a kill at any epoch changes no byte."""

from dataclasses import replace

import numpy as np
import pytest

from edgeproof.combine import COMBINERS
from edgeproof.combine.continued import ContinuedConfig
from edgeproof.combine.distilled import DistilledConfig
from edgeproof.combine.lesson import best_score
from edgeproof.combine.members import MembersConfig
from edgeproof.combine.single import SingleConfig
from edgeproof.combine.starts import StartsConfig
from edgeproof.core.config import from_mapping
from edgeproof.core.errors import ConfigError
from edgeproof.core.rng import Rng
from edgeproof.models.gbm import GbmConfig
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.templates import template_body
from edgeproof.train.forecast import predict
from edgeproof.train.keep import weights_sha
from edgeproof.train.loop import fit
from tests.unit.combine.lessons import Record, dataset_of, lesson_of

WAYS = {
    "single": SingleConfig(),
    "multi_start": StartsConfig(seeds=2),
    "mean": MembersConfig(members=2),
    "weighted": MembersConfig(members=3, keep=2, rule="weighted", inner_folds=2),
    "vote": MembersConfig(members=3, rule="vote"),
    "distilled": DistilledConfig(teachers=2, inner_folds=2),
    "continued": ContinuedConfig(rounds=2, epochs=2, least_gain=0.0),
}
TRAININGS = {"single": 1, "multi_start": 2, "mean": 2, "weighted": 3 + 2 * 2, "vote": 3, "distilled": 2 * 2 + 1}


class BrokenOffError(Exception):
    """Stands for a kill."""


def test_the_catalog_is_covered():
    assert {type(way) for way in WAYS.values()} == set(COMBINERS.values())


def test_a_single_training_is_what_fit_makes(tmp_path):
    lesson = lesson_of(tmp_path / "a")
    plain = fit(
        lesson.dataset, lesson.model, lesson.loss, lesson.train, rng=Rng(3).child("train"), folder=tmp_path / "b"
    )
    made = SingleConfig().learn(lesson)
    assert made.trained.sha == plain.sha
    assert made.model == lesson.model
    assert made.facts == {}
    assert (tmp_path / "a" / "last.safetensors").read_bytes()[:8] == (tmp_path / "b" / "last.safetensors").read_bytes()[
        :8
    ]


@pytest.mark.parametrize("name", WAYS)
def test_every_training_is_on_record_before_it_is_scored_and_tells_which_it_is(name, tmp_path):
    record, heard = Record(), []
    lesson = lesson_of(tmp_path, record=record, watch=lambda row: heard.append(row["epoch"]))
    lesson = replace(
        lesson, title="fold 1/2 epoch", write=lambda line: record.lines.append(f"{len(record.labels)} {line}")
    )
    made = WAYS[name].learn(lesson)
    assert len(set(record.labels)) == len(record.labels)
    assert len(record.labels) == TRAININGS.get(name, len(made.facts.get("trainings", [])))
    firsts = [line for line in record.lines if " epoch 1/" in line]
    assert [int(line.split()[0]) for line in firsts] == list(range(1, len(record.labels) + 1))
    for label, line in zip(record.labels, firsts, strict=True):
        assert f"fold 1/2 {label}{' ' * bool(label)}epoch 1/" in line
    assert heard == list(range(1, len(heard) + 1))  # of trainings on the whole training part, counted through
    assert sum(row["best"] for row in made.trained.history) == 1
    assert made.trained.history[made.trained.best_epoch - 1]["best"]


@pytest.mark.parametrize("name", WAYS)
def test_killed_after_any_epoch_it_ends_with_the_same_bytes(name, tmp_path):
    whole = WAYS[name].learn(lesson_of(tmp_path / "whole"))
    kills, said = 0, []

    def once(line: str) -> None:
        place = line.split("  loss", maxsplit=1)[0]
        if place not in said:
            said.append(place)
            raise BrokenOffError

    while True:
        try:
            again = WAYS[name].learn(replace(lesson_of(tmp_path / "broken"), write=once))
            break
        except BrokenOffError:
            kills += 1
    assert kills == len(said) >= 3
    assert again.trained.sha == whole.trained.sha
    assert weights_sha(again.trained.model) == whole.trained.sha
    assert again.facts == whole.facts
    drop = [[{**row, "seconds": 0} for row in made.trained.history] for made in (again, whole)]
    assert drop[0] == drop[1]


def test_what_watch_raises_goes_up_and_the_training_can_be_taken_up(tmp_path):
    def watch(row):
        if row["epoch"] == 5:
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        WAYS["mean"].learn(lesson_of(tmp_path / "a", watch=watch))
    resumed, whole = (WAYS["mean"].learn(lesson_of(tmp_path / place)) for place in ("a", "b"))
    assert resumed.trained.sha == whole.trained.sha


def test_a_member_is_the_same_however_many_there_are(tmp_path):
    two, three = (MembersConfig(members=n).learn(lesson_of(tmp_path / str(n))) for n in (2, 3))
    shas = [[row["model"] for row in made.facts["trainings"]] for made in (two, three)]
    assert shas[0] == shas[1][:2]
    assert len(set(shas[1])) == 3


def test_the_best_start_is_kept(tmp_path):
    for metric in ("log_loss", "auc"):
        made = StartsConfig(seeds=3).learn(lesson_of(tmp_path / metric, loss_metric=metric))
        figures = [row[metric] for row in made.facts["trainings"]]
        best = int(np.argmin(figures) if metric == "log_loss" else np.argmax(figures))
        assert made.facts["kept"] == f"start {best + 1}/3"
        assert made.trained.sha == made.facts["trainings"][best]["model"]


def test_the_best_members_are_kept_and_their_mean_is_the_forecast(tmp_path):
    lesson = lesson_of(tmp_path)
    made = MembersConfig(members=4, keep=2).learn(lesson)
    losses = [row["log_loss"] for row in made.facts["trainings"]]
    assert made.facts["kept"] == [f"member {k + 1}/4" for k in sorted(np.argsort(losses)[:2])]
    dataset = lesson.dataset
    x, index, window = dataset.x, dataset.fold.validation, dataset.window
    said = [predict(member, x, index, window=window).probability for member in made.trained.model.members]  # pyright: ignore
    whole = predict(made.trained.model, x, index, window=window)
    assert whole.probability[whole.made] == pytest.approx(np.mean(said, axis=0)[whole.made], abs=1e-6)


def test_weights_are_fitted_without_validation_and_better_out_of_fold_than_equal_ones(tmp_path):
    lesson = lesson_of(tmp_path / "a")
    made = MembersConfig(rule="weighted").learn(lesson)
    assert sum(made.facts["weights"]) == pytest.approx(1)
    assert min(made.facts["weights"]) >= 0
    out = made.facts["out_of_fold"]
    assert out["log_loss"] <= out["log_loss_equal"]
    assert made.trained.model.weight.tolist() == made.facts["weights"]  # pyright: ignore

    y = lesson.dataset.y.copy()
    y.reshape(-1)[lesson.dataset.fold.validation] = 1 - y.reshape(-1)[lesson.dataset.fold.validation]
    other = lesson_of(tmp_path / "b", dataset=replace(lesson.dataset, y=y, sha="other"))
    assert MembersConfig(rule="weighted").learn(other).facts["weights"] == made.facts["weights"]


def test_starts_that_draw_nothing_say_that_they_are_one(tmp_path):
    made = StartsConfig(seeds=2).learn(lesson_of(tmp_path, model=GbmConfig(trees=3, min_leaf=5)))
    (finding,) = made.trained.findings
    assert finding.claim == "all 2 starts of gbm ended with the same weights: nothing in its training is drawn"
    assert finding.remedy.startswith("set combine=single")


def test_rounds_go_on_from_the_best_at_smaller_rates_until_one_gains_too_little(tmp_path):
    rounds = ContinuedConfig(rounds=3, epochs=2, rate=0.5, least_gain=0.0)
    made = rounds.learn(lesson_of(tmp_path / "a", scheduler="none"))
    rates = [row["lr"] for row in made.trained.history]
    assert rates[:5] == [0.01] * 3 + [0.005] * 2
    assert [row["epoch"] for row in made.trained.history] == list(range(1, len(rates) + 1))
    losses = [row["log_loss"] for row in made.facts["trainings"]]
    assert made.trained.history[made.trained.best_epoch - 1]["log_loss"] == min(losses)
    assert best_score(made.trained, "log_loss") == -min(losses)

    stops = replace_least(rounds, 1e9).learn(lesson_of(tmp_path / "b"))
    assert [row["label"] for row in stops.facts["trainings"]] == ["training", "round 1/3"]


def replace_least(config: ContinuedConfig, least_gain: float) -> ContinuedConfig:
    return config.model_copy(update={"least_gain": least_gain})


def test_a_round_without_a_step_begins_where_the_training_ended(tmp_path):
    """At a rate of next to nothing the first epoch of a round scores what the epoch before scored."""
    made = ContinuedConfig(rounds=1, epochs=1, rate=1e-12).learn(lesson_of(tmp_path, weight_decay=0.0))
    first, second = (row["log_loss"] for row in made.facts["trainings"])
    assert second == pytest.approx(first, abs=2e-2)  # batch norm's running statistics move on
    assert made.trained.model.training is False


def test_a_student_learns_from_a_teacher_that_has_not_seen_its_sample(tmp_path):
    lesson = lesson_of(tmp_path, dataset=dataset_of(600, lean=4.0), epochs=12, lr=3e-2)
    made = DistilledConfig(inner_folds=2, share=1.0, temperature=1.0).learn(lesson)
    assert made.facts["out_of_fold"]["log_loss"] < np.log(2) - 0.05
    assert made.trained.history[-1]["auc"] > 0.7  # no label of a training sample was in its loss


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["combine=ensemble", "combine.members=1"], "combine.*an ensemble has 2 members or more.*combine=single"),
        (["combine=ensemble", "combine.keep=4"], "keep 4 of 3 members; keep 2 to 3 of them"),
        (["combine=ensemble", "combine.keep=1"], "the best one alone: combine=multi_start"),
        (["combine=ensemble", "combine.rule=median"], "rule"),
        (["combine=ensembel"], "unknown combiner 'ensembel'; did you mean 'ensemble'"),
        (["combine=multi_start", "combine.seeds=1"], "seeds"),
        (["combine=distilled", "loss=focal"], "combine distilled: its loss is a plain cross-entropy; set loss=bce"),
        (["combine=distilled", "model=gbm"], "combine distilled: trees are grown on labels"),
        (["combine=continued", "model=gbm"], "combine continued: gbm has no epochs that go on"),
        (["combine=continued", "train.average=swa"], "combine continued: train.average=swa has a rate of its own"),
    ],
)
def test_what_cannot_be_combined_is_refused_in_one_line_before_any_training(overrides, says):
    with pytest.raises(ConfigError, match=says) as refused:
        load_run_config(template_body("logistic_baseline"), overrides)
    assert "\n" not in str(refused.value)


def test_a_single_training_keeps_the_name_that_it_had_in_older_ledgers():
    body = template_body("logistic_baseline")
    assert "combine" not in load_run_config(body).trial_identity()
    assert load_run_config(body, ["combine=multi_start"]).trial_identity()["combine"] == {
        "name": "multi_start",
        "seeds": 3,
    }
    assert from_mapping(MembersConfig, {"name": "ensemble"}).keep is None
