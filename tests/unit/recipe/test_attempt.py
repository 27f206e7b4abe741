"""A trial of a search is a training like any other: taken up where it was, scored as its folds are."""

from statistics import fmean

import pytest

from edgeproof.core.container import read_container
from edgeproof.core.progress import silent
from edgeproof.data.synthetic import make_market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.attempt import Bench, score
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.folds import learn_folds
from edgeproof.recipe.prepare import open_bars
from edgeproof.recipe.templates import template_body
from edgeproof.recipe.vary import search_space
from edgeproof.search.record import record
from edgeproof.search.storage import open_storage
from edgeproof.search.study import Plan, open_study, work

TUNE = {"only": True, "space": {"train.lr": {"low": 1e-4, "high": 1e-2, "log": True}}}


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    return make_market("linear", tmp_path_factory.mktemp("m") / "m", symbols=2, bars=1500, seed=5, strength=0.3)


def bench_on(market, workspace, **body):
    config = load_run_config({**template_body("logistic_baseline"), "tune": TUNE, **body}, ["train.epochs=3"])
    ledger = Ledger(workspace)
    return Bench(config, market, open_bars(config, market, ledger), ledger)


def study_of(bench, folder):
    plan = Plan("s", "minimize", search_space(bench.config), "tpe", "median", 0, "mark")
    return open_study(plan, open_storage("memory", folder), folder)


def test_epochs_on_disk_that_were_not_told_are_told(market, tmp_path):
    (tmp_path / "whole").mkdir()
    bench = bench_on(market, tmp_path)
    whole = study_of(bench, tmp_path / "whole")
    work(whole, lambda attempt: score(bench, attempt), trials=1)

    (tmp_path / "cut").mkdir()
    cut = study_of(bench, tmp_path / "cut")
    attempt = cut.begin(1)
    assert attempt is not None
    config, year = bench.trial(attempt.params), bench.market.bars_per_year
    place, folder = bench.span.market, attempt.folder / "checkpoints"
    prepared = bench.prepared(config)
    learn_folds(config, prepared, bench.ledger, market=place, bars_per_year=year, folder=folder, write=silent)
    attempt.leave()  # killed after its last epoch was written, before any was told
    rows = len(bench.ledger.rows())
    work(cut, lambda attempt: score(bench, attempt), trials=1)
    (made,), (again,) = record(whole)["trials"], record(cut)["trials"]
    assert again["intermediate"] == made["intermediate"]
    assert len(again["intermediate"]) == 3
    assert (again["value"], again["weights"], again["trial"]) == (made["value"], made["weights"], made["trial"])
    assert len(bench.ledger.rows()) == rows  # and nothing is counted twice


def test_the_value_of_several_folds_is_their_mean(market, tmp_path):
    split = {"name": "walk_forward", "train": 400, "validation": 150, "test": 100, "step": 100}
    bench = bench_on(market, tmp_path, split=split)
    study = study_of(bench, tmp_path)
    work(study, lambda attempt: score(bench, attempt), trials=1)
    (trial,) = record(study)["trials"]
    folds = sorted((study.place(0) / "checkpoints").glob("fold-*"))
    assert len(folds) > 1
    losses = []
    for fold in folds:
        history = read_container(fold / "last.safetensors")[1]["memory"]["history"]
        losses.append(next(row["log_loss"] for row in history if row["best"]))
    assert trial["value"] == pytest.approx(fmean(losses), abs=1e-6)
    first = read_container(folds[0] / "last.safetensors")[1]["memory"]["history"]
    assert list(trial["intermediate"].values()) == [row["log_loss"] for row in first]  # the pruner hears one fold


def test_a_span_is_prepared_once_for_all_trials_that_share_it(market, tmp_path):
    bench = bench_on(market, tmp_path)
    other = bench.trial({"train.lr": 1e-3}).model_copy(update={"window": 12})
    assert bench.prepared(other) is bench.prepared(bench.config)
    label = load_run_config(bench.config, ["label.horizon_bars=3"])
    assert bench.prepared(label) is not bench.prepared(bench.config)
    assert (bench.prepared(label).labels.y != bench.prepared(bench.config).labels.y).any()
