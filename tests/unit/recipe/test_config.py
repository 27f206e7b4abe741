"""The root config's account and costs: sizes, presets, exits, and what is refused at once."""

from traceback import format_exception

import pytest

from edgeproof.core.config import dump_yaml
from edgeproof.core.errors import ConfigError
from edgeproof.labels import OpportunityConfig
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.templates import template_body
from edgeproof.recipe.trade import charged

BODY = template_body("logistic_baseline")


def load(*overrides):
    return load_run_config(BODY, overrides)


def test_a_run_closes_delisted_positions_also_where_only_its_money_is_given():
    assert load().account.delisting_bars == 24
    assert load("account.start=100000").account.delisting_bars == 24
    assert load("account.delisting_bars=0").account.delisting_bars == 0


@pytest.mark.parametrize(
    "key", ["costs.impact", "costs.commission_per_unit", "costs.commission_minimum", "account.participation"]
)
def test_what_depends_on_the_size_of_the_account_needs_one(key):
    with pytest.raises(ConfigError, match=f"{key} depends on the size of the account; set account.start"):
        load(f"{key}=0.5")
    assert load(f"{key}=0.5", "account.start=50000").account.start == 50_000.0


def test_fills_at_the_close_are_no_run():
    with pytest.raises(ConfigError, match="ablation that no market offers"):
        load("account.fill_at_close=true")


def test_a_preset_stands_in_for_what_is_not_given():
    bare = {key: value for key, value in BODY.items() if key != "costs"}
    costs = load_run_config(bare, ["costs.preset=binance_spot"]).costs
    assert (costs.commission_bps, costs.half_spread_bps) == (10.0, 1.0)
    changed = load_run_config(
        bare, ["costs.preset=binance_spot", "costs.commission_bps=7.5", "costs.half_spread_bps=2"]
    )
    assert (changed.costs.commission_bps, changed.costs.half_spread_bps) == (7.5, 2.0)
    told = charged(changed.costs)
    assert told["source"].startswith("Binance fee schedule")
    assert told["date"] == "2026-10"
    assert told["changed"] == ["commission_bps"]
    assert "source" not in charged(load().costs)


def test_a_preset_on_the_command_line_comes_before_the_fees_of_the_file_but_not_before_other_keys():
    assert BODY["costs"] == {"commission_bps": 4.0, "half_spread_bps": 1.0}
    assert load("costs.preset=kraken_spot").costs.commission_bps == 40.0
    assert load("costs.preset=kraken_spot", "costs.commission_bps=26").costs.commission_bps == 26.0
    file = BODY | {"costs": {"preset": "kraken_spot", "half_spread_bps": 3.0}}
    costs = load_run_config(file, ["costs.preset=binance_spot"]).costs
    assert (costs.commission_bps, costs.half_spread_bps) == (10.0, 3.0)


def test_a_resolved_preset_reads_back_as_it_was():
    config = load("costs.preset=ibkr_us_fixed", "account.start=100000")
    assert config.costs.commission_minimum == 1.0
    again = load_run_config(config.model_dump(mode="json"))
    assert again == config
    assert "preset: ibkr_us_fixed" in dump_yaml(again)


def test_an_unknown_preset_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match="unknown cost preset 'binance_spt'; did you mean 'binance_spot'"):
        load("costs.preset=binance_spt")


def test_a_bracket_without_barriers_is_refused_before_anything_is_trained():
    with pytest.raises(ConfigError, match="no barriers to leave at"):
        load("policy=bracket")
    own = load("policy=bracket", "policy.take_profit=0.02", "policy.bars=12").options
    assert (own.take_profit, own.stop_loss, own.bracket_bars, own.delisting_bars) == (0.02, 0.0, 12, 24)
    of_label = load_run_config(BODY | {"label": {"name": "opportunity"}}, ["policy.name=bracket"]).options
    assert (of_label.take_volatilities, of_label.stop_volatilities, of_label.bracket_bars) == (3.0, 1.5, 24)
    with pytest.raises(ConfigError, match="both have exits"):
        load("policy=bracket", "policy.stop_loss=0.02", "account.stop_loss=0.1")


