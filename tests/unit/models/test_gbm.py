"""Boosted trees say what scikit-learn's say, from arrays alone; stages are epochs; what they cannot do is refused."""

import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

from edgeproof.core.config import space
from edgeproof.core.errors import ConfigError
from edgeproof.core.rng import Rng
from edgeproof.models.gbm import GbmConfig, TreeHead, bins
from edgeproof.recipe.config import load_run_config
from edgeproof.testing.market import tiny_dataset
from edgeproof.train.bundle import Bundle, read_bundle, write_bundle
from edgeproof.train.forecast import predict
from edgeproof.train.losses import BceConfig, FocalConfig, WeightedBceConfig
from tests.unit.train.test_loop import train

SMALL = GbmConfig(trees=20, min_leaf=10, lags=(1, 4))


def test_a_stump_by_hand():
    head = TreeHead(trees=2, nodes=3)
    head.start.fill_(0.5)
    head.used.fill_(1)
    head.feature[0, 0], head.threshold[0, 0], head.left[0, 0], head.right[0, 0] = 1, 2.0, 1, 2
    head.value[0, 1], head.value[0, 2] = -1.0, 3.0
    z = torch.tensor([[9.0, 2.0], [9.0, 2.0001], [9.0, -5.0]])
    assert head(z).tolist() == [-0.5, 3.5, -0.5]
    head.used.fill_(0)
    assert head(z).tolist() == [0.5] * 3


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(1, 30), st.sampled_from([1, 7, 50]), st.booleans())
def test_equal_to_scikit_learn(seed, leaves, trees, min_leaf, rounded):
    """Also where a sample lies exactly on a threshold: inputs are rounded to tenths. Weights are uneven."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((400, 4)).round(1 if rounded else 9).astype(np.float32)
    y = (x[:, 0] * x[:, 1] + rng.standard_normal(400) > 0.3).astype(np.float64)
    weight = rng.uniform(0.2, 3.0, 400)
    config = GbmConfig(trees=trees, leaves=leaves, min_leaf=min_leaf, learning_rate=0.3)
    grown = config.fit_trees(x, y, weight)
    head = config.build(4, 1, 1).head
    head.take(grown, trees)
    fresh = rng.standard_normal((300, 4)).round(1).astype(np.float32)
    for sample in (x, fresh):
        expected = grown.estimator.decision_function(bins(sample, grown.edges))
        np.testing.assert_allclose(head.margin(torch.from_numpy(sample)).numpy(), expected, rtol=0, atol=1e-12)


def test_the_trees_are_those_of_scikit_learn_on_the_inputs_themselves():
    """Where inputs have few values, our bins are its own; a stage is a model with fewer trees."""
    rng = np.random.default_rng(3)
    x, y, weight = rng.standard_normal((500, 3)).round(1), (rng.random(500) < 0.4).astype(float), rng.random(500)
    config = GbmConfig(trees=12, min_leaf=20)
    grown = config.fit_trees(x, y, weight)
    alone = HistGradientBoostingClassifier(
        max_iter=12,
        learning_rate=0.05,
        max_leaf_nodes=15,
        min_samples_leaf=20,
        l2_regularization=1.0,
        early_stopping=False,  # pyright: ignore[reportArgumentType] - its stub knows text only
        random_state=99,
    ).fit(x, y, sample_weight=weight)
    np.testing.assert_array_equal(grown.estimator.decision_function(grown.codes), alone.decision_function(x))
    fewer = GbmConfig(trees=5, min_leaf=20).fit_trees(x, y, weight)
    stages = list(grown.margins())
    np.testing.assert_array_equal(stages[4], fewer.estimator.decision_function(fewer.codes))
    head = config.build(3, 1, 1).head
    for trees in (2, 5):
        head.take(grown, trees)
        expected = head.margin(torch.from_numpy(x)).numpy()
        np.testing.assert_allclose(expected, stages[trees - 1], rtol=0, atol=1e-12)


def test_rows_are_the_last_and_those_before_it():
    encoder = GbmConfig(lags=(1, 3, 24)).build(2, 4, 1).encoder
    x = torch.arange(8.0).reshape(1, 4, 2)
    assert encoder(x, torch.zeros(1)).tolist() == [[6.0, 7.0, 4.0, 5.0, 0.0, 1.0]]  # lag 24 lies beyond the window


def test_stages_are_epochs_and_the_best_is_kept(tmp_path):
    data = tiny_dataset(Rng(1), bars=400)
    trained = train(tmp_path, data=data, model=SMALL, epochs=4, patience=None)
    assert trained.history[-1]["auc"] > 0.8
    assert trained.model.head.used.item() == 5 * trained.best_epoch  # pyright: ignore
    assert {row["lr"] for row in trained.history} == {0.05}
    rng = np.random.default_rng(1)
    y = (rng.random(data.y.shape) < 0.5).astype(np.float32)
    data.y[:] = y
    stopped = train(tmp_path / "noise", data=data, model=SMALL, epochs=20, patience=2, min_delta=0.0)
    assert stopped.ended == "patience"
    assert len(stopped.history) == stopped.best_epoch + 2


def test_a_signal_between_inputs_is_found_that_a_line_cannot_see(tmp_path):
    data = tiny_dataset(Rng(2), bars=2000)
    noise = np.random.default_rng(1).random(data.y.shape)
    data.y[:] = noise < 1 / (1 + np.exp(-2 * data.x[:, :, 0] * data.x[:, :, 1]))
    auc = {
        name: train(tmp_path / name, data=data, model=model, epochs=5).history[-1]["auc"]
        for name, model in (("gbm", GbmConfig(trees=60)), ("logistic", None))
    }
    assert auc["gbm"] > 0.68
    assert auc["logistic"] < 0.55


def test_class_weights_even_the_start(tmp_path):
    data = tiny_dataset(Rng(1))
    data.y[:] = data.y * (data.x[:, :, 1] > 0.8)
    start = {
        name: train(tmp_path / name, data=data, model=SMALL, loss=loss).model.head.start.item()  # pyright: ignore
        for name, loss in (("bce", BceConfig()), ("even", WeightedBceConfig()))
    }
    share = data.y.reshape(-1)[data.fold.train].mean()
    assert start["bce"] == pytest.approx(np.log(share / (1 - share)), abs=1e-5)
    assert start["even"] == pytest.approx(0, abs=1e-6)


def test_what_trees_cannot_do_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="model gbm is grown on bce or weighted_bce"):
        train(tmp_path, model=SMALL, loss=FocalConfig())
    with pytest.raises(ConfigError, match=r"train\.average belongs to gradient descent, and model gbm has none"):
        train(tmp_path, model=SMALL, average="ema")
    with pytest.raises(ConfigError, match=r"train\.precision"):
        train(tmp_path, model=SMALL, precision="bf16")


def test_a_bundle_is_read_without_scikit_learn(tmp_path, monkeypatch):
    data = tiny_dataset(Rng(1))
    trained = train(tmp_path / "run", data=data, model=SMALL)
    names = tuple(f"f{number}" for number in range(5))
    write_bundle(tmp_path / "bundle", Bundle(trained.model, SMALL, 6, names, data.symbols, preprocessor={}))
    expected = predict(trained.model, data.x, data.fold.validation, window=6).logit
    for name in [name for name in sys.modules if name.partition(".")[0] == "sklearn"]:
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    with pytest.raises(ImportError):
        SMALL.fit_trees(data.x[0], data.y[0], data.weight[0])
    model = read_bundle(tmp_path / "bundle").model
    np.testing.assert_array_equal(predict(model, data.x, data.fold.validation, window=6).logit, expected)


def test_only_what_matters_to_trees_is_searched():
    costs = {"commission_bps": 4.0, "half_spread_bps": 1.0}
    names = ("learning_rate", "leaves", "min_leaf", "l2")
    assert set(space(load_run_config({"costs": costs, "model": "gbm"}).model)) == set(names)
    found = {key for key in space(load_run_config({"costs": costs, "model": "gbm"})) if key[:5] in ("model", "train")}
    assert found == {f"model.{name}" for name in names}
