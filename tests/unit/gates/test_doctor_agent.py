"""The agents' doctor on tables of updates: each symptom and its first cause, under anyone's names, and silence."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.core.errors import OptionError
from edgeproof.gates import AgentKnown, diagnose_agent, diagnose_agent_seeds, told
from edgeproof.gates.agent_history import agent_history_of, is_agent, members_of, preference
from edgeproof.gates.agent_symptoms import _noise, _rise
from edgeproof.gates.cause import GROUPS

UPDATES = 24
LONG = 50_000  # steps of an update: the least that a training takes is behind it
KNOWN = AgentKnown(even=math.log(3), lr=3e-4, entropy=0.01, gamma=0.95, value_coefficient=0.5, updates=UPDATES,
                   epochs=4, minibatch=4096, samples=131_072, scale=100.0, ended=True)  # fmt: skip


IN_MONEY = {"explained_variance": 0.0, "reward_deviation": 90.0, "value_loss": 8e3}


def table(count: int = UPDATES, **changed):
    """A sound training; `changed` columns are numbers, or functions of the update from 0 to 1."""
    draws = np.random.default_rng(3)
    columns = {
        "reward": lambda x: 0.1 * x + 0.002 * draws.normal(),
        "reward_deviation": 0.6,
        "kl": 0.01,
        "clip_share": 0.1,
        "entropy": lambda x: 1.0986 - 0.6 * x,
        "explained_variance": lambda x: 0.2 * x,
        "value_loss": 0.3,
        "ratio_error": 1e-7,
    } | changed
    rows = []
    for update in range(count):
        x = update / count
        row = {name: value(x) if callable(value) else value for name, value in columns.items()}
        rows.append({"update": update + 1, "steps": (update + 1) * LONG, **row})
    return rows


def first(rows, known=KNOWN):
    return {one.check: one.evidence["causes"][0]["name"] for one in diagnose_agent(rows, known=known)}


def test_a_sound_table_says_nothing():
    assert first(table()) == {}
    assert first(table(), AgentKnown()) == {}
    assert diagnose_agent([]) == []


@pytest.mark.parametrize(
    ("changed", "known", "check", "cause"),
    [
        ({"kl": lambda x: 0.4 if 0.5 < x < 0.6 else 0.01}, {"lr": 0.01}, "doctor.kl", "learning rate too high"),
        ({"clip_share": 0.7}, {"epochs": 40}, "doctor.kl", "too many passes over one rollout"),
        ({"kl": 0.3}, {"minibatch": 16, "samples": 256}, "doctor.kl", "minibatches too small"),
        ({"kl": 0.3, "ratio_error": 0.2}, {"lr": 0.01}, "doctor.kl", "old log-probabilities of another path"),
        (
            {"entropy": lambda x: 0.01 if x > 0.2 else 1.0},
            {"entropy": 0.0},
            "doctor.entropy",
            "no entropy bonus to speak of",
        ),
        (
            {"entropy": lambda x: 0.01 if x > 0.2 else 1.0, "kl": lambda x: 0.9 if x < 0.2 else 0.0},
            {"lr": 0.1},
            "doctor.entropy",
            "learning rate too high",
        ),
        ({"reward": 0.0, "reward_deviation": 0.0}, {}, "doctor.flat_reward", "rewards that are all alike"),
        ({"reward": 0.0, "reward_deviation": 1e-5}, {}, "doctor.flat_reward", "rewards too small"),
        ({"reward": 0.0, "reward_deviation": 500.0}, {}, "doctor.flat_reward", "rewards too large"),
        ({"reward": 0.0, "kl": 1e-12}, {"lr": 1e-8}, "doctor.flat_reward", "learning rate too low"),
        ({"reward": 0.0, "entropy": 1.097}, {"entropy": 0.5}, "doctor.flat_reward", "entropy bonus too strong"),
        (
            {"reward": 0.0, "entropy": lambda x: 0.05 if x > 0.7 else 1.0},
            {},
            "doctor.flat_reward",
            "exploration that ended too early",
        ),
        ({"reward": 0.0}, {}, "doctor.flat_reward", "nothing that can be earned from these observations"),
        (
            {"explained_variance": -0.4},
            {"value_coefficient": 0.0},
            "doctor.critic",
            "a value loss that counts for nothing",
        ),
        ({"explained_variance": -9.0, "reward_deviation": 1e-4}, {}, "doctor.critic", "rewards too small"),
        (IN_MONEY, {}, "doctor.critic", "rewards too large"),
        ({"explained_variance": -9.0}, {"gamma": 0.9999}, "doctor.critic", "returns that reach beyond a rollout"),
        ({"steps": lambda x: 9e5 * x}, {}, "doctor.undertrained", "too few steps"),
        ({"validation.score": lambda x: x}, {}, "doctor.undertrained", "too few steps"),  # long, but it still rises
    ],
)  # fmt: skip
def test_a_table_with_a_symptom(changed, known, check, cause):
    found = first(table(**changed), AgentKnown(**{**vars(KNOWN), **known}))
    assert found[check] == cause


def test_what_is_usual_in_a_market_is_not_accused():
    """Returns that are mostly noise leave a critic at 0; a policy that converges is not one that collapsed."""
    assert first(table(explained_variance=-0.004)) == {}
    assert first(table(entropy=lambda x: 0.01 if x > 0.3 else 1.0)) == {}
    known = table(explained_variance=-3.0, value_loss=0.001)  # what is left to explain is a thousandth
    assert first(known) == {}


def test_few_steps_are_a_remark_unless_validation_still_rises():
    """What was asked for is no fault of a training that has levelled out."""
    for top, level in ((0.5, "info"), (1.0, "warning")):
        columns: dict[str, Any] = {
            "steps": lambda x: 9e5 * x,
            "validation.score": lambda x, top=top: min(x, top),
        }
        rows = table(**columns)
        (found,) = diagnose_agent(rows, known=KNOWN)
        assert (found.check, found.level) == ("doctor.undertrained", level)


def test_a_running_training_is_given_time():
    running = AgentKnown(**{**vars(KNOWN), "ended": False, "updates": 1000})
    assert first(table(reward=0.0), running) == {}
    assert "doctor.flat_reward" in first(table(reward=0.0), AgentKnown(**{**vars(KNOWN), "ended": False}))


@pytest.mark.parametrize(
    "names",
    [
        {"reward": "rollout/ep_rew_mean", "kl": "train/approx_kl", "clip_share": "train/clip_fraction"},
        {"reward": "charts/episodic_return", "kl": "losses/approx_kl", "clip_share": "losses/clipfrac"},
    ],
    ids=["stable-baselines3", "cleanrl"],
)
def test_tables_of_others_are_read_by_their_names(names):
    rows = [{names.get(name, name): value for name, value in row.items()} for row in table(kl=0.4)]
    assert first(rows) == {"doctor.kl": "learning rate too high"}
    assert is_agent(list(rows[0]))
    assert not is_agent(["train_loss", "val_loss"])


def test_the_negative_of_an_entropy_is_read_as_one():
    rows = [{"reward": 1.0, "train/entropy_loss": -0.5}]
    assert agent_history_of(rows).entropy.tolist() == [0.5]


def test_deviations_of_continuous_actions_are_compared_with_those_at_the_start():
    """A Gaussian's entropy falls by ln 2 for each number whose deviation is halved."""
    even = 2 * 0.5 * math.log(2 * math.pi * math.e)
    history = agent_history_of([{"reward": 0.0, "entropy": even}, {"reward": 0.0, "entropy": even - 2 * math.log(2)}])
    assert preference(history, AgentKnown(even=even, numbers=2)).tolist() == pytest.approx([1.0, 0.5])
    assert preference(history, AgentKnown(numbers=2)).tolist() == pytest.approx([1.0, 0.5])


