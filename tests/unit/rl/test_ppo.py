"""Trainings of agents: they learn, members are apart, a broken-off one ends with the same bytes, mistakes are said."""

import numpy as np
import pytest
import torch

from edgeproof.core.container import read_container, write_container
from edgeproof.core.errors import BundleError, Diverged, OptionError, TrainError
from edgeproof.core.progress import Progress
from edgeproof.core.rng import Rng
from edgeproof.rl.agent import read_agent
from edgeproof.rl.env import MarketEnv
from edgeproof.rl.interface import Continuous, Layout, Observation
from edgeproof.rl.keys import Keys
from edgeproof.rl.learning.policy import Policy
from edgeproof.rl.learning.samples import Samples, minibatches
from edgeproof.rl.market_settings import EnvConfig
from edgeproof.rl.ppo import train_ppo
from edgeproof.rl.reward import DifferentialSharpeConfig
from edgeproof.rl.settings import NetConfig, PpoConfig
from edgeproof.rl.standing import LAST
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.options import Options
from tests.unit.rl.scene import tape_of
from tests.unit.rl.small_worlds import Signs

SMALL = PpoConfig(
    net=NetConfig(actor=(16,), critic=(16,)),
    total_steps=20 * 16 * 32,
    steps=16,
    accounts=32,
    minibatch=128,
    epochs=2,
    lr=1e-2,
    gamma=0.5,
    precision="fp32",
)


RECTIFIED = NetConfig(actor=(16,), critic=(16,), activation="relu")


def config(updates=20, **changes):
    return SMALL.model_copy(update={"total_steps": updates * 16 * 32, **changes})


def train(folder, *configs, members=None, length=4, continuous=False, **more):
    members = tuple(range(len(configs))) if members is None else members
    world = Signs(32 * len(configs), members=members, length=length, continuous=continuous)
    return train_ppo(world, configs, rng=Rng(5), folder=folder, members=members, **more)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("shared", [False, True])
def test_an_agent_learns_what_a_sign_means(tmp_path, precision, shared):
    net = NetConfig(actor=(16,), critic=(16,), shared=shared)
    trained = train(tmp_path, config(30, precision=precision, net=net))
    assert trained.history[-1]["reward"] > 0.9
    assert [row["update"] for row in trained.history] == list(range(1, 31))
    assert trained.history[-1]["steps"] == 30 * 16 * 32


def test_continuous_actions_are_learned(tmp_path):
    assert train(tmp_path, config(40, entropy=0.0), continuous=True).history[-1]["reward"] > 0.8


@pytest.mark.parametrize(("precision", "within"), [("fp64", 1e-12), ("fp32", 1e-5), ("bf16", 1e-2)])
def test_the_first_minibatch_sees_the_probabilities_that_acted(tmp_path, precision, within):
    for continuous in (False, True):
        folder = tmp_path / str(continuous)
        rows = train(folder, config(3, precision=precision), continuous=continuous).history
        assert all(row["ratio_error"] < within for row in rows)


@pytest.mark.parametrize("activation", ["tanh", "relu", "silu"])
def test_few_rows_of_a_population_see_what_many_see_in_bf16(activation):
    """Actions are drawn for few accounts at a time and learned from by thousands: both round the same way."""
    net = NetConfig(actor=(64, 64), critic=(64,), activation=activation)
    policy = Policy(net, 8, Continuous(3, -1.0, 1.0), 4, torch.bfloat16).start(Keys(Rng(0), (0, 1, 2, 3)))
    policy.load(policy.flat * 3.0)  # a trained policy's weights are larger
    x = torch.randn(4, 1024, 8, generator=torch.Generator().manual_seed(0)).bfloat16()
    many, few = policy.forward(x), policy.forward(x[:, :64].contiguous())
    for told, part in ((many.action, few.action), (many.value, few.value)):
        own = told[:, :64]
        assert (own - part).abs().mean() < 2e-4 * own.abs().mean()


@pytest.mark.parametrize(("updates", "precision", "within"), [(1, "fp32", 1e-5), (20, "fp64", 1e-6)])
@pytest.mark.parametrize("continuous", [False, True])
def test_a_member_is_the_same_in_any_company(tmp_path, updates, precision, within, continuous):
    changes = [{}, {"lr": 3e-3, "gamma": 0.9, "clip": 0.1}, {"gae_lambda": 0.8, "entropy": 0.1, "grad_norm": 0.1}]
    common = {"normalise_observations": True, "normalise_rewards": True, "precision": precision}
    configs = [config(updates, **common, **change) for change in changes]
    together = train(tmp_path / "all", *configs, continuous=continuous)
    for place, each in enumerate(configs):
        alone = train(tmp_path / str(place), each, members=(place,), continuous=continuous)
        torch.testing.assert_close(alone.agent.policy.flat[0], together.agent.policy.flat[place], rtol=0, atol=within)
        row = together.history[-1]
        for name in ("reward", "value_loss", "kl", "grad_norm", "explained_variance"):
            assert row[name][place] == pytest.approx(alone.history[-1][name], abs=10 * within), name


