"""A run trains on copies of its own training bars, and forecasts over copies wherever its model is used."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

import edgeproof as ep
from edgeproof.core.errors import ConfigError
from edgeproof.core.progress import silent
from edgeproof.data.panel import Panel
from edgeproof.data.store import Market
from edgeproof.features.scale import apply, fit_preprocessor
from edgeproof.features.table import build_features
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.augmented import averaged, fold_copies
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.evaluate import evaluate_bundle
from edgeproof.recipe.judging import evaluate_span
from edgeproof.recipe.learn import learn, proven_folds
from edgeproof.recipe.prepare import Prepared, open_bars, prepare
from edgeproof.recipe.templates import template_body
from edgeproof.samples.augment.copies import Recipe, forecast_table
from edgeproof.samples.dataset import ready_index
from edgeproof.train.bundle import read_bundle
from edgeproof.train.forecast import predict
from tests.unit.features.panels import random_prices

NAMES = ["log_return_1", "log_return_3", "log_volatility_24", "log_volume_z_168", "market_return_1"]
NOISE = ("augment.kinds=[price_jitter,volume]",)


def settings(*overrides: str) -> RunConfig:
    body = template_body("logistic_baseline") | {"features": NAMES, "window": 4}
    body["train"] |= {"epochs": 2}
    return load_run_config(body, overrides)


@pytest.fixture(scope="module")
def market(tmp_path_factory) -> Market:
    return ep.make_market(
        "linear", tmp_path_factory.mktemp("augment") / "m", symbols=2, bars=2400, seed=3, strength=0.3
    )


@pytest.fixture(scope="module")
def prepared(market, tmp_path_factory) -> Prepared:
    config = settings()
    return prepare(config, market, open_bars(config, market, Ledger(tmp_path_factory.mktemp("ledger"))))


def test_forecasts_are_the_mean_of_logits_over_clean_bars_and_copies(prepared):
    """Second witness: the clean logit and those on each copy's features, added up by hand."""
    config = settings(*NOISE, "augment.at_forecast=3", "seed=9")
    (fold,) = proven_folds(config, prepared)
    scale = fit_preprocessor(prepared.table, fold.train)
    torch.manual_seed(0)
    model = config.model.build(len(NAMES), 4, 2)  # pyright: ignore[reportAttributeAccessIssue]
    torch.nn.init.normal_(next(model.parameters()), std=0.3)
    index = ready_index(prepared.table.ready, prepared.decide, 4)[-500:]
    clean = predict(model, apply(scale, prepared.table.x), index, window=4, sha="m", fold=2)
    parts = [clean.logit]
    for number in range(3):
        table = forecast_table(config.augment, Recipe(prepared.panel, tuple(NAMES), 24, 4, 9), number)
        parts.append(predict(model, apply(scale, table.x), index, window=4).logit)
    said = averaged(clean, model, config=config, prepared=prepared, preprocessor=scale)
    np.testing.assert_allclose(said.logit, np.mean(parts, axis=0), atol=1e-6)
    assert (said.model, said.fold) == ("m", 2)
    np.testing.assert_array_equal(said.made, clean.made)
    assert np.abs(said.logit - clean.logit).max() > 1e-3
    assert averaged(clean, model, config=settings(), prepared=prepared, preprocessor=scale) is clean


def moved(prepared: Prepared, config: RunConfig, outside: np.ndarray) -> Prepared:
    """The span with other bars in these places, everything built anew."""
    old: Panel = prepared.panel
    other = random_prices(*old.present.shape, seed=5)
    panel = replace(old, prices=np.where(outside[None, :, None], other, old.prices), sha="other")
    labels = config.label.label(panel, prepared.decide)  # pyright: ignore[reportAttributeAccessIssue]
    return replace(prepared, panel=panel, table=build_features(panel, config.features), labels=labels)


@pytest.mark.parametrize("split", ["holdout", "walk_forward"])
def test_no_byte_that_training_reads_hears_of_held_out_bars(prepared, split):
    """Every bar from the first held-out decision on is made another, embargo included."""
    states = "{name: rules, trend_days: 2, volatility_days: 1, history_days: 2}"
    mixing = f"{{name: regime_mixing, block_days: 3, states: {states}}}"
    more = (
        () if split == "holdout" else ("split={name: walk_forward, train: 700, validation: 200, test: 150, step: 200}",)
    )
    config = settings(f"augment.kinds=[{mixing},price_jitter,volume,time_shift]", "augment.copies=2", *more)
    fold = proven_folds(config, prepared)[-1]
    T = len(prepared.decide)
    first = int((fold.validation % T).min())
    seen = []
    for span in (prepared, moved(prepared, config, np.arange(T) >= first)):
        scale = fit_preprocessor(span.table, fold.train)
        copies = fold_copies(config, span, fold, scale)
        assert copies is not None
        seen.append((copies.ends, copies.tables[1:], copies.tables[0].reshape(2 * T, -1)[fold.train]))
    for before, after in zip(*seen, strict=True):
        assert before.tobytes() == after.tobytes()
    assert (seen[0][0].reshape(2, -1)[:, fold.train] >= 0).mean() > 0.3


