"""Every template is a whole config, and a short training by it works on a small known-truth market."""

from pathlib import Path

import pytest

import edgeproof as ep
from edgeproof.data.store import Market
from edgeproof.ledger.store import Ledger
from edgeproof.models import MODELS
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.learn import learn, proven_folds
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.templates import template_body, template_texts
from edgeproof.recipe.vary import search_space

BASELINES = {
    "logistic_baseline": "logistic",
    "mlp_baseline": "mlp",
    "lstm_baseline": "lstm_attention",
    "gru_baseline": "gru_attention",
    "cnn_lstm_baseline": "cnn_lstm",
}


@pytest.fixture(scope="module")
def market(tmp_path_factory) -> Market:
    folder = tmp_path_factory.mktemp("templates") / "m"
    return ep.make_market("linear", folder, symbols=2, bars=1200, seed=3, strength=0.3)


def test_every_template_is_there():
    derived = {f"{kind}_hpo_derived" for kind in ("mlp", "lstm", "gru")}
    assert set(BASELINES) | derived | {"hpo_example", "rl_training"} == set(template_texts())


@pytest.mark.parametrize("name", template_texts())
def test_it_loads_and_its_model_has_the_stated_sizes(name):
    """Sizes that a template writes out are the architecture's own; only the dropout may be another."""
    config = load_run_config(template_body(name))
    if name not in BASELINES:
        return
    written = config.model.model_dump()
    stated = MODELS[BASELINES[name]]().model_dump()
    assert {key for key in stated if written[key] != stated[key]} <= {"dropout"}
    assert config.loss.model_dump()["name"] == "bce"  # base rates of 0.4 to 0.6
    assert config.train.loss_metric == "log_loss"


def test_the_example_of_a_search_says_what_is_varied():
    config = load_run_config(template_body("hpo_example"))
    varied = search_space(config)
    assert varied["train.lr"].low == 1e-4
    assert varied["model.hidden"].choices == ([128, 64], [256, 128], [256, 128, 64])
    assert "model.dropout" in varied  # by default
    assert "train.batch_size" not in varied


@pytest.mark.parametrize("name", [name for name in template_texts() if name != "rl_training"])  # tests/story/test_agent
def test_three_epochs_on_a_small_market(market: Market, tmp_path: Path, name: str):
    config = load_run_config(template_body(name), ["train.epochs=3", "train.batch_size=64", "decide_every=4"])
    ledger = Ledger(tmp_path)
    span = open_bars(config, market, ledger)
    prepared = prepare(config, market, span)
    (fold,) = proven_folds(config, prepared)
    lines: list[str] = []
    made = learn(
        config, prepared, ledger, fold, market=span.market, folder=tmp_path / "checkpoints", write=lines.append
    )
    assert len(made.trained.history) == len(lines) == 3
    assert made.trained.history[-1]["train_loss"] < made.trained.history[0]["train_loss"]
    assert made.forecast.made.any()