@pytest.mark.parametrize("members", [1, 2])
def test_a_training_that_is_broken_off_ends_with_the_same_bytes(tmp_path, members):
    class EnoughError(Exception):
        pass

    def stop_at(update):
        def watch(row):
            if row["update"] == update:
                raise EnoughError

        return watch

    each = config(6, normalise_observations=True, normalise_rewards=True, save_seconds=0)
    configs = [each] * members
    whole = train(tmp_path / "whole", *configs, validate=by_mean)
    for update in (1, 4):
        with pytest.raises(EnoughError):
            train(tmp_path / "broken", *configs, watch=stop_at(update), validate=by_mean)
    told = []
    again = train(tmp_path / "broken", *configs, watch=told.append, validate=by_mean)
    assert [row["update"] for row in told] == [5, 6]
    assert again.sha == whole.sha
    assert again.best_update == whole.best_update
    times = {"seconds", "steps_per_second"}
    for ours, theirs in zip(again.history, whole.history, strict=True):
        assert {k: v for k, v in ours.items() if k not in times} == {k: v for k, v in theirs.items() if k not in times}


def test_a_training_that_goes_on_on_another_device_says_so(tmp_path):
    def watch(row):
        if row["update"] == 1:
            raise KeyError

    each = config(3, save_seconds=0)
    with pytest.raises(KeyError):
        train(tmp_path, each, watch=watch)
    arrays, header, _ = read_container(tmp_path / LAST)
    assert header["standing"]["devices"] == ["cpu"]
    header["standing"]["devices"] = ["cuda"]  # as if it had been one
    write_container(tmp_path / LAST, arrays, header)
    trained = train(tmp_path, each.model_copy(update={"device": "auto"}))
    assert trained.devices == ("cuda", "cpu")
    assert len(trained.history) == 3


def by_mean(agent):
    """A score that moves with the weights."""
    return {"score": agent.policy.flat.double().mean(1).tolist()}


def test_the_best_validation_is_the_result(tmp_path):
    seen = []

    def validate(agent):
        seen.append(agent.policy.flat.clone())
        return {"score": [-abs(len(seen) - 2.0)], "turnover": [np.nan]}

    trained = train(tmp_path, config(20, mode="quick_test"), validate=validate)
    assert len(seen) == 10  # about ten a run
    assert trained.best_update == (4,)
    assert torch.equal(trained.agent.policy.flat, seen[1])
    assert [row["update"] for row in trained.history if "validation.score" in row] == list(range(2, 21, 2))
    assert trained.history[1]["validation.turnover"] is None


