"""One account of several symbols: the book is the account, bar by bar, and nothing that is said hangs on later bars."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.backtest.policies import FollowConfig, Policy
from edgeproof.backtest.run import Replay, run_policy
from edgeproof.core.errors import ConfigError, OptionError, TrainError
from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel
from edgeproof.features.scale import fit_preprocessor
from edgeproof.features.table import build_features
from edgeproof.recipe.agent import Ground, acting, agent_episodes, agent_forecast
from edgeproof.recipe.agent_stages import course_of
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.prepare import Prepared
from edgeproof.recipe.templates import template_body
from edgeproof.recipe.vary import varied
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.gates import check_agent
from edgeproof.rl.ppo import train_ppo
from edgeproof.rl.settings import PpoConfig

BARS, WINDOW, SPAN = 120, 3, slice(10, 110)
PORTFOLIO = ["environment.actions=continuous", f"window={WINDOW}", "environment.episode_bars=20"]
SMALL = [
    "agent.total_steps=3072",
    "agent.accounts=16",
    "agent.steps=16",
    "agent.minibatch=64",
    "agent.net.actor=[8]",
    "agent.net.critic=[8]",
    "agent.save_seconds=0",
]
RULES = {
    "plain": [],
    "always": ["account.rebalance=always", "costs.borrow_bps_per_bar=3"],
    "bracket": ["account.stop_loss=0.01", "account.take_profit=0.02", "account.delisting_bars=5"],
    "levered": ["account.leverage=2", "account.maintenance_margin=0.05", "account.rebalance=always"],
    "sized": ["account.start=1000", "costs.commission_minimum=0.1", "account.minimum_notional=5"],
}


def config_of(*overrides):
    return load_run_config(template_body("rl_training"), [*PORTFOLIO, *overrides])


def ground(*overrides, symbols=4, seed=0, missing=0.15) -> Ground:
    """Random bars, some of them missing, and two features a symbol."""
    random = np.random.default_rng(seed)
    close = np.exp(0.01 * np.cumsum(random.standard_normal((symbols, BARS)), axis=1))
    opens = np.concatenate([np.ones((symbols, 1)), close[:, :-1]], axis=1) * np.exp(
        0.001 * random.standard_normal((symbols, BARS))
    )
    high, low = 1.004 * np.maximum(opens, close), 0.996 * np.minimum(opens, close)
    prices = np.stack([opens, high, low, close, np.full_like(close, 1e6)], axis=2)
    present = random.random((symbols, BARS)) >= missing
    present[0, :20] = True
    panel = SimpleNamespace(
        prices=prices,
        present=present,
        interval_ns=3_600 * 10**9,
        symbols=tuple(f"S{s}" for s in range(symbols)),
        close_time=np.arange(BARS) * 3_600 * 10**9,
        calendar="continuous",
    )
    prepared: Any = SimpleNamespace(panel=panel, table=SimpleNamespace(ready=present.copy()))
    x = random.standard_normal((symbols, BARS, 2)).astype(np.float32)
    return Ground(config_of(f"environment.assets={symbols}", *overrides), prepared, x)


def actor_for(symbols, seed=0) -> Any:
    """Weights that hang on what is seen and on the account's own state."""
    random = np.random.default_rng(seed)
    seen_by, known_by = (
        torch.from_numpy(random.standard_normal((size, symbols)).astype(np.float32) * 0.6)
        for size in (WINDOW * 2 * symbols, 3 * symbols + 3)
    )
    return SimpleNamespace(decide=lambda seen, account: torch.tanh(seen @ seen_by + account @ known_by))


def said(world: Ground, actor: Any, span=SPAN):
    """Weights of the book, as they are decided."""
    told = agent_forecast(world, actor, [span], sha="")
    policy = FollowConfig(assets=world.config.environment.assets)
    return told, policy.weights(told.probability, told.made, np.ones(BARS, bool), 0.5, 1)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), symbols=st.integers(2, 6), rules=st.sampled_from(sorted(RULES)))
