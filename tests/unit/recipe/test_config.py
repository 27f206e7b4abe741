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