def test_a_training_reads_its_copies_and_the_ledger_knows_it_apart(prepared, market, tmp_path):
    shas, rows, ledger = set(), [], Ledger(tmp_path)
    span = open_bars(settings(), market, ledger)
    for number, words in enumerate(((), (*NOISE, "augment.copies=2"), (*NOISE, "augment.copies=2", "augment.share=1"))):
        config, place = settings(*words), tmp_path / str(number)
        (fold,) = proven_folds(config, prepared)
        done, again = (
            learn(config, prepared, ledger, fold, market=span.market, folder=place, write=silent) for _ in range(2)
        )
        assert done.trained.sha == again.trained.sha
        shas.add(done.trained.sha)
        rows.append((done.trial.config, done.dataset_sha))
    assert len(shas) == len({row[0] for row in rows}) == len({row[1] for row in rows}) == 3
    assert [row.kind for row in ledger.rows()].count("training") == 3


def test_a_run_forecasts_alike_when_it_is_judged_and_evaluated_later(market, tmp_path):
    """Validation's forecasts as the run stored them are those of the bundle, on the open span and on the whole."""
    config = settings(*NOISE, "augment.copies=1", "augment.at_forecast=2")
    done = ep.run(config, market, out=tmp_path / "run", workspace=tmp_path, beside=False, write=silent)
    said = done.predictions.filter(pl.col("span") == "validation")
    probability = said.select(pl.col("probability")).to_series().to_numpy()
    bundle, ledger = read_bundle(tmp_path / "run"), Ledger(tmp_path)
    span = prepare(config, market, open_bars(config, market, ledger))
    bars = slice(*bundle.lineage["validation"])
    again = evaluate_span(load_run_config(bundle.config), span, bundle, bars=bars, market=market, beside=False)
    known = again.forecast.probability[again.forecast.made]
    np.testing.assert_allclose(np.sort(probability), np.sort(known), atol=1e-6)
    plain = load_run_config(bundle.config).model_copy(update={"augment": settings().augment})
    clean = evaluate_span(plain, span, bundle, bars=bars, market=market, beside=False)
    assert np.abs(clean.forecast.probability - again.forecast.probability).max() > 1e-4
    body = evaluate_bundle(tmp_path / "run", market.path, workspace=tmp_path)
    assert body["bars"] == bars.stop - bars.start
    assert body["forecast"]["auc"] == again.evidence.forecast["auc"] != clean.evidence.forecast["auc"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("augment.kinds=[{name: time_shift, bars: 5}]", "augment.copies=1"), "time_shift by 5 bars is longer than"),
        ((*NOISE, "augment.copies=2", "model=gbm"), "augment.copies=2: the trees of gbm are grown on every sample"),
        (("augment.copies=2",), "augment: copies without kinds"),
        (("augment.kinds=[jitter]", "augment.copies=2"), "unknown augmentation 'jitter'; did you mean 'price_jitter'?"),
        (("augment.copys=2",), "unknown key 'copys' in augment; did you mean 'copies'?"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(words, said):
    with pytest.raises(ConfigError) as found:
        settings(*words)
    assert said in str(found.value)
    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 300


def test_a_run_without_augmentation_is_the_trial_that_it_was():
    assert "augment" not in settings().trial_identity()
    assert settings(*NOISE, "augment.copies=2").trial_identity()["augment"]["copies"] == 2
    assert settings(*NOISE, "augment.at_forecast=2", "model=gbm").augment.at_forecast == 2


def test_seeds_make_other_copies(prepared):
    config = settings(*NOISE, "augment.copies=1")
    (fold,) = proven_folds(config, prepared)
    scale = fit_preprocessor(prepared.table, fold.train)
    tables = []
    for seed in (0, 0, 1):
        copies = fold_copies(config.model_copy(update={"seed": seed}), prepared, fold, scale)
        assert copies is not None
        tables.append(copies.tables[1].tobytes())
    assert tables[0] == tables[1] != tables[2]
