"""Regularisers in their order: each changes one thing of the config, or says why it does not apply."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from edgeproof.data.synthetic import make_market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe import regularise_ways
from edgeproof.recipe.attempt import Bench
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.learn import proven_folds
from edgeproof.recipe.prepare import open_bars
from edgeproof.recipe.refine_steps import Ground, NotHere
from edgeproof.recipe.refine_trial import Tried
from edgeproof.recipe.regularise_ways import TECHNIQUES
from edgeproof.recipe.squeeze import WAYS

NAMES = {one.name: one for one in (*TECHNIQUES, *WAYS)}


def standing(*overrides: str) -> Tried:
    config = load_run_config({"costs": {"commission_bps": 1.0}}, overrides)
    return Tried("as it is", config, Path("nowhere"), {"trial": "0"})


def proposed(name: str, *overrides: str) -> tuple[str, RunConfig]:
    one = standing(*overrides)
    bench = Bench(one.config, cast("Any", None), cast("Any", None), cast("Any", None))
    return NAMES[name].propose(Ground(bench, Path("nowhere"), one.config.gates, print), one)


def test_the_order_is_that_of_the_recipe():
    assert [one.name for one in TECHNIQUES] == [
        "more data",
        "augmentation",
        "pretraining",
        "fewer inputs",
        "smaller model",
        "smaller batch",
        "dropout",
        "weight decay",
        "early stopping",
        "label smoothing",
    ]


@pytest.mark.parametrize(
    ("name", "overrides", "label", "key", "value"),
    [
        ("more data", ["split=walk_forward"], "more data", "split.window", "expanding"),
        ("augmentation", [], "augmentation: time_shift", "augment.copies", 2),
        ("smaller model", ["model=mlp"], "smaller model: hidden 128-64-32", "model.hidden", (128, 64, 32)),
        ("smaller model", ["model=gbm"], "smaller model: leaves 7", "model.leaves", 7),
        ("smaller model", ["model=lstm_attention"], "smaller model: hidden 64", "model.hidden", 64),
        ("smaller batch", ["train.batch_size=64"], "smaller batch: 32", "train.batch_size", 32),
        ("dropout", ["model=mlp", "model.dropout=0"], "dropout 0.1", "model.dropout", 0.1),
        ("dropout", ["model=mlp", "model.dropout=0.2"], "dropout 0.3", "model.dropout", 0.3),
        ("dropout", ["model=lstm_attention"], "dropout 0.5", "model.dropout", 0.5),
        ("weight decay", ["train.weight_decay=0"], "weight decay 0.0001", "train.weight_decay", 1e-4),
        ("weight decay", ["train.weight_decay=1e-3"], "weight decay 0.01", "train.weight_decay", 1e-2),
        ("weight decay", ["model=gbm"], "penalty on leaves: l2 10", "model.l2", 10.0),
        ("early stopping", ["train.patience=null"], "early stopping: patience 10", "train.patience", 10),
        ("label smoothing", [], "label smoothing 0.1", "loss.label_smoothing", 0.1),
        ("ensemble", [], "ensemble of 3", "combine.members", 3),
        ("weighted ensemble", [], "ensemble of 3, out-of-fold weights", "combine.rule", "weighted"),
        ("distillation", [], "distilled", "combine.name", "distilled"),
        ("longer training", ["train.epochs=9"], "longer training", "combine.epochs", 3),
        ("longer training", ["model=gbm"], "longer training: 600 trees", "model.trees", 600),
        ("averaged weights", [], "weights averaged over late epochs", "train.average.name", "swa"),
        ("forecast over copies", [], "forecast over 4 copies", "augment.at_forecast", 4),
    ],
)
def test_a_technique_changes_one_thing(name, overrides, label, key, value):
    said, config = proposed(name, *overrides)
    assert said.startswith(label)
    before, after = standing(*overrides).config.model_dump(), config.model_dump()
    part = key.partition(".")[0]
    assert {one: body for one, body in before.items() if one != part} == {
        one: body for one, body in after.items() if one != part
    }
    found = after
    for word in key.split("."):
        found = found[word]
    assert found == value


@pytest.mark.parametrize(
    ("name", "overrides", "why"),
    [
        ("more data", [], "every open bar before validation"),
        ("augmentation", ["model=gbm"], "draw no copies"),
        ("augmentation", ["augment.kinds=[volume]", "augment.copies=1"], "copies already"),
        ("pretraining", [], "no bundle of an earlier run"),
        ("fewer inputs", ["transfer.bundle=somewhere"], "parent's encoder"),
        ("smaller model", ["model=logistic"], "no size"),
        ("smaller batch", ["model=gbm"], "without batches"),
        ("smaller batch", ["train.batch_size=auto"], "no half"),
        ("smaller batch", ["train.batch_size=16"], "no half"),
        ("dropout", ["model=logistic"], "no dropout"),
        ("dropout", ["model=mlp"], "0.1 to 0.3"),
        ("weight decay", ["train.weight_decay=0.01"], "1e-4 to 1e-2"),
        ("early stopping", [], "stops already after 10 epochs"),
        ("label smoothing", ["loss={name: bce, label_smoothing: 0.05}"], "smoothed already"),
        ("ensemble", ["model=gbm"], "drawn"),
        ("distillation", ["loss=focal"], "plain cross-entropy"),
        ("longer training", ["train.average=swa"], "rate of its own"),
        ("averaged weights", ["train.average=swa"], "averages its weights already"),
        ("forecast over copies", ["augment.kinds=[volume]", "augment.at_forecast=2"], "over copies already"),
        ("forecast over copies", ["augment.kinds=[time_shift]", "augment.copies=1"], "no forecast can be made over"),
    ],
)
def test_one_that_does_not_apply_says_why(name, overrides, why):
    with pytest.raises(NotHere, match=why):
        proposed(name, *overrides)


def test_what_the_user_said_of_a_search_stays():
    _, config = proposed("label smoothing", "tune.sampler=random", "gates.profile=full")
    assert (config.tune.sampler, config.gates.profile) == ("random", "full")


@pytest.mark.parametrize(
    ("split", "asked"),
    [
        ({"name": "holdout"}, True),
        ({"name": "walk_forward", "train": 700, "validation": 250, "test": 300, "step": 300}, True),
        ({"name": "kfold"}, False),
        ({"name": "cpcv"}, False),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else None,
)
def test_what_inputs_are_worth_is_asked_of_bars_that_no_fold_holds_out(tmp_path, monkeypatch, split, asked):
    """Of the first fold alone; where another fold holds out what it trained on, of none."""
    config = load_run_config(
        {"costs": {"commission_bps": 1.0}, "features": ["log_return_1", "body_share"], "window": 4, "split": split}
    )
    market = make_market("noise", tmp_path / "m", symbols=2, bars=2400, seed=1)
    ledger = Ledger(tmp_path)
    bench = Bench(config, market, open_bars(config, market, ledger), ledger)
    folds = proven_folds(config, bench.prepared(config))
    looked: list[int] = []

    def worth(ground: Ground, config: RunConfig, learned: Any) -> dict[str, float]:
        looked.append(learned.fold.number)
        return {"log_return_1": 0.1, "body_share": 0.2}

    def recall(bench: Bench, trial: Tried, after: Callable[[Any], None]) -> None:
        for fold in folds:
            after(SimpleNamespace(fold=fold))

    monkeypatch.setattr(regularise_ways, "inputs_worth", worth)
    monkeypatch.setattr(regularise_ways, "recall", recall)
    one = Tried("as it is", config, Path("nowhere"), {"trial": "0"})
    ground = Ground(bench, Path("nowhere"), config.gates, print)
    if not asked:
        with pytest.raises(NotHere, match="tested bars"):
            NAMES["fewer inputs"].propose(ground, one)
        assert looked == []
        return
    assert NAMES["fewer inputs"].propose(ground, one)[1].features == ("body_share",)
    assert looked == [0]
    T = bench.prepared(config).panel.present.shape[1]
    assert max(folds[0].train % T) < min(np.concatenate([f.validation for f in folds]) % T)