def test_an_account_may_have_exits_under_any_policy():
    assert load("account.stop_volatilities=3").options.in_volatilities


def test_no_preset_on_the_command_line_leaves_the_fees_of_the_file():
    file = BODY | {"costs": {"preset": "kraken_spot", "commission_bps": 33.0, "half_spread_bps": 3.0}}
    for nothing in ("null", "~", ""):
        costs = load_run_config(file, [f"costs.preset={nothing}"]).costs
        assert (costs.preset, costs.commission_bps, costs.half_spread_bps) == (None, 33.0, 3.0)
    assert load_run_config(file, ["costs.preset=null", "costs.preset=binance_spot"]).costs.commission_bps == 10.0


def test_an_exposure_needs_a_leverage_that_allows_it():
    assert load().exposure == 1.0
    assert load("exposure=0.5").exposure == 0.5
    with pytest.raises(ConfigError, match=r"exposure 2 is above the 1 that account\.leverage allows; set"):
        load("exposure=2")
    with pytest.raises(ConfigError, match="exposure 3 is above the 2 "):
        load("exposure=3", "account.leverage=2")
    assert load("exposure=2", "account.leverage=2").exposure == 2.0
    for wrong in ("0", "-1", "1e300"):
        with pytest.raises(ConfigError, match="exposure"):
            load(f"exposure={wrong}", "account.leverage=1e300")


def test_a_bracket_leaves_where_the_label_does_or_not_at_all():
    label = {"label": {"name": "triple_barrier"}}
    with pytest.raises(ConfigError, match=r"closes alone.*set label\.touch=range"):
        load_run_config(BODY | label, ["policy.name=bracket"])
    same = load_run_config(BODY | label, ["policy.name=bracket", "label.touch=range"]).options
    assert (same.take_volatilities, same.stop_volatilities, same.bracket_bars) == (4.0, 4.0, 24)
    assert load_run_config(BODY | label, ["policy=bracket", "policy.take_profit=0.02"]).options.take_profit == 0.02


def test_a_unit_without_a_distance_is_refused():
    with pytest.raises(ConfigError, match="in_volatilities is the unit of take_profit and stop_loss"):
        load_run_config(BODY | {"label": {"name": "opportunity"}}, ["policy=bracket", "policy.in_volatilities=true"])


def test_a_threshold_policy_holds_for_the_horizon_of_a_barrier_label_unless_it_says_otherwise():
    plain = {key: value for key, value in BODY.items() if key != "policy"}
    assert load().policy.exit == "opposite"  # pyright: ignore[reportAttributeAccessIssue]
    assert load("label.horizon_bars=5").policy.exit == "opposite"  # pyright: ignore[reportAttributeAccessIssue]
    for label in ("opportunity", {"name": "triple_barrier"}, OpportunityConfig()):
        for body in (plain, plain | {"policy": "threshold"}, plain | {"policy": {"name": "threshold", "short": True}}):
            assert load_run_config(RunConfig.model_validate(body | {"label": label})).policy.exit == "horizon"  # pyright: ignore
        said = plain | {"label": label, "policy": {"name": "threshold", "exit": "opposite"}}
        assert RunConfig.model_validate(said).policy.exit == "opposite"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    "override",
    [
        "label.horizon_bars=3000000000",
        "label.volatility_bars=3000000000",
        "decide_every=10000000000",
        "train.epochs=10000000000",
        "train.patience=10000000000",
        "policy.thetas=10000000000",
        "window=10000000000",
        "costs.impact_bars=10000000000",
        "account.delisting_bars=100000000000000000000",
    ],
)
def test_numbers_that_no_market_has_are_refused_by_name(override):
    for label in ("forward_return", "opportunity", "triple_barrier"):
        with pytest.raises(ConfigError, match=override.partition("=")[0].split(".")[-1]):
            load_run_config(BODY | {"label": {"name": label}}, [override])