def test_the_book_is_the_account_bar_by_bar(seed, symbols, rules):
    """What is followed from the forecasts in the backtest earns what the account earned, missing bars and all."""
    world, actor = ground(*RULES[rules], symbols=symbols, seed=seed), actor_for(symbols, seed)
    told, weights = said(world, actor)
    config, panel = world.config, world.prepared.panel
    replay = Replay(told.probability, told.made, np.ones(BARS, bool), panel.prices, panel.present, horizon_bars=1)
    track = run_policy(cast("Policy", config.policy), replay.cut(SPAN), 0.5, config.costs, config.options)
    lived = agent_episodes(world, actor, SPAN)
    assert lived["symbol"].unique().to_list() == [f"S0 to S{symbols - 1}"]
    bars = (lived["close_time"].dt.epoch("ns").to_numpy() // (3_600 * 10**9)).astype(int)
    assert len(bars) > 60
    growth = np.zeros(BARS)
    growth[bars] = lived["net_growth"].to_numpy()
    np.testing.assert_allclose(np.log1p(track.net_return), growth[SPAN], atol=3e-6)
    assert np.abs(weights).sum(axis=0).max() <= 1.0 + 1e-4
    assert track.traded.sum() > 1.0


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), at=st.integers(30, 100))
def test_nothing_that_is_said_hangs_on_later_bars(seed, at):
    world, actor = ground(seed=seed), actor_for(4, seed)
    other, panel = ground(seed=seed + 1), world.prepared.panel
    later, prices, present = np.arange(BARS) >= at, panel.prices, panel.present
    changed = {
        "prices": np.where(later[None, :, None], other.prepared.panel.prices, prices),
        "present": np.where(later, other.prepared.panel.present, present),
    }
    x = np.where(later[None, :, None], other.x, world.x)
    parts: Any = SimpleNamespace(
        panel=SimpleNamespace(**{**vars(panel), **changed}), table=SimpleNamespace(ready=changed["present"])
    )
    one, two = said(world, actor), said(replace(world, prepared=parts, x=x), actor)
    np.testing.assert_array_equal(one[1][:, :at], two[1][:, :at])
    np.testing.assert_array_equal(one[0].made[:, :at], two[0].made[:, :at])


def test_groups_of_symbols_are_accounts_of_equal_money():
    world, actor = ground("environment.assets=2"), actor_for(2)
    told, weights = said(world, actor)
    lived = agent_episodes(world, actor, SPAN)
    assert lived["symbol"].unique(maintain_order=True).to_list() == ["S0 to S1", "S2 to S3"]
    assert (told.made[0] == told.made[1]).all()
    assert (np.abs(weights.reshape(2, 2, BARS)).sum(axis=1) <= 0.5 + 1e-4).all()
    walked = world.walk(partial(acting, actor), SPAN)
    assert walked is not None
    np.testing.assert_allclose(weights[:, 20:100], walked[0].position[0][:, 20:100] / 2, atol=1e-5)


def test_the_account_has_the_money_that_the_book_puts_on_its_symbols():
    money = ["account.start=1000", "account.leverage=2", "exposure=1.5"]
    assert ground("environment.assets=4", *money).options.start == 1500.0
    assert ground("environment.assets=2", *money).options.start == 750.0


def test_an_account_without_one_ready_symbol_is_left_out_and_the_others_are_heard():
    world = ground("environment.assets=2")
    world.prepared.table.ready[2:] = False
    told, _ = said(world, actor_for(2))
    assert told.made[:2].any(axis=1).all()
    assert not told.made[2:].any()
    assert world.able(SPAN).tolist() == [0, 1]


def test_a_ruined_account_says_that_all_of_it_is_over():
    world = ground(missing=0.0)
    world.prepared.panel.prices[:, 40:, :4] *= 3.0  # all at once
    short: Any = SimpleNamespace(decide=lambda seen, account: torch.full((len(seen), 4), -1.0))
    _, weights = said(world, short)
    assert (weights[:, 20:40] == -0.25).all()
    assert (weights[:, 41:] == 0.0).all()


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(st.lists(st.floats(-3, 3, width=32), min_size=4, max_size=4), min_size=1, max_size=5),
    gross=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_weights_are_held_within_the_gross_and_keep_their_shares(rows, gross):
    world = ground().environment(SPAN, 1)
    config = world.config.model_copy(update={"gross": gross})
    world = MarketEnv(ground().tape(SPAN), config, config_of().costs, accounts=len(rows))
    wide = torch.tensor(rows, dtype=torch.float32)
    asked = world.asked(wide)
    held = np.clip(wide.numpy(), -1.0, 1.0).astype(np.float64)
    size = np.abs(held).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(asked, held * np.minimum(1.0, gross / np.maximum(size, 1e-30)), rtol=1e-5, atol=1e-7)


def test_a_weight_that_is_no_number_or_of_another_shape_is_refused():
    world = ground().environment(SPAN, 1)
    world.reset(Rng(0))
    action = torch.full((world.accounts, 4), 0.5)
    action[3, 2] = torch.nan
    with pytest.raises(TrainError, match="account 3 is NaN"):
        world.step(action)
    with pytest.raises(TrainError, match="write floats"):
        world.step(torch.zeros(world.accounts))


