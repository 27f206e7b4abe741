"""What a search varies by default, what it may not choose, and the config of a trial."""

import pytest

from edgeproof.core.config import Tune
from edgeproof.core.errors import ConfigError
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.vary import goal_of, search_space, varied

RATE = {"train.lr": Tune(1e-4, 1e-2, log=True), "train.weight_decay": Tune(1e-6, 1e-3, log=True)}
LARGE, SMALL = Tune(choices=(256, 512, 1024)), Tune(choices=(128, 256, 512))
ATTENTION = {
    "model.layers": Tune(choices=(1, 2, 3)),
    "model.hidden": Tune(choices=(64, 128, 256)),
    "model.attention": Tune(choices=(32, 64, 128)),
    "model.heads": Tune(choices=(2, 4, 8)),
    "model.dropout": Tune(0.2, 0.5),
    "train.batch_size": SMALL,
    **RATE,
}
MLP = {
    "model.hidden": Tune(choices=((128, 64), (256, 128), (256, 128, 64), (512, 256, 128))),
    "model.activation": Tune(choices=("relu", "tanh")),
    "model.batch_norm": Tune(choices=(True, False)),
    "model.dropout": Tune(0.2, 0.5),
    "train.batch_size": LARGE,
    **RATE,
}


def config(*overrides: str, **tune) -> RunConfig:
    return load_run_config({"costs": {"commission_bps": 1.0}, "tune": tune}, overrides)


@pytest.mark.parametrize(
    ("model", "loss", "space"),
    [
        ("logistic", "bce", {"train.batch_size": LARGE, **RATE}),
        ("mlp", "bce", MLP),
        ("mlp", "focal", MLP | {"loss.alpha": Tune(0.2, 0.5), "loss.gamma": Tune(1.5, 4.0)}),
        ("lstm_attention", "bce", ATTENTION),
        ("gru_attention", "focal", ATTENTION | {"loss.alpha": Tune(0.2, 0.5), "loss.gamma": Tune(2.0, 4.0)}),
    ],
)
def test_the_default_space_of_a_model(model, loss, space):
    assert search_space(config(f"model={model}", f"loss={loss}")) == space


def test_trees_have_a_space_of_their_own():
    assert {key.partition(".")[0] for key in search_space(config("model=gbm"))} == {"model"}


@pytest.mark.parametrize(
    "key", ["costs.commission_bps", "split.train", "seed", "verdict.smallest_sharpe", "quality.max_gap_bars", "market"]
)
def test_what_is_given_is_no_choice(key):
    with pytest.raises(ConfigError, match="no choice of a search"):
        search_space(config(space={key: [1, 2]}))


def test_what_is_forecast_varies_only_where_money_is_compared():
    space = {"label.horizon_bars": {"low": 1, "high": 4}}
    with pytest.raises(ConfigError, match="cannot be compared"):
        search_space(config(space=space, only=True))
    assert search_space(config(space=space, only=True, objective="net_sharpe")) == {"label.horizon_bars": Tune(1, 4)}


def test_a_part_is_no_key_and_ends_must_be_possible():
    with pytest.raises(ConfigError, match="space model: a part, not a value"):
        search_space(config(space={"model": ["mlp", "logistic"]}))
    with pytest.raises(ConfigError, match=r"space train.lr: train.lr: .*greater than 0"):
        search_space(config(space={"train.lr": {"low": -1.0, "high": 1.0}}))


def test_a_trials_config_has_the_values_and_says_nothing_of_the_search():
    base = config("model=mlp", space={"train.lr": [1e-3, 1e-2]})
    trial = varied(base, {"train.lr": 1e-2, "model.hidden": (8, 4), "window": 12})
    assert (trial.train.lr, trial.window) == (1e-2, 12)
    assert trial.model.model_dump()["hidden"] == (8, 4)
    assert trial.tune == RunConfig.model_fields["tune"].default
    assert base.train.lr != 1e-2
    plain = load_run_config(varied(base, {"train.lr": 1e-2}))
    alone = load_run_config({"costs": {"commission_bps": 1.0}, "model": "mlp", "train": {"lr": 1e-2}})
    assert plain.trial_identity() == alone.trial_identity()  # the same trial as that of a plain run


AGENT = {
    "agent.lr": Tune(1e-5, 1e-2, log=True),
    "agent.gamma": Tune(0.95, 0.999),
    "agent.gae_lambda": Tune(0.9, 0.99),
    "agent.clip": Tune(0.1, 0.3),
    "agent.entropy": Tune(1e-4, 3e-2, log=True),
    "agent.minibatch": Tune(choices=(2048, 8192, 32768)),
}


def test_the_default_space_of_an_agent_is_its_own():
    assert search_space(config("agent=ppo")) == AGENT
    assert search_space(config("agent=ppo", "agent.encoder=learned")) == AGENT
    assert search_space(config("agent=ppo", "agent.encoder=frozen", "model=mlp")) == AGENT


def test_batches_larger_than_the_rollout_are_left_out():
    """128 steps of 64 accounts are 8,192 samples."""
    assert search_space(config("agent=ppo", "agent.accounts=64"))["agent.minibatch"].choices == (2048, 8192)
    assert "agent.minibatch" not in search_space(config("agent=ppo", "agent.accounts=32"))
    asked = config("agent=ppo", "agent.accounts=32", only=True, space={"agent.minibatch": [64, 4096]})
    assert search_space(asked) == {"agent.minibatch": Tune(choices=(64, 4096))}


def test_an_agent_varies_what_it_reads_and_a_model_what_its_encoder_reads():
    space = {"train.lr": {"low": 1e-4, "high": 1e-2}}
    with pytest.raises(ConfigError, match=r"unknown key 'train.lr' in the space; did you mean 'agent.lr'"):
        search_space(config("agent=ppo", space=space))
    assert "train.lr" in search_space(config("agent=ppo", "agent.encoder=frozen", "model=mlp", space=space))
    rewards = {"environment.reward.scale": [10.0, 100.0], "environment.episode_bars": [64, 256]}
    assert set(search_space(config("agent=ppo", only=True, space=rewards))) == set(rewards)


def test_a_part_is_no_value_that_a_search_chooses():
    for space in ({"agent.curriculum": ["none", "tasks"]}, {"agent.encoder": ["none"]}):
        with pytest.raises(ConfigError, match=r"space agent\.\w+: a part, not a value"):
            search_space(config("agent=ppo", space=space))
    with pytest.raises(ConfigError, match=r"vary its own keys \(environment\.reward\.scale\)"):
        search_space(config("agent=ppo", space={"environment.reward": ["log_growth", "weighted"]}))


def test_what_is_looked_for_is_what_there_is():
    assert goal_of(config()) == "log_loss"
    assert goal_of(config("agent=ppo")) == "net_growth"
    assert goal_of(config("agent=ppo", objective="net_sharpe")) == "net_sharpe"
    with pytest.raises(ConfigError, match="agent ppo holds positions and forecasts nothing; search for net_growth"):
        goal_of(config("agent=ppo", objective="auc"))
    with pytest.raises(ConfigError, match="search for net_sharpe"):
        goal_of(config(objective="net_growth"))
