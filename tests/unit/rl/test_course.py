"""A curriculum: stages are left when the agent earns in them, or when their time is over; a broken-off one resumes."""

from functools import partial

import numpy as np
import pytest

from edgeproof.core.errors import ConfigError, OptionError
from edgeproof.core.rng import Rng
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.templates import template_body
from edgeproof.rl.course import Course, is_left
from edgeproof.rl.curriculum import StageConfig, StagesConfig, TasksCurriculumConfig, VolatilityCurriculumConfig
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.ppo import train_ppo
from edgeproof.rl.settings import NetConfig, PpoConfig
from edgeproof.rl.tape import Tape
from edgeproof.simulator.costs import CostsConfig

UPDATES, ACCOUNTS, STEPS = 12, 32, 16
TIMES = {"seconds", "steps_per_second"}


def rising(bars=200, drift=0.004):
    """One symbol that rises without a break: whoever goes long earns."""
    close = np.exp(drift * np.arange(1, bars + 1))
    open_ = close * np.exp(-drift)
    prices = np.stack([open_, close, open_, close, np.ones(bars)], axis=1)[None]
    on = np.ones((1, bars), bool)
    return Tape(prices, on, np.ones((1, bars, 1), np.float32), on, window=1)


def world(sizes, accounts=ACCOUNTS, members=(0,), costs=0.0):
    config = EnvConfig(sizes=(sizes,), episode_bars=24, reward={"name": "log_growth", "scale": 100})  # pyright: ignore[reportArgumentType]
    charged = CostsConfig(commission_bps=costs, half_spread_bps=0.0)
    return MarketEnv(rising(), config, charged, accounts=accounts, members=members)


def agent(*stages, **changes):
    body = {"net": NetConfig(actor=(8,), critic=(8,)), "steps": STEPS, "accounts": ACCOUNTS, "minibatch": 128}
    body |= {"lr": 0.02, "precision": "fp32", "total_steps": UPDATES * STEPS * ACCOUNTS, "gamma": 0.5}
    return PpoConfig(**body, curriculum=StagesConfig(stages=stages), **changes)  # pyright: ignore[reportArgumentType]


def train(folder, config, members=1, **more):
    names = tuple(range(members))
    stages = config.curriculum.stages
    made = []

    def environment(number):
        made.append(number)
        return world(stages[number].position, members=names)

    course = Course(world(1.0, members=names), stages, environment)
    return train_ppo(course, [config] * members, rng=Rng(4), folder=folder, **more), made


def stages_seen(trained):
    return [row["stage"] for row in trained.history]


def test_a_stage_is_left_when_the_agent_earns_in_it(tmp_path):
    easy = StageConfig(position=0.5, promotion=0.0, measured=2, share=0.5)
    trained, made = train(tmp_path, agent(easy, StageConfig()))
    left = stages_seen(trained).index(2)
    growth = [row["figures.net_growth"] for row in trained.history]
    assert left < UPDATES // 2
    assert np.mean(growth[left - 2 : left]) > 0.0
    assert all(np.mean(growth[k - 2 : k]) <= 0.0 for k in range(2, left))
    assert made == [0, 1]


def test_a_stage_that_is_never_passed_is_left_when_its_share_is_over(tmp_path):
    hard = StageConfig(promotion=1e9, measured=2)
    trained, _ = train(tmp_path, agent(hard, hard.model_copy(update={"share": 0.5}), StageConfig()))
    assert stages_seen(trained) == [1] * 3 + [2] * 6 + [3] * 3


def test_when_a_stage_is_over():
    stage = StageConfig(promotion=2.0, measured=2, share=0.5)

    def rows(*bps):
        return [{"figures.net_growth": np.multiply(one, 1e-4).tolist()} for one in bps]

    assert not is_left(stage, rows(9.0), 20)
    assert is_left(stage, rows(1.0, 3.5), 20)
    assert not is_left(stage, rows(9.0, 1.0, 2.9), 20)
    assert is_left(stage, rows([1.0, 3.5], [1.0, 3.0]), 20)  # members together
    assert not is_left(stage, rows(*[0.0] * 9), 20)
    assert is_left(stage, rows(*[0.0] * 10), 20)