def test_a_training_broken_off_ends_with_the_same_bytes(tmp_path):
    class EnoughError(Exception):
        pass

    def stop(row):
        if row["update"] == 5:
            raise EnoughError

    config = config_of("environment.assets=4", *SMALL)
    world = replace(ground(), config=config)

    def train(folder, **more):
        return train_ppo(world.environment(SPAN, 2), [config.agent] * 2, rng=Rng(1), folder=folder, **more)  # pyright: ignore[reportArgumentType]

    whole = train(tmp_path / "whole")
    with pytest.raises(EnoughError):
        train(tmp_path / "broken", watch=stop)
    assert train(tmp_path / "broken").sha == whole.sha
    assert whole.history[-1]["update"] == 12


def test_the_look_before_a_training_finds_nothing_wrong_with_it():
    world = ground(*SMALL, "environment.reward={name: log_growth, scale: 100}")
    agent = cast("PpoConfig", world.config.agent)
    found = check_agent(world.environment(SPAN, 1), agent, rng=Rng(0), samples=agent.steps * agent.accounts)
    assert {one.check for one in found} >= {"rl.rewards", "rl.first_ratio", "rl.entropy_at_start", "rl.observations"}
    assert not [one.claim for one in found if one.level == "error"]


def test_a_stage_limits_the_weights_together_and_its_longer_bars_are_dealt_out_alike():
    """Symbols of one account are of one timeframe."""
    stages = "agent.curriculum={name: stages, stages: [{position: 0.5, timeframes: [1, 2]}, {}]}"
    features, rows = ["log_return_1", "close_location"], np.arange(WINDOW, SPAN.stop)
    world = ground("environment.assets=2", f"features=[{','.join(features)}]", stages, *SMALL, missing=0.0)
    panel: Any = Panel(**vars(world.prepared.panel), open_time=np.arange(BARS) * 3_600 * 10**9, sha="")
    table = build_features(panel, features)
    scale = fit_preprocessor(table, rows)
    world = replace(world, prepared=Prepared(panel, table, cast("Any", None), np.ones(BARS, bool), None))
    course = course_of(world, scale, SPAN)
    assert course is not None
    stage = cast("MarketEnv", course.environment(0))
    feed = stage._world.feed
    assert feed.close.shape == (4, SPAN.stop, 2)
    np.testing.assert_array_equal(feed.close[1], panel.prices[2:, : SPAN.stop, 3].T)
    np.testing.assert_array_equal(feed.close[3, -3:], panel.prices[2:, SPAN.stop - 5 : SPAN.stop : 2, 3].T)
    asked = stage.asked(torch.full((stage.accounts, 2), 0.4))
    np.testing.assert_allclose(asked, 0.25, rtol=1e-6)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["environment.assets=4", "environment.actions=discrete"], "discrete actions move one asset, not 4"),
        (["environment.assets=4", "agent.encoder=learned"], "reads the window of one symbol"),
        (["environment.assets=4", "agent.encoder=frozen", "model=mlp"], "reads the window of one symbol"),
        (["environment.assets=4", "agent.curriculum=tasks"], "cannot learn on fewer"),
        (["environment.assets=4", "environment.gross=2.0"], "environment.gross: the weights of a run's account sum to"),
        (["environment.assets=4", "environment.gross=0"], "environment.gross: the weights of a run's account sum to"),
        (["environment.assets=4", "policy={name: follow, assets: 2}"], "policy.assets: an agent whose account holds 4"),
        (["environment.actions=discrete", "environment.gross=1"], "gross holds continuous weights"),
        (["environment.assets=0"], "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_together_is_said(overrides, said):
    with pytest.raises(ConfigError, match=said):
        config_of(*overrides)


def test_symbols_that_cannot_be_dealt_out_are_said():
    with pytest.raises(OptionError, match=r"4 symbols cannot .* groups of assets=3; write assets=4 for one account of"):
        replace(ground(), config=config_of("environment.assets=3")).able(SPAN)


def test_an_agent_of_one_symbol_an_account_is_the_trial_that_it_was():
    identity = config_of().trial_identity()
    assert "gross" not in identity["environment"]
    assert identity["policy"] == {"name": "follow"}
    portfolio = config_of("environment.assets=4").trial_identity()
    assert (portfolio["environment"]["gross"], portfolio["environment"]["assets"]) == (1.0, 4)


def test_a_config_that_was_written_can_be_given_other_accounts():
    written = config_of("environment.assets=4")
    assert load_run_config(written).policy == FollowConfig(assets=4)
    other = load_run_config(written.model_dump(mode="json"), ["environment.assets=2"])
    assert other.policy == FollowConfig(assets=2)
    assert other == config_of("environment.assets=2")
    searched = varied(written, {"environment.assets": 2})
    assert searched.policy == FollowConfig(assets=2)
