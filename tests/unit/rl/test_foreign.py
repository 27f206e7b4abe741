"""Gymnasium environments as ours: the same steps as Gymnasium's own, in each of its three ways to begin anew."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from edgeproof.core.errors import OptionError
from edgeproof.core.rng import Rng
from edgeproof.rl.foreign import ForeignEnvironment, foreign
from edgeproof.rl.interface import Continuous, Discrete
from edgeproof.rl.ppo import train_ppo
from edgeproof.rl.settings import NetConfig, PpoConfig


class Counter(gymnasium.Env):
    """Counts its steps; ends after three (terminated) or five (truncated), by turns."""

    observation_space = spaces.Box(0, 100, (2,), np.float64)
    action_space = spaces.Discrete(3, start=5)

    def __init__(self) -> None:
        self.episode, self.at, self.acted = -1, 0, []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed, options=options)
        self.episode, self.at = self.episode + 1, 0
        return self.seen(), {}

    def step(self, action):
        assert self.action_space.contains(action)
        self.at += 1
        self.acted.append(int(action))
        odd = self.episode % 2
        return (
            self.seen(),
            float(10 * self.episode + self.at),
            bool(not odd and self.at == 3),
            bool(odd and self.at == 5),
            {},
        )

    def seen(self):
        return np.array([self.episode, self.at], float)


def counters(mode, count=2):
    return SyncVectorEnv([Counter] * count, autoreset_mode=mode)


def played(environment, steps):
    seen = [environment.reset(Rng(0)).dense.tolist()[0]]
    found = []
    for _ in range(steps):
        step = environment.step(torch.zeros(environment.accounts, dtype=torch.long))
        found.append(step)
        seen.append(step.observation.dense.tolist()[0])
    return seen, found


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.DISABLED])
def test_a_new_episode_begins_in_the_step_that_ended_the_last(mode):
    seen, steps = played(ForeignEnvironment(counters(mode)), 9)
    assert seen == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2], [1, 3], [1, 4], [2, 0], [2, 1]]
    assert [step.reward.tolist()[0] for step in steps] == [1, 2, 3, 11, 12, 13, 14, 15, 21]
    assert [step.final.dense.tolist()[0] for step in steps][2] == [0, 3]
    assert [step.final.dense.tolist()[0] for step in steps][7] == [1, 5]
    assert [bool(step.terminated[1]) for step in steps] == [place == 2 for place in range(9)]
    assert [bool(step.truncated[1]) for step in steps] == [place == 7 for place in range(9)]
    assert all(step.valid.all() for step in steps)


def test_a_reset_row_is_no_step():
    seen, steps = played(ForeignEnvironment(counters(AutoresetMode.NEXT_STEP)), 5)
    assert seen == [[0, 0], [0, 1], [0, 2], [0, 3], [1, 0], [1, 1]]
    assert [bool(step.valid[0]) for step in steps] == [True, True, True, False, True]
    assert steps[2].final.dense.tolist()[0] == [0, 3]


def test_next_step_and_same_step_tell_the_same_story():
    """The valid rows of one are the rows of the other: what was seen, done and earned, and what it led to."""
    stories = []
    for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
        environment = foreign_cartpole(mode)
        observation, story = environment.reset(Rng(4)), []
        before = observation.dense[0].clone()
        while len(story) < 60:
            step = environment.step(torch.tensor([int(before[2] > 0)]))
            if step.valid[0]:
                ends = bool(step.terminated[0]), bool(step.truncated[0])
                story.append((before.tolist(), float(step.reward[0]), step.final.dense[0].tolist(), *ends))
            before = step.observation.dense[0].clone()
        stories.append(story)
    assert stories[0] == stories[1]


def foreign_cartpole(mode):
    return ForeignEnvironment(
        gymnasium.make_vec("CartPole-v1", 1, "sync", vector_kwargs={"autoreset_mode": mode}, max_episode_steps=20)
    )


def test_an_id_is_stepped_as_gymnasium_steps_it():
    environment = foreign("CartPole-v1", 3, max_episode_steps=15)
    assert environment.actions == Discrete(2)
    assert environment.layout.size == 4
    single = [gymnasium.make("CartPole-v1", max_episode_steps=15) for _ in range(3)]
    seed = Rng(9).child("foreign").key() % 2**31
    first = [env.reset(seed=seed + i)[0] for i, env in enumerate(single)]
    assert np.array_equal(environment.reset(Rng(9)).dense.numpy(), np.stack(first))
    ended = 0
    for t in range(40):
        action = torch.tensor([t % 2, 1, t % 3 // 2])
        step = environment.step(action)
        for i, env in enumerate(single):
            seen, reward, terminated, truncated, _ = env.step(int(action[i]))
            assert np.array_equal(step.final.dense[i].numpy(), seen)
            assert (float(step.reward[i]), bool(step.terminated[i]), bool(step.truncated[i])) == (
                reward,
                terminated,
                truncated,
            )
            if terminated or truncated:
                ended += 1
                seen = env.reset()[0]
            assert np.array_equal(step.observation.dense[i].numpy(), seen)
    assert ended >= 4


def test_gymnasiums_own_vector_environment_is_taken_as_it_is():
    environment = foreign("CartPole-v1", 4, "vector_entry_point")
    environment.reset(Rng(1))
    valid = [environment.step(torch.ones(4, dtype=torch.long)).valid for _ in range(30)]
    assert not torch.stack(valid).all()  # NEXT_STEP: pushed to one side, a pole falls within 30 steps


def test_actions_start_where_the_space_does_and_are_checked():
    both = Counter(), Counter()
    environment = ForeignEnvironment(SyncVectorEnv([lambda: both[0], lambda: both[1]]))
    environment.reset(Rng(0))
    environment.step(torch.tensor([0, 2]))
    assert [env.acted for env in both] == [[5], [7]]
    with pytest.raises(OptionError, match="action 0 to 3; actions are 0 to 2"):
        environment.step(torch.tensor([0, 3]))


class Arm(gymnasium.Env):
    """Answers its own action."""

    def __init__(self, low=(-2.0, 0.0), high=(2.0, 4.0)) -> None:
        self.low = np.array(low, np.float32)
        self.action_space = spaces.Box(np.array(low, np.float32), np.array(high, np.float32))
        self.observation_space = spaces.Dict({"last": self.action_space, "kind": spaces.Discrete(3)})

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed, options=options)
        return {"last": self.low, "kind": 0}, {}

    def step(self, action):
        assert self.action_space.contains(action)
        return {"last": action, "kind": 2}, 0.0, False, False, {}


def test_uneven_bounds_are_reached_from_minus_one_to_one():
    environment = foreign(Arm())
    assert environment.actions == Continuous(2, -1.0, 1.0)
    assert environment.layout.size == 5
    assert environment.reset(Rng(0)).dense.tolist() == [[1, 0, 0, -2, 0]]
    assert environment.step(torch.tensor([[0.5, -9.0]])).observation.dense.tolist() == [[0, 0, 1, 1, 0]]
    even = foreign(Arm((-2, -2), (2, 2)))
    assert even.actions == Continuous(2, -2.0, 2.0)
    even.reset(Rng(0))
    assert even.step(torch.tensor([[0.5, 9.0]])).observation.dense.tolist() == [[0, 0, 1, 0.5, 2]]
    with pytest.raises(OptionError, match="an action is NaN"):
        even.step(torch.tensor([[0.5, float("nan")]]))


class Mute(Arm):
    def __init__(self) -> None:
        super().__init__()
        self.action_space = spaces.MultiBinary(3)


def test_what_cannot_be_trained_on_is_refused():
    with pytest.raises(OptionError, match="Gymnasium makes no Cartpool-v9"):
        foreign("Cartpool-v9")
    with pytest.raises(OptionError, match="0 environments"):
        foreign("CartPole-v1", 0)
    with pytest.raises(OptionError, match="one environment cannot be 2 accounts"):
        foreign(Arm(), 2)
    with pytest.raises(OptionError, match="cannot act in MultiBinary"):
        foreign(Mute())
    undeclared = counters(AutoresetMode.SAME_STEP)
    undeclared.metadata = {}
    with pytest.raises(OptionError, match="does not say how its episodes begin anew"):
        ForeignEnvironment(undeclared)


class Sampled(gymnasium.Env):
    """Anything of its spaces; an episode is five steps."""

    def __init__(self, seen, done) -> None:
        self.observation_space, self.action_space, self.at = seen, done, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed, options=options)
        self.observation_space.seed(seed)
        self.at = 0
        return self.observation_space.sample(), {}

    def step(self, action):
        assert self.action_space.contains(action)
        self.at += 1
        return self.observation_space.sample(), 1.0, self.at % 10 == 5, self.at % 10 == 0, {}


BOX = spaces.Box(-1, 1, (3,), np.float32)
SMALL = PpoConfig(net=NetConfig(actor=(8,), critic=(8,)), steps=12, accounts=1, minibatch=6, total_steps=24, epochs=1)
TRAINABLE = {
    "numbers and choices": (BOX, spaces.Discrete(3)),
    "choices and numbers": (spaces.Discrete(4), spaces.Box(-2, 2, (2,), np.float32)),
    "pictures": (spaces.Box(0, 255, (4, 4, 3), np.uint8), spaces.Discrete(2, start=1)),
    "no bounds": (BOX, spaces.Box(-np.inf, np.inf, (2,), np.float32)),
    "parts": (spaces.Dict({"a": BOX, "b": spaces.Discrete(2)}), spaces.Discrete(2)),
}


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP])
@pytest.mark.parametrize("which", TRAINABLE)
def test_what_any_such_environment_gives_can_be_trained_on(tmp_path, which, mode):
    made = SyncVectorEnv([lambda: Sampled(*TRAINABLE[which])], autoreset_mode=mode)
    done = train_ppo(ForeignEnvironment(made), SMALL, rng=Rng(0), folder=tmp_path)
    assert len(done.history) == 2
    assert done.history[-1]["episode_length"] == 5.0
    assert done.history[-1]["reward"] == 1.0  # of steps: the rows of a reset count for nothing


@pytest.mark.parametrize(
    ("seen", "done", "said"),
    [
        (spaces.Graph(BOX, None), spaces.Discrete(2), r"cannot observe Graph\(.*its size changes from step to step"),
        (spaces.Sequence(BOX), spaces.Discrete(2), r"cannot observe Sequence\(.*its size changes from step to step"),
        (spaces.Box(-1, 1, (0,)), spaces.Discrete(2), "cannot observe .*it holds no numbers"),
        (BOX, spaces.MultiDiscrete([2, 2]), "cannot act in MultiDiscrete"),
        (BOX, spaces.Dict({"a": spaces.Discrete(2)}), "cannot act in Dict"),
        (BOX, spaces.Box(0, 5, (2,), np.int64), "cannot act in Box.*Box of real numbers"),
        (BOX, spaces.Box(np.array([0, -1], np.float32), np.array([np.inf, 1], np.float32)), "cannot act in Box"),
        (BOX, spaces.Box(-1, 1, (0,)), "cannot act in Box"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_spaces_that_cannot_be_trained_on_are_refused_in_one_line(seen, done, said):
    with pytest.raises(OptionError, match=said) as caught:
        foreign(Sampled(seen, done))
    assert "\n" not in str(caught.value)


def test_a_foreign_environment_is_not_resumed():
    environment = foreign("CartPole-v1")
    with pytest.raises(OptionError, match="cannot be saved"):
        environment.state()
    with pytest.raises(OptionError, match="cannot be taken up again"):
        environment.restore({})


def test_a_training_that_takes_longer_than_a_checkpoint_goes_on_to_its_end(tmp_path):
    config = PpoConfig(
        net=NetConfig(actor=(8,), critic=(8,)), total_steps=96, accounts=2, steps=16, minibatch=16, save_seconds=0
    )
    done = train_ppo(foreign("CartPole-v1", 2), config, rng=Rng(0), folder=tmp_path / "long")
    assert [row["update"] for row in done.history] == [1, 2, 3]
    again = train_ppo(foreign("CartPole-v1", 2), config, rng=Rng(0), folder=tmp_path / "long")
    assert again.sha == done.sha
    rare = config.model_copy(update={"save_seconds": 3600.0})
    assert train_ppo(foreign("CartPole-v1", 2), rare, rng=Rng(0), folder=tmp_path / "rare").sha == done.sha
