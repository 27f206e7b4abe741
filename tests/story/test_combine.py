"""A run whose model is made of several trainings: counted one by one, killed and resumed, bundled and judged."""

from pathlib import Path

import pytest

from edgeproof.core.errors import SplitError
from edgeproof.core.progress import silent
from edgeproof.data.store import open_market
from edgeproof.data.synthetic import make_market
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.trials import trials_of
from edgeproof.recipe.run import Run, judge_again, run
from edgeproof.recipe.templates import template_body
from edgeproof.train.bundle import read_bundle

BODY = template_body("logistic_baseline") | {"combine": {"name": "ensemble", "rule": "weighted", "inner_folds": 2}}
FAST = ("train.epochs=2", "train.patience=null")
FOLDS = "split={name: walk_forward, train: 600, validation: 400, test: 400, step: 400}"


class BrokenOffError(Exception):
    """Stands for a kill."""


def made(market: Path, place: Path, *overrides: str, **more) -> Run:
    words = [*FAST, *overrides]
    options = {"write": silent, "beside": False} | more
    return run(BODY, market, out=place / "run", workspace=place, overrides=words, **options)


def counted(market: Path, place: Path) -> int:
    return trials_of(Ledger(place), open_market(market).fingerprints()).count


def thresholds(place: Path) -> int:
    return sum(row.kind == "trial" for row in Ledger(place).rows())


@pytest.mark.parametrize(
    ("overrides", "trainings"),
    [
        (["combine=single"], 0),  # it counts through its thresholds
        (["combine=multi_start", "combine.seeds=2"], 2),
        (["combine.members=3", "combine.keep=2"], 3 + 2 * 2),
        (["combine={name: distilled, inner_folds: 2}"], 2 + 1),
        (["combine={name: continued, rounds: 2, least_gain: 0}"], 0),
    ],
)
def test_n_trainings_raise_the_count_by_n(tiny_market, tmp_path, overrides, trainings):
    done = made(tiny_market, tmp_path, *overrides)
    lineage = read_bundle(done.folder).lineage
    if "continued" in overrides[0]:
        trainings = len(lineage["combine"]["trainings"])
        assert trainings > 1
    assert counted(tiny_market, tmp_path) == thresholds(tmp_path) + trainings
    assert done.verdict["trials"] == counted(tiny_market, tmp_path)
    made(tiny_market, tmp_path, *overrides)  # the same once more adds nothing
    assert counted(tiny_market, tmp_path) == thresholds(tmp_path) + trainings


def test_killed_at_any_training_a_run_ends_with_the_same_bytes_and_the_same_count(tiny_market, tmp_path):
    whole = made(tiny_market, tmp_path / "whole")
    for point in ("member 1/3 epoch 1/2", "member 2/3 epoch 1/2", "member 3 inner fold 1/2 epoch 2/2"):

        def write(line: str, point: str = point) -> None:
            if point in line:
                raise BrokenOffError

        with pytest.raises(BrokenOffError):
            made(tiny_market, tmp_path / "broken", write=write)
        assert not (tmp_path / "broken" / "run" / "verdict.json").exists()
    again = made(tiny_market, tmp_path / "broken")
    weights = [(done.folder / "bundle" / "weights.safetensors").read_bytes() for done in (whole, again)]
    assert weights[0] == weights[1]
    assert whole.verdict | {"seconds": 0} == again.verdict | {"seconds": 0}


def test_every_fold_has_an_ensemble_of_its_own_and_the_seal_opens_on_it(tiny_market, tmp_path):
    lines: list[str] = []
    done = made(tiny_market, tmp_path, FOLDS, "combine.rule=mean", write=lines.append)
    folds = done.verdict["paths"]["folds"]
    assert len(folds) > 1
    text = "".join(lines)
    assert all(f"fold {n + 1}/{len(folds)} member 3/3 epoch 2/2" in text for n in range(len(folds)))
    assert counted(tiny_market, tmp_path) == thresholds(tmp_path) + 3 * len(folds)
    assert "The model is an ensemble (mean) of 3 of 3 trainings; every" in " ".join(done.verdict["notes"])
    bundle = read_bundle(done.folder)
    assert bundle.model_config.model_dump()["name"] == "ensemble"
    assert bundle.lineage["combine"]["kept"] == ["member 1/3", "member 2/3", "member 3/3"]
    opened = judge_again(done.folder, open_sealed=True)
    assert opened.verdict["span"] == "sealed"


def test_too_few_bars_for_inner_folds_are_refused_in_one_line_and_count_nothing(tmp_path):
    market = tmp_path / "short"
    make_market("linear", market, symbols=1, bars=700, seed=1, strength=0.3)
    with pytest.raises(SplitError, match=r"combine: \d+ training samples .* 20 purged inner folds") as refused:
        made(market, tmp_path, "combine.inner_folds=20")
    assert "\n" not in str(refused.value)
    assert not list(Ledger(tmp_path).rows("training"))
