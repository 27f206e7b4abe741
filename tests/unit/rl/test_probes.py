"""Known answers of the probes: a plain learner finds them all; each planted bug misses the one that is made for it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.core.errors import OptionError
from edgeproof.core.rng import Rng
from edgeproof.rl.answers import Learned, judge
from edgeproof.rl.chain import CUT, ENDS, GOES_ON, Chain, ChainEnvironment
from edgeproof.rl.interface import Discrete
from edgeproof.rl.probes import CONSTANT, FIVE, PROBES, ROAD, check_probes
from tests.unit.rl.plain import Bugs, learner


@pytest.mark.parametrize("name", PROBES)
def test_a_plain_learner_finds_the_known_answers(name):
    (found,) = check_probes(learner(), {name: PROBES[name]}, accounts=16)
    assert found.level == "info", found.claim
    assert found.evidence["measured"] <= 1.0
    assert len(found.evidence["plot"]["y"]) == len(found.evidence["answers"])


BUGS = {
    "seen_reward": Bugs(blind=True),
    "discounted_reward": Bugs(forgets_discount=True),
    "choice": Bugs(climbs_down=True),
    "seen_choice": Bugs(rewards_late=True),
    "long_discount": Bugs(forgets_discount=True),
    "hidden_choice": Bugs(no_trace=True),
    "time_limit": Bugs(limit_is_end=True),
    "indifferent": Bugs(narrows=True),
    "reset_rows": Bugs(keeps_reset_rows=True),
    "credit_terminated": Bugs(leaks=("terminated",)),
    "credit_truncated": Bugs(leaks=("truncated",)),
    "aim": Bugs(keeps_clipped=True),
    "rival_members": Bugs(shares=True),
    "member_discount": Bugs(one_discount=True),
}


@pytest.mark.parametrize(
    ("name", "bugs"),
    [
        *BUGS.items(),
        ("final_observation", Bugs(bootstraps_reset=True)),
        ("final_observation", Bugs(bootstraps_twice=True)),
        ("final_observation", Bugs(limit_is_end=True)),
    ],
)
def test_the_bug_misses_the_answer_of_its_probe(name, bugs):
    (found,) = check_probes(learner(bugs), {name: PROBES[name]}, accounts=16)
    assert found.level == "error"
    assert found.remedy == f"look at {PROBES[name].suspects}"


def test_every_probe_catches_something():
    assert set(PROBES) - set(BUGS) == {"constant_reward", "final_observation"}
    (found,) = check_probes(learner(Bugs(rewards_late=True), updates=0), {"constant_reward": FIVE["constant_reward"]})
    assert found.level == "error"  # nothing learned at all


def test_the_five_are_those_of_the_source():
    assert [probe.make(1).actions for probe in FIVE.values()] == [Discrete(n) for n in (1, 1, 1, 2, 2)]


def test_an_answer_that_is_no_number_is_missed():
    nothing = Learned(lambda o: torch.full((len(o.dense),), torch.nan), lambda o: torch.ones(len(o.dense), 1))
    found = judge("constant_reward", PROBES["constant_reward"], nothing, 4)
    assert found.level == "error"
    assert "nan" in found.claim


@given(st.floats(-3, 3))
def test_the_miss_is_the_distance_in_tolerances(value):
    told = Learned(lambda o: torch.full((len(o.dense),), value), lambda o: torch.ones(len(o.dense), 1))
    found = judge("constant_reward", PROBES["constant_reward"], told, 4)
    assert found.evidence["measured"] == pytest.approx(abs(value - 1) / 0.1, rel=1e-5, abs=1e-5)
    assert (found.level == "info") == (abs(np.float32(value) - 1) / 0.1 <= 1)


def test_a_road_by_hand():
    road = ChainEnvironment(ROAD, 2)
    seen = [road.reset(Rng(1)).dense.argmax(dim=1).tolist()]
    steps = [road.step(torch.zeros(2, dtype=torch.long)) for _ in range(5)]
    seen += [step.observation.dense.argmax(dim=1).tolist() for step in steps]
    assert seen == [[0, 0], [1, 1], [2, 2], [3, 3], [0, 0], [1, 1]]
    assert [step.reward.tolist() for step in steps] == [[0, 0]] * 3 + [[1, 1]] + [[0, 0]]
    assert [step.terminated.tolist() for step in steps] == [[False] * 2] * 3 + [[True] * 2] + [[False] * 2]
    assert steps[3].final.dense.argmax(dim=1).tolist() == [3, 3]
    assert all(step.valid.all() for step in steps)


def test_a_reset_row_brings_nothing_and_is_not_valid():
    world = Chain(
        ((0.0,), (1.0,), (2.0,)), ((5,), (6,), (7,)), ((1,), (2,), (2,)), ((GOES_ON,), (ENDS,), (CUT,)), (1, 0, 0)
    )
    rows = ChainEnvironment(world, 1, autoreset="next")
    rows.reset(Rng(0))
    steps = [rows.step(torch.zeros(1, dtype=torch.long)) for _ in range(4)]
    assert [float(step.observation.dense) for step in steps] == [1, 2, 0, 1]
    assert [float(step.reward) for step in steps] == [5, 6, 0, 5]
    assert [bool(step.terminated) for step in steps] == [False, True, False, False]
    assert [bool(step.valid) for step in steps] == [True, True, False, True]


@pytest.mark.parametrize("name", PROBES)
def test_an_environment_goes_on_where_its_state_was_taken(name):
    one, other = PROBES[name].make(6), PROBES[name].make(6)
    one.reset(Rng(3))
    moves = _moves(one, 12)
    for move in moves[:5]:
        one.step(move)
    taken = one.state()
    expected = [one.step(move) for move in moves[5:]]
    other.restore(taken)
    for move, step in zip(moves[5:], expected, strict=True):
        again = other.step(move)
        assert torch.equal(again.observation.dense, step.observation.dense)
        assert torch.equal(again.reward, step.reward)
        assert torch.equal(again.valid, step.valid)


def _moves(environment, count):
    draws = np.random.default_rng(0)
    if isinstance(environment.actions, Discrete):
        return [
            torch.from_numpy(draws.integers(0, environment.actions.count, environment.accounts)) for _ in range(count)
        ]
    size = (environment.accounts, environment.actions.size)
    return [torch.from_numpy(draws.uniform(-1, 1, size)).float() for _ in range(count)]


def test_rivals_are_shared_out_member_by_member():
    rivals = PROBES["rival_members"].make(4)
    assert rivals.step(torch.zeros(4, dtype=torch.long)).reward.tolist() == [1, 1, -3, -3]
    with pytest.raises(OptionError, match="3 accounts cannot be shared out among 2 members"):
        PROBES["rival_members"].make(3)


def test_a_chain_of_one_reward_table_has_one_member():
    assert CONSTANT.members == 1