def test_a_mistake_is_the_override_s_or_the_file_s_own(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("model: mlp\n")
    with pytest.raises(
        ConfigError, match=r"^override 'model=gruu': unknown model 'gruu'; did you mean 'gru_attention'"
    ):
        load_run_config(path, ["train.epochs=3", "model=gruu", "seed=1"])
    path.write_text("model: gruu\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml: unknown model 'gruu'"):
        load_run_config(path, ["train.epochs=3"])


@pytest.mark.parametrize("host", ["host", "host." + 60 * "x"])
def test_the_line_that_refuses_a_password_does_not_show_it(host):
    override = f"tracking={{name: mlflow, uri: 'http://jane:hunter2@{host}'}}"
    with pytest.raises(ConfigError, match="MLFLOW_TRACKING_PASSWORD") as refused:
        load_run_config(template_body("logistic_baseline"), [override])
    assert "hunter2" not in "".join(format_exception(refused.value))


AGENT = template_body("rl_training")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("agent.ent_coef=1", "unknown key 'ent_coef' in agent; did you mean 'agent.entropy'?"),
        ("agent.clip_range=1", "'agent.clip'"),
        ("agent.learning_rate=1", "'agent.lr'"),
        ("agent.n_envs=8", "'agent.accounts'"),
        ("agent.n_epochs=8", "'agent.epochs'"),
        ("agent.n_steps=8", "'agent.steps'"),
        ("agent.batch_size=8", "'agent.minibatch'"),
        ("agent.vf_coef=1", "'agent.value_coefficient'"),
        ("agent.max_grad_norm=1", "'agent.grad_norm'"),
        ("reward=log_growth", "unknown key 'reward'; did you mean 'environment.reward'?"),
        ("environment.initial_cash=5", "did you mean 'account.start'?"),
        ("gamma=0.9", "did you mean 'agent.gamma'?"),
        ("agent.zzz=1", "docs/config.md"),
        ("agent.net.actor=16", "net.actor: write a list, such as [16]"),
        (
            "agent.encoder.folds=6",
            "agent.encoder is none, which has no folds; set agent.encoder={name: frozen, folds: 6}",
        ),
        ("agent.encoder=frozen", "model logistic has no encoder that learns; set agent.encoder.anchors=0"),
        ("agent.encoder={name: learned, model: logistic}", "model logistic has no encoder that learns"),
        ("agent.encoder={name: learned, model: gbm}", "model gbm has no encoder that learns"),
        ("model.name=[mlp]", "unknown model"),
        ("environment.assets=3", "discrete actions move one asset, not 3; write actions: continuous"),
    ],
)
def test_what_a_user_of_another_library_writes_is_answered_with_the_key_that_is_meant(override, said):
    with pytest.raises(ConfigError) as caught:
        load_run_config(AGENT, [override])
    assert said in str(caught.value)
    assert "(got {" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_one_key_of_a_part_that_is_not_mentioned_applies_to_its_default():
    plain = {key: value for key, value in BODY.items() if key not in ("split", "policy")}
    split = load_run_config(plain, ["split.train=0.7", "split.validation=0.1"]).split.model_dump()
    assert (split["name"], split["train"], split["sealed"]) == ("holdout", 0.7, 0.2)
    agent = load_run_config(AGENT, ["agent.encoder=frozen", "agent.encoder.anchors=0", "environment.reward.scale=30"])
    assert agent.environment.reward.model_dump() == {"name": "log_growth", "scale": 30.0}
    short = load_run_config(plain | {"label": "opportunity", "policy": {"short": True}}).policy.model_dump()
    assert (short["name"], short["exit"]) == ("threshold", "horizon")
    assert load_run_config(AGENT | {"policy": {}}).policy.model_dump()["name"] == "follow"


def test_a_config_that_is_not_there_is_begun_from_the_template_that_fits(tmp_path):
    with pytest.raises(ConfigError, match="template copy logistic_baseline"):
        load_run_config(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="template copy rl_training"):
        load_run_config(tmp_path / "none.yaml", like="rl_training")
