"""Steps 4 to 6 on tiny markets: each trial is counted, the best one's checkpoint is the run's, a kill costs nothing."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgeproof.core.container import read_container
from edgeproof.core.progress import silent
from edgeproof.data.store import Market, open_market
from edgeproof.data.synthetic import make_market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe import refine_trial
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.folder import RunFolder
from edgeproof.recipe.folds import learn_folds
from edgeproof.recipe.prepare import open_bars
from edgeproof.recipe.refine import refine
from edgeproof.recipe.run import Run, run
from edgeproof.recipe.steps import write_gates
from edgeproof.recipe.templates import template_body

FEATURES = ["close_location", "body_share", "log_return_1", "log_volatility_24"]


def config_of(*overrides: str, template: str = "logistic_baseline") -> RunConfig:
    body = template_body(template) | {"features": FEATURES}
    return load_run_config(body, ["train.epochs=2", "window=8", "gates.mode=warn", *overrides])


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return make_market("linear", tmp_path_factory.mktemp("m") / "m", symbols=2, bars=1500, seed=5, strength=0.3)


@dataclass(frozen=True)
class Walked:
    """A folder in which steps 4 to 6 were walked."""

    folder: RunFolder
    workspace: Path
    config: RunConfig

    @property
    def steps(self) -> list[dict]:
        return json.loads((self.folder.path / "gates.json").read_text())["steps"]

    @property
    def trials(self) -> list[dict]:
        return [trial for step in self.steps for trial in step["trials"]]

    def answer(self) -> tuple[list[dict], list[str], dict[str, bytes]]:
        """All that a kill must not change: the steps but for their seconds, what was counted, the checkpoint."""
        steps = [{key: value for key, value in step.items() if key != "seconds"} for step in self.steps]
        counted = sorted(
            row.body["trial"] for row in Ledger(self.workspace).rows() if row.kind in ("training", "trial")
        )
        kept = sorted(self.folder.checkpoints.glob("epoch-*"))
        return steps, counted, {path.name[:10]: read_weights(path) for path in kept}


def read_weights(path: Path) -> bytes:
    return b"".join(array.tobytes() for array in read_container(path)[0].values())


def walk(market: Market, place: Path, config: RunConfig) -> Walked:
    """Steps 4 to 6 alone, without the checks before them."""
    folder, ledger = RunFolder(place / "run"), Ledger(place)
    folder.begin(config, {"market": market.identity, "workspace": str(place)})
    write_gates(folder.path, config.gates, [])
    chosen, _, _ = refine(config, market, ledger, open_bars(config, market, ledger), folder=folder, write=silent)
    return Walked(folder, place, chosen)


@pytest.fixture(scope="module")
def standard(market, tmp_path_factory) -> Walked:
    return walk(market, tmp_path_factory.mktemp("standard"), config_of("gates.profile=standard"))


def test_the_ledger_counts_what_the_steps_list(standard):
    counted = [row.body["trial"] for row in Ledger(standard.workspace).rows("training")]
    listed = [trial["trial"] for trial in standard.trials]
    assert sorted(counted) == sorted(listed)
    assert len(listed) == 1 + 3 + 20 + 2  # as it is, regularisers, points of the sweep, seeds; its rate is not tried


def test_standard_tries_three_regularisers_and_says_why_not_the_others(standard):
    step, tune = standard.steps
    assert [trial["label"].partition(":")[0] for trial in step["trials"]] == [
        "as it is",
        "augmentation",
        "fewer inputs",
        "smaller batch",
    ]
    why = {one["check"]: one["why"] for one in step["skipped"]}
    assert set(why) == {
        "more data",
        "pretraining",
        "smaller model",
        "dropout",
        "weight decay",
        "early stopping",
        "label smoothing",
    }
    assert "profile full tries all" in why["weight decay"]
    assert {finding["check"] for finding in step["checks"]} == {
        "regularise.beats_prior",
        "regularise.gap",
        "regularise.tried",
    }
    assert {finding["check"] for finding in tune["checks"]} == {"tune.rate", "tune.seeds"}
    for found in (*step["checks"], *tune["checks"]):
        assert {"measured", "threshold"} <= found["evidence"].keys()
    assert all(one["said"].count("\n") == 0 and one["said"].endswith(".") for one in standard.steps)


def test_the_gap_is_that_of_its_formula(standard):
    for place in sorted(standard.folder.steps.rglob("trial.json")):
        body = json.loads(place.read_text())
        assert body["gap"] == pytest.approx((body["loss"] - body["train"]) / (body["prior"] - body["train"]))
        assert body["loss"] == pytest.approx(body["log_loss"], abs=1e-6)  # of a plain loss


def test_exactly_what_was_taken_stands_in_the_runs_config(standard):
    taken = [trial["label"] for trial in standard.trials if trial["chosen"]]
    assert taken
    assert standard.folder.config().anywhere() == standard.config.anywhere()
    fewer = any(label.startswith("fewer inputs") for label in taken)
    assert (len(standard.config.features) < len(FEATURES)) == fewer
    assert standard.folder.asked().features == tuple(FEATURES)


class Killed(BaseException):
    """As good as a kill: nothing below catches it."""


@pytest.mark.parametrize("call", [0, 2, 5])
def test_taken_up_again_it_ends_as_if_undisturbed(market, standard, tmp_path, monkeypatch, call):
    """Broken off before a training, or after one whose score was not yet written."""
    config, calls = config_of("gates.profile=standard"), []

    def breaking(*args, **named):
        calls.append(1)
        found = learn_folds(*args, **named) if len(calls) - 1 != call or call % 2 else None
        if len(calls) - 1 == call:
            raise Killed
        return found

    with monkeypatch.context() as patch:
        patch.setattr(refine_trial, "learn_folds", breaking)
        with pytest.raises(Killed):
            walk(market, tmp_path, config)
    assert walk(market, tmp_path, config).answer() == standard.answer()
    assert walk(market, tmp_path, config).answer() == standard.answer()  # and once more, with everything there


def test_a_run_promotes_the_trial_as_it_is_and_another_profile_is_another_run(market, standard, tmp_path):
    config = config_of("gates.profile=standard")
    done = run(config, market, out=tmp_path / "run", workspace=tmp_path, write=silent)
    assert isinstance(done, Run)
    folder = RunFolder(tmp_path / "run")
    trained = Walked(folder, tmp_path, folder.config())
    assert trained.answer()[2] == standard.answer()[2]
    bundled = read_container(folder.bundle / "weights.safetensors")[0]
    best = min(folder.checkpoints.glob("epoch-*"), key=lambda path: float(path.name.split("-")[2].split("_")[0]))
    for name, array in read_container(best)[0].items():
        assert bundled[f"model.{name}"].tobytes() == array.tobytes()
    trainings = [row.body["trial"] for row in Ledger(tmp_path).rows("training")]
    assert sorted(trainings) == sorted(trial["trial"] for trial in trained.trials)
    assert done.verdict["selection"]["trials"] >= len(trainings)

    rows = len(Ledger(tmp_path).rows())
    again = run(config, market, out=tmp_path / "run", workspace=tmp_path, write=silent)
    assert again.verdict["verdict"] == done.verdict["verdict"]
    assert len(Ledger(tmp_path).rows()) == rows
    with pytest.raises(Exception, match="another profile or budget"):
        run(config_of("gates.profile=full"), market, out=tmp_path / "run", workspace=tmp_path, write=silent)


def test_no_sealed_bar_is_read(market, standard, tmp_path):
    """Sealed bars lie in files of their own: once the span is known, all is as it was without them."""
    shutil.copytree(market.path, tmp_path / "m")
    opened, config, ledger = open_market(tmp_path / "m"), config_of("gates.profile=standard"), Ledger(tmp_path)
    span, folder = open_bars(config, opened, ledger), RunFolder(tmp_path / "run")
    for path in (tmp_path / "m" / "sealed").rglob("*.parquet"):
        path.unlink()
    folder.begin(config, {"market": opened.identity, "workspace": str(tmp_path)})
    write_gates(folder.path, config.gates, [])
    chosen, _, _ = refine(config, opened, ledger, span, folder=folder, write=silent)
    assert Walked(folder, tmp_path, chosen).answer() == standard.answer()


def test_a_full_run_stays_within_its_budget_and_says_so(market, tmp_path):
    config = config_of("gates.profile=full", "gates.minutes=0.0001", "gates.trials=3")
    walked = walk(market, tmp_path, config)
    assert [trial["label"] for trial in walked.trials] == ["as it is"]
    late = [one for step in walked.steps for one in step["skipped"] if "gates.minutes" in one["why"]]
    assert {"augmentation", "tune.rate", "ensemble", "trials 1 to 3 of the search"} <= {one["check"] for one in late}
    assert all("not begun" in one["why"] for one in late)
    assert walked.config.anywhere() == config.anywhere()


def test_trees_are_searched_and_squeezed_where_that_applies(market, tmp_path):
    config = config_of("gates.profile=full", "gates.trials=2", "model=gbm", "model.trees=10", "model.min_leaf=20")
    walked = walk(market, tmp_path, config)
    labels = [trial["label"] for trial in walked.trials]
    searched = [label for label in labels if label.startswith("search")]
    assert [label.partition(":")[0] for label in searched] == ["search 1", "search 2"]
    assert all(", leaves " in label for label in searched)  # what each trial set
    assert "longer training: 20 trees" in labels
    skipped = {one["check"] for step in walked.steps for one in step["skipped"]}
    assert {"augmentation", "tune.rate", "tune.seeds", "ensemble", "averaged weights"} <= skipped
    counted = [row.body["trial"] for row in Ledger(tmp_path).rows("training")]
    assert sorted(counted) == sorted(trial["trial"] for trial in walked.trials)


def test_with_several_folds_a_trial_is_the_mean_of_all_and_each_fold_is_listed(market, tmp_path):
    split = "split={name: walk_forward, train: 500, validation: 150, test: 150, step: 150}"
    walked = walk(market, tmp_path, config_of("gates.profile=standard", split))
    counted = [row.body["trial"] for row in Ledger(tmp_path).rows("training")]
    assert sorted(counted) == sorted(trial["trial"] for trial in walked.trials)
    assert walked.trials[0]["log_loss"] is not None
    assert any(trial["label"] == "as it is, an earlier fold" for trial in walked.trials)
    assert walked.steps[0]["trials"][0]["trial"] != walked.steps[0]["trials"][1]["trial"]
    assert any(trial["label"].startswith("more data") for trial in walked.trials)


def test_several_processes_do_not_walk_it(market, tmp_path, monkeypatch):
    class Two:
        count = 2

    monkeypatch.setattr("edgeproof.recipe.refine.team", Two)
    with pytest.raises(Exception, match="without torchrun"):
        walk(market, tmp_path, config_of("gates.profile=standard"))