@pytest.mark.parametrize("members", [1, 2])
def test_a_training_broken_off_in_any_stage_ends_with_the_same_bytes(tmp_path, members):
    class EnoughError(Exception):
        pass

    def stop(row, update):
        if row["update"] == update:
            raise EnoughError

    easy = StageConfig(position=0.25, promotion=1e9, measured=1)
    scales = {"normalise_observations": True, "normalise_rewards": True, "save_seconds": 0}
    config = agent(easy, easy.model_copy(update={"position": 0.5}), StageConfig(), **scales)
    whole, _ = train(tmp_path / "whole", config, members)
    for update in (1, 3, 4, 7):  # 3 ends the first stage
        with pytest.raises(EnoughError):
            train(tmp_path / "broken", config, members, watch=partial(stop, update=update))
    again, made = train(tmp_path / "broken", config, members)
    assert stages_seen(whole) == [1] * 3 + [2] * 3 + [3] * 6
    assert made == [2]
    assert again.sha == whole.sha
    for ours, theirs in zip(again.history, whole.history, strict=True):
        assert {k: v for k, v in ours.items() if k not in TIMES} == {k: v for k, v in theirs.items() if k not in TIMES}
    _, made = train(tmp_path / "broken", config, members)  # a finished one is returned at once
    assert made == []


def test_a_config_without_its_stages_or_stages_without_a_config_are_refused(tmp_path):
    staged = agent(StageConfig())
    with pytest.raises(OptionError, match=r"1 stages, 0 environments of stages .* curriculum=none"):
        train_ppo(world(1.0), staged, rng=Rng(0), folder=tmp_path)
    plain = PpoConfig(total_steps=512, steps=STEPS, accounts=ACCOUNTS, minibatch=128)
    course = Course(world(1.0), (StageConfig(),), lambda _: world(1.0))
    with pytest.raises(OptionError, match="0 stages, 1 environments"):
        train_ppo(course, plain, rng=Rng(0), folder=tmp_path)


def run_config(*overrides):
    return load_run_config(template_body("rl_training"), overrides)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["agent.curriculum=tusks"], "unknown curriculum 'tusks'; did you mean 'tasks'"),
        (["agent.curriculum={name: stages, stages: []}"], "curriculum: stages: needs 1 or more"),
        (["agent.curriculum={name: stages, stages: [{regime: [calm]}]}"], "unknown key 'regime'"),
        (["agent.curriculum={name: stages, stages: [{scenarios: [flood]}]}"], "'crash', 'gap', 'liquidity_hole'"),
        (["agent.curriculum={name: stages, stages: [{position: 2.0}]}"], "less than or equal to 1"),
        (["agent.curriculum={name: stages, stages: [{share: 0.7}, {share: 0.3}, {}]}"], "nothing is left for the last"),
        (["agent.curriculum=volatility", "agent.total_steps=100"], "4 stages, total_steps gives 1 updates"),
        (["agent.curriculum=volatility", "agent.encoder=frozen", "model=mlp"], "agent.curriculum: .* frozen encodings"),
    ],
)
def test_mistakes_are_said(overrides, said):
    with pytest.raises(ConfigError, match=said):
        run_config(*overrides)


def test_a_trial_without_stages_is_the_trial_that_it_was_before_there_were_any():
    assert "curriculum" not in run_config().trial_identity()["agent"]
    assert run_config("agent.curriculum=tasks").trial_identity()["agent"]["curriculum"]["name"] == "tasks"
    run_config("agent.curriculum={name: stages, stages: [{symbols: 1}, {}]}", "agent.encoder=frozen", "model=mlp")


def test_a_stage_of_the_market_s_own_bars_is_the_one_that_it_was_before_there_were_longer_ones():
    one = run_config("agent.curriculum={name: stages, stages: [{symbols: 1}, {}]}").trial_identity()
    other = run_config("agent.curriculum={name: stages, stages: [{timeframes: [1, 4]}, {}]}").trial_identity()
    own, longer = (identity["agent"]["curriculum"]["stages"] for identity in (one, other))
    assert ["timeframes" in stage for stage in (*own, *longer)] == [False, False, True, False]


@pytest.mark.parametrize("kind", [VolatilityCurriculumConfig, TasksCurriculumConfig])
def test_presets_end_with_the_whole_market(kind):
    stages = kind(promotion=1.5).stages
    assert sum(stage.share for stage in stages) == 1.0
    assert {stage.promotion for stage in stages} == {1.5}
    last = stages[-1]
    assert (last.symbols, last.features, last.regimes, last.position, last.costs) == (None, 1.0, (), 1.0, 1.0)


@pytest.mark.parametrize("kind", [VolatilityCurriculumConfig, TasksCurriculumConfig])
@pytest.mark.parametrize("updates", [*range(5, 31), 1000])
def test_the_last_stage_is_reached_however_few_updates_there_are(kind, updates):
    *before, _ = kind(promotion=1.0).stages
    nothing = {"figures.net_growth": -1.0}
    made = [next(n for n in range(1, updates + 1) if is_left(stage, [nothing] * n, updates)) for stage in before]
    assert sum(made) < updates