def test_an_agent_on_disk_acts_alike(tmp_path):
    trained = train(tmp_path, *[config(2, normalise_observations=True)] * 2)
    again = read_agent(trained.checkpoint, Layout(dense=2))
    observation = Observation(torch.randn(10, 2, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(again.chances(observation), trained.agent.chances(observation))
    assert torch.equal(again.act(observation), trained.agent.act(observation))
    second = again.member(1).value(Observation(observation.dense[5:]))
    torch.testing.assert_close(second, trained.agent.value(observation)[5:])
    with pytest.raises(BundleError, match="reads 2 numbers, the observations here have 3"):
        read_agent(trained.checkpoint, Layout(dense=3))


def test_an_update_ends_early_for_the_member_whose_kl_is_too_large(tmp_path):
    wild, calm = config(3, lr=0.3, target_kl=0.02), config(3, lr=1e-5, target_kl=0.02)
    rows = train(tmp_path, wild, calm).history
    assert rows[-1]["gradient_steps"][0] < rows[-1]["gradient_steps"][1] == 8


def test_minibatches_hold_every_sample_once():
    class Three:
        members, accounts = 3, 5

    own = Keys(Rng(0), (0, 1, 2)).parts(0, 0, 20, 3)
    parts = list(minibatches(Three, own))  # pyright: ignore[reportArgumentType] - all that it reads
    assert [part.shape[1] for part in parts] == [7, 7, 6]
    assert not torch.equal(own[0][0], own[0][1])
    rows = torch.cat(parts, 1)
    assert sorted(rows.flatten().tolist()) == list(range(60))
    assert all(set((rows[p] // 5 % 3).tolist()) == {p} for p in range(3))


@pytest.mark.parametrize("accounts", [60, 64])
def test_neighbours_of_a_step_stay_together_where_there_are_many(accounts):
    nothing = torch.zeros(0)
    samples = Samples(nothing, None, nothing, nothing, True, 2, accounts)
    run = {60: 1, 64: 16}[accounts]
    assert samples.together(256) == run
    assert samples.together(255) == 1  # a minibatch of a few runs would not be the size asked for
    parts = list(minibatches(samples, Keys(Rng(0), (0, 1)).parts(0, 0, 5 * accounts, 3, run)))
    assert max(part.shape[1] for part in parts) - min(part.shape[1] for part in parts) in (0, run)
    assert sorted(torch.cat(parts, 1).flatten().tolist()) == list(range(10 * accounts))
    for part in parts:
        runs = part.view(2, -1, run)
        assert (runs - runs[:, :, :1]).eq(torch.arange(run)).all()


class Broken(Signs):
    """Gives one number that is none."""

    def __init__(self, what):
        super().__init__(32)
        self.what = what

    def step(self, action):
        step = super().step(action)
        getattr(step, self.what)[7] = float("nan")
        return step


def test_mistakes_are_one_clear_line(tmp_path):
    with pytest.raises(OptionError, match="environment has 32 accounts, 2 members of 32 need 64"):
        train_ppo(Signs(32), [SMALL, SMALL], rng=Rng(0), folder=tmp_path)
    with pytest.raises(OptionError, match="member 1 has another net than member 0"):
        train(tmp_path, SMALL, config(net=NetConfig(actor=(8,))))
    with pytest.raises(OptionError, match="population of no members"):
        train_ppo(Signs(32), [], rng=Rng(0), folder=tmp_path)
    with pytest.raises(OptionError, match="1 configs and 2 member numbers"):
        train_ppo(Signs(32), SMALL, rng=Rng(0), folder=tmp_path, members=(1, 2))
    with pytest.raises(TrainError, match="update 1, step 0, account 7: the environment gave a reward"):
        train_ppo(Broken("reward"), SMALL, rng=Rng(0), folder=tmp_path)
    train(tmp_path / "a", config(1))
    with pytest.raises(TrainError, match="holds a training with another config"):
        train(tmp_path / "a", config(1, lr=1.0))
    assert train(tmp_path / "a", config(1)).history[-1]["update"] == 1


def test_a_training_is_taken_up_under_the_same_rules_alone(tmp_path):
    """Costs, rewards and rules are no part of an observation: the folder has to remember them."""
    tape, few = tape_of(0, symbols=2, bars=60), config(1, accounts=4, steps=8, total_steps=32, minibatch=16)
    world, costs, options = EnvConfig(episode_bars=8), CostsConfig(commission_bps=5.0), Options()

    def go(world=world, costs=costs, options=options):
        market = MarketEnv(tape, world, costs, options, accounts=4)
        return train_ppo(market, few, rng=Rng(0), folder=tmp_path).sha

    assert go() == go()
    others = (
        lambda: go(costs=CostsConfig(commission_bps=9.0)),
        lambda: go(options=Options(leverage=2.0)),
        lambda: go(world=EnvConfig(episode_bars=8, reward=DifferentialSharpeConfig())),
    )
    for other in others:
        with pytest.raises(TrainError, match="holds a training with another environment"):
            other()


def test_a_score_that_is_no_number_chooses_nothing(tmp_path):
    """NaN is below no number: what came first would have stayed for ever."""
    with pytest.raises(TrainError, match=r"validation after update 1 gave scores \[nan\]; give finite numbers"):
        train(tmp_path, config(2), validate=lambda _: {"score": [float("nan")]})


def test_a_small_minibatch_is_as_small_as_asked_for_with_many_accounts_too(tmp_path):
    small = config(1, accounts=64, steps=8, total_steps=512, minibatch=4, epochs=1)
    done = train_ppo(Signs(64), small, rng=Rng(0), folder=tmp_path)
    assert done.history[0]["gradient_steps"] == 512 / 4


@pytest.mark.parametrize("target_kl", [None, 0.02])
@pytest.mark.parametrize("updates", [1, 30])
def test_a_loss_that_is_no_number_is_said(tmp_path, target_kl, updates):
    with pytest.raises(Diverged, match=r"update \d.*lower lr") as told:
        train(tmp_path, config(updates, lr=1e30, grad_norm=1e30, target_kl=target_kl, net=RECTIFIED))
    assert told.value.facts["update"] == int(str(told.value).split("update ")[1].split(",")[0]) >= 1


def test_only_rows_that_are_steps_are_learned_from(tmp_path):
    class Marked(Signs):
        """Every third row is no step: what it brings must not matter."""

        junk = 0.0

        def step(self, action):
            step = super().step(action)
            step.valid[::3] = False
            step.reward[::3] = self.junk
            return step

    def weights(junk):
        world = Marked(32, length=1)
        world.junk = junk
        return train_ppo(world, config(2), rng=Rng(0), folder=tmp_path / str(junk)).agent.policy.flat

    assert torch.equal(weights(0.0), weights(5.0))


def test_continuous_space_is_kept_on_disk(tmp_path):
    trained = train(tmp_path, config(1), continuous=True)
    assert read_agent(trained.checkpoint, Layout(dense=2)).policy.actions == Continuous(1, -1.0, 1.0)


def test_of_updates_within_a_second_the_first_the_validations_and_the_last_have_lines(tmp_path, monkeypatch):
    monkeypatch.setattr("edgeproof.core.progress.PAUSE_SECONDS", np.inf)
    lines: list[str] = []
    quick = SMALL.model_copy(update={"total_steps": 95 * 32, "steps": 1, "minibatch": 32, "epochs": 1})
    progress = Progress("update", 95, write=lines.append)
    train(tmp_path, quick, progress=progress, validate=lambda agent: {"score": [0.25]})
    each = [int(line.split()[1].split("/")[0]) for line in lines]
    assert each == [1, *range(9, 95, 9), 95]
    assert all("validation 0.25000" in line for line in lines[1:])