def test_members_are_told_apart():
    rows = [{"update": 1, "reward": [1.0, 2.0], "seconds": 3.0}]
    assert members_of(rows) == [
        [{"update": 1, "reward": 1.0, "seconds": 3.0}],
        [{"update": 1, "reward": 2.0, "seconds": 3.0}],
    ]
    with pytest.raises(OptionError, match="one number a member"):
        diagnose_agent(rows)


def test_tables_that_cannot_be_read_are_refused():
    with pytest.raises(OptionError, match="no reward among kl"):
        diagnose_agent([{"kl": 1.0}])
    with pytest.raises(OptionError, match="two trainings"):
        diagnose_agent_seeds([table()])


def test_what_is_printed_holds_cause_fix_and_number():
    text = told(diagnose_agent(table(kl=0.4), known=KNOWN))
    assert "KL blow-up: update 1 moved the policy by 0.4" in text
    assert "1. learning rate too high (gradient flow; " in text


@given(st.integers(0, 10_000), st.integers(6, 200), st.floats(1e-6, 1e3))
def test_noise_alone_is_flat_and_its_deviation_is_found(seed, count, size):
    """The estimator of von Neumann et al. (1941), from second differences: a trend adds nothing to it."""
    values = size * np.random.default_rng(seed).normal(size=count)
    assert _rise(values) < 12.0
    if count >= 100:
        assert _noise(values) == pytest.approx(size, rel=0.5)
        slope = size * np.linspace(0, 50, count)
        assert _noise(values + slope) == pytest.approx(_noise(values), rel=1e-6)
        assert _rise(values + slope) > 4.0


def test_noise_is_seldom_taken_for_a_rise():
    draws = np.random.default_rng(0)
    risen = [_rise(draws.normal(size=int(draws.integers(6, 120)))) > 4.0 for _ in range(2_000)]
    assert np.mean(risen) < 0.01


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1.2), st.floats(-5, 1)), min_size=6, max_size=40))
def test_causes_stand_by_evidence_then_in_the_order_of_looking(figures):
    rows = [
        {"reward": 0.0, "kl": kl, "entropy": entropy, "explained_variance": explained, "steps": place}
        for place, (kl, entropy, explained) in enumerate(figures)
    ]
    for finding in diagnose_agent(rows, known=KNOWN):
        causes = finding.evidence["causes"]
        keys = [(-cause["weight"], GROUPS.index(cause["group"])) for cause in causes]
        assert keys == sorted(keys)
        assert finding.remedy == causes[0]["fix"]
        assert all(cause["because"] for cause in causes if cause["weight"] > 0)
