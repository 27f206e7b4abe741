"""An agent that sees by an encoder: trained, counted, bundled, traded from its bundle alone; regimes in its reward."""

import json
from typing import cast

import numpy as np
import pytest

import edgeproof as ep
from edgeproof.core.errors import ConfigError, OptionError
from edgeproof.core.progress import silent
from edgeproof.data.store import open_market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.agent import Ground
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.doctor import examine, trainings
from edgeproof.recipe.evaluate import evaluate_bundle
from edgeproof.recipe.folder import RunFolder
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.templates import template_body
from edgeproof.regimes.rules import RulesConfig
from edgeproof.rl.settings import PpoConfig
from edgeproof.train.bundle import read_bundle

SMALL = [
    "features=[close_location,body_share]",
    "window=8",
    "gates.profile=none",
    "agent.total_steps=49152",
    "agent.accounts=256",
    "agent.steps=64",
    "agent.minibatch=2048",
    "agent.lr=3e-3",
    "agent.gamma=0.9",
    "agent.net.actor=[16]",
    "agent.net.critic=[16]",
    "agent.save_seconds=0",
    "environment.episode_bars=128",
]
FROZEN = [
    "agent.encoder={name: frozen, folds: 2, anchors: 8}",
    "model={name: mlp, hidden: [16], dropout: 0.0}",
    "train.epochs=2",
    "train.batch_size=512",
    "train.lr=3e-3",
]


def train(market, out, *more, **options):
    return ep.run(template_body("rl_training"), market, out=out, overrides=[*SMALL, *more], write=silent, **options)


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    return ep.make_market(
        "linear", tmp_path_factory.mktemp("encoder") / "m", symbols=4, bars=2400, seed=5, strength=0.3
    )


@pytest.fixture(scope="module")
def frozen(market):
    return train(market, market.path.parent / "frozen", *FROZEN)


def test_an_agent_learns_from_encodings_of_which_each_training_is_a_trial(frozen, market):
    assert frozen.verdict["net"]["sharpe"] > 5.0
    labels = [row.body.get("label") for row in Ledger(market.path.parent).rows("training")]
    assert labels == ["training of ppo", "encoder fold 1/2", "encoder fold 2/2", "encoder"]
    assert frozen.verdict["trials"] == 4
    assert "agent.encoders_agree" in {one["check"] for one in json.loads((frozen.folder / "findings.json").read_text())}


def test_its_bundle_sees_by_itself(frozen, market):
    bundle = read_bundle(frozen.folder)
    assert bundle.model_config.model_dump()["sight"]["model"]["name"] == "mlp"
    alone = evaluate_bundle(frozen.folder, market.path)
    assert alone["net"]["sharpe"] == pytest.approx(frozen.verdict["net"]["sharpe"])


def test_the_doctor_reads_its_encoders_as_models_and_its_updates_as_an_agent(frozen):
    config = RunFolder(frozen.folder).config()
    seen = {one.name: (type(one).__name__, len(one.rows)) for one in trainings(RunFolder(frozen.folder))}
    models = dict.fromkeys(("encoder", "encoder-fold-01", "encoder-fold-02"), ("Training", 2))
    assert seen == {"training": ("AgentTraining", cast("PpoConfig", config.agent).updates)} | models
    assert not {one.where for one in examine([frozen.folder]).findings} - {
        "",
        *(f"{frozen.folder.name} {m}" for m in models),
    }


LEARNED = [
    "agent.encoder={name: learned, model: {name: gru_attention, layers: 1, hidden: 8, attention: 8, dense: 8}}",
    "agent.total_steps=24576",
    "agent.accounts=128",
    "agent.minibatch=512",
    "agent.lr=1e-2",
]


def test_an_encoder_learned_with_the_policy_goes_the_same_road(market, tmp_path):
    """Two members, each with its own encoder; the kept one's is in the bundle."""
    run = train(market, tmp_path / "run", *LEARNED, "combine={name: multi_start, seeds: 2}", workspace=tmp_path)
    labels = [row.body.get("label") for row in Ledger(tmp_path).rows("training")]
    assert labels == ["training of ppo", "start 1/2", "start 2/2"]
    assert run.verdict["net"]["sharpe"] > 5.0
    assert read_bundle(run.folder).model_config.model_dump()["sight"]["anchors"] == 0
    alone = evaluate_bundle(run.folder, market.path, workspace=tmp_path)
    assert alone["net"]["sharpe"] == pytest.approx(run.verdict["net"]["sharpe"])


FORECAST = ["agent.encoder={name: frozen, folds: 2, anchors: 0}", "model=logistic", *FROZEN[2:]]


def test_an_agent_trades_on_the_forecast_of_a_logistic_regression(market, tmp_path):
    """All that it sees beside its account is one number, and its bundle makes that number by itself."""
    run = train(market, tmp_path / "run", *FORECAST, workspace=tmp_path)
    assert run.verdict["net"]["sharpe"] > 5.0
    bundle = read_bundle(run.folder)
    assert bundle.model_config.model_dump()["sight"]["width"] == 1
    alone = evaluate_bundle(run.folder, market.path, workspace=tmp_path)
    assert alone["net"]["sharpe"] == pytest.approx(run.verdict["net"]["sharpe"])


@pytest.mark.slow
@pytest.mark.parametrize("encoder", [FROZEN, FORECAST, LEARNED])
def test_the_gates_look_at_what_the_agent_will_see(market, tmp_path, encoder):
    run = train(market, tmp_path / "run", *encoder, "gates.profile=quick", "gates.mode=warn", workspace=tmp_path)
    (skeleton,) = [
        step for step in json.loads((run.folder / "gates.json").read_text())["steps"] if step["name"] == "skeleton"
    ]
    assert not [check for check in skeleton["checks"] if check["level"] == "error"]
    assert {"rl.first_ratio", "rl.entropy_at_start"} <= {check["check"] for check in skeleton["checks"]}


@pytest.mark.slow
def test_an_encoder_is_taken_over_for_bars_after_what_it_was_trained_on(frozen, market, tmp_path):
    """The run's own encoder knows all training bars by heart: another market's agent may see by it, not this one's."""
    model = ["label=forward_return", "train.epochs=2", "model={name: mlp, hidden: [16], dropout: 0.0}"]
    supervised = ["features=[close_location,body_share]", "window=8", "gates.profile=none"]
    parent = ep.run(
        template_body("logistic_baseline"),
        market,
        out=tmp_path / "parent",
        overrides=[*supervised, *model, "train.average=none"],
        write=silent,
        workspace=market.path.parent,
    )
    see = ["agent.encoder={name: frozen, anchors: 8}", f"transfer.bundle={parent.folder}", *model]
    with pytest.raises(OptionError, match="take a bundle trained on an earlier span, or leave transfer out"):
        train(market, tmp_path / "same", *see, workspace=market.path.parent)
    other = ep.make_market("linear", market.path.parent / "other", symbols=4, bars=2400, seed=6, strength=0.3)
    run = train(other, tmp_path / "other", *see)
    assert [row["bundle"] for row in read_bundle(run.folder).lineage["parents"]] == [read_bundle(parent.folder).sha]
    assert run.verdict["net"]["sharpe"] > 5.0


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["transfer.bundle=somewhere"], "agent.encoder=frozen to see by that bundle's encoder"),
        (["agent.encoder=learned", "transfer.bundle=somewhere"], "an agent begins anew"),
        (["agent.encoder=frozen", "model=gbm"], "trees have no encoder"),
        (["agent.encoder=frozen", "transfer={bundle: somewhere, frozen: true}"], "says so already"),
        (["agent.encoder=frosen"], "did you mean 'frozen'"),
        (["agent.encoder={name: frozen, fold: 3}"], "did you mean 'folds'"),
    ],
)
def test_what_an_encoder_has_no_use_for_is_refused_in_one_line(overrides, said):
    with pytest.raises(ConfigError, match=said):
        load_run_config(template_body("rl_training"), overrides)


def test_an_agent_without_an_encoder_is_the_trial_that_it_was_and_one_with_it_another():
    body = template_body("rl_training")
    plain = load_run_config(body).trial_identity()
    assert "encoder" not in plain["agent"]
    assert not {"model", "loss", "train"} & set(plain)
    seeing = [
        load_run_config(body, ["agent.encoder=frozen", f"model={name}"]).trial_identity()
        for name in ("mlp", "cnn_lstm")
    ]
    assert seeing[0] != seeing[1]
    assert {"model", "loss", "train"} <= set(seeing[0])


def test_regimes_of_the_count_bonus_are_those_of_the_config_and_know_nothing_of_later_bars(market):
    days = "regimes={name: rules, trend_days: 2, volatility_days: 2, history_days: 2}"
    config = load_run_config(template_body("rl_training"), [*SMALL, "environment.reward={name: weighted}", days])
    opened, ledger = open_market(market.path), Ledger(market.path.parent)
    prepared = prepare(config, opened, open_bars(config, opened, ledger))
    x = np.zeros((*prepared.panel.present.shape, 2), np.float32)
    regime = Ground(config, prepared, x).tape(slice(0, 1000)).regime
    assert regime is not None
    code = cast("RulesConfig", config.regimes).regimes(prepared.panel).code
    assert np.array_equal(regime[0], np.where(code < 0, 4, code))
    assert len(np.unique(regime)) == 5
    prepared.panel.prices[:, 1500:, :4] *= 1.5 + np.sin(np.arange(prepared.panel.present.shape[1] - 1500))[:, None]
    later = Ground(config, prepared, x).tape(slice(0, 1000)).regime
    assert later is not None
    assert np.array_equal(later[:, :1500], regime[:, :1500])
    assert not np.array_equal(later, regime)
