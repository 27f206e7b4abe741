"""Encoders that learn with their policies: gradients, members, memory, resume, what is left on disk."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from edgeproof.core.config import Config
from edgeproof.core.errors import OptionError
from edgeproof.core.rng import Rng
from edgeproof.models.cnn_lstm import CnnLstmConfig
from edgeproof.models.gru_attention import GruAttentionConfig
from edgeproof.models.logistic import LogisticConfig
from edgeproof.models.lstm_attention import LstmAttentionConfig
from edgeproof.models.mlp import MlpConfig
from edgeproof.recipe.agent import acting
from edgeproof.recipe.sight import encoded
from edgeproof.rl.agent import read_agent
from edgeproof.rl.encoders import LearnedEncoderConfig
from edgeproof.rl.export import actor_of
from edgeproof.rl.eyes import encoders_of
from edgeproof.rl.interface import Discrete, Layout, Observation, Step
from edgeproof.rl.keys import Keys
from edgeproof.rl.learning.policy import Policy
from edgeproof.rl.ppo import TrainedAgent, train_ppo
from edgeproof.rl.settings import NetConfig, PpoConfig

WINDOW, ROWS = 4, 400
GRU = GruAttentionConfig(layers=1, hidden=16, attention=8, dense=8, heads=2)
SMALL = {
    "gru": GruAttentionConfig(layers=1, hidden=4, attention=4, dense=4, heads=2),
    "lstm": LstmAttentionConfig(layers=2, hidden=4, attention=4, dense=4, heads=2),
    "cnn": CnnLstmConfig(channels=4, hidden=4, layers=1),
    "mlp": MlpConfig(hidden=(6, 4), embedding=2),
}


class Recall:
    """A row of signs; 1 is earned for saying the sign that was there `WINDOW - 1` rows ago, else -1.

    Each account walks along the row from a place of its own; what is seen is the window, or its last rows alone.
    """

    def __init__(self, accounts: int, members: int = 1, window: int = WINDOW) -> None:
        self.accounts, self.actions = accounts, Discrete(2)
        self.signs = torch.from_numpy(Rng(8).numpy().choice([-1.0, 1.0], ROWS)).float()
        self.layout = Layout(1, self.signs[:, None].clone(), window)
        starts = WINDOW + np.arange(accounts // members) * 7
        self._at = torch.from_numpy(np.tile(starts, members)) % ROWS

    def _see(self) -> Observation:
        return Observation(torch.zeros(self.accounts, 1), self._at.clone())

    def reset(self, rng: Rng) -> Observation:
        del rng
        return self._see()

    def step(self, action: Tensor) -> Step:
        reward = self.signs[self._at - (WINDOW - 1)] * (action * 2.0 - 1.0)
        final, over = self._see(), torch.ones(self.accounts, dtype=torch.bool)
        self._at = torch.where(self._at + 1 < ROWS, self._at + 1, WINDOW)
        return Step(self._see(), reward, over, ~over, final, over)

    def state(self) -> dict[str, np.ndarray]:
        return {"at": self._at.numpy().copy()}

    def restore(self, state: Mapping[str, np.ndarray]) -> Observation:
        self._at = torch.from_numpy(np.array(state["at"]))
        return self._see()


def config(updates: int, encoder: Config | None = GRU, **more) -> PpoConfig:
    learned = {} if encoder is None else {"encoder": LearnedEncoderConfig(model=encoder)}
    settings = {"steps": 8, "accounts": 64, "minibatch": 128, "lr": 1e-2, "precision": "fp32", "schedule": "none"}
    net = NetConfig(actor=(16,), critic=(16,))
    return PpoConfig(net=net, total_steps=updates * 512, **{**settings, **learned, **more})


def train(folder, *configs: PpoConfig, window=WINDOW, members=None, **more) -> TrainedAgent:
    world = Recall(64 * len(configs), len(configs), window)
    return train_ppo(world, configs, rng=Rng(5), folder=folder, members=members, **more)


def policy(model, members=2) -> Policy:
    layout = Layout(2, torch.zeros(9, 3), WINDOW)
    encoders = encoders_of(LearnedEncoderConfig(model=model), layout, members=members, kind=torch.float64)
    net = NetConfig(actor=(5,), critic=(4,))
    keys = Keys(Rng(1), tuple(range(members)))
    return Policy(net, layout.size, Discrete(3), members, torch.float64, encoders=encoders).start(keys)


@pytest.mark.parametrize("model", SMALL.values(), ids=SMALL)
def test_gradients_are_slopes(model):
    """Each member's loss falls by what its gradient says when its weights move a little against it."""
    own, draw = policy(model), torch.Generator().manual_seed(3)
    x = torch.randn(2, 6, WINDOW * 3 + 2, generator=draw, dtype=torch.float64)
    slopes = {"action": torch.randn(2, 6, 3, generator=draw).double()}
    slopes["value"] = torch.randn(2, 6, generator=draw).double()

    def loss() -> Tensor:
        told = own.forward(x)
        return (told.action * slopes["action"]).sum((1, 2)) + (told.value * slopes["value"]).sum(1)

    own.backward(own.forward(x), slopes)
    encoders = own.encoders
    assert encoders is not None
    for part in (slice(encoders.size), slice(encoders.size, None)):
        way = torch.zeros_like(own.flat)
        way[:, part] = own.gradient[:, part]
        before, step = own.flat.clone(), 1e-6
        own.flat.add_(way, alpha=step)
        up = loss()
        own.flat.copy_(before).sub_(way, alpha=step)
        found = (up - loss()) / (2 * step)
        own.flat.copy_(before)
        torch.testing.assert_close(found, way.square().sum(1), rtol=1e-5, atol=1e-9)
        assert (found > 0).all()


def test_an_encoder_remembers_what_the_last_row_does_not_show(tmp_path):
    """The sign to say is three rows old: a perceptron on the last row earns by chance, an encoder of four knows."""
    blind = train(tmp_path / "blind", config(12, None), window=1).history
    sees = train(tmp_path / "sees", config(12)).history
    assert abs(np.mean([row["reward"] for row in blind[-4:]])) < 0.15
    assert sees[-1]["reward"] > 0.9
    assert all(row["ratio_error"] < 1e-5 for row in sees)


def test_a_member_is_the_same_in_any_company(tmp_path):
    configs = [config(2, precision="fp64"), config(2, precision="fp64", lr=3e-3, entropy=0.1)]
    together = train(tmp_path / "all", *configs)
    assert not torch.equal(*together.agent.policy.flat)
    for place, each in enumerate(configs):
        alone = train(tmp_path / str(place), each, members=(place,))
        torch.testing.assert_close(alone.agent.policy.flat[0], together.agent.policy.flat[place], rtol=0, atol=1e-9)


def test_a_training_that_is_broken_off_ends_with_the_same_bytes(tmp_path):
    class EnoughError(Exception):
        pass

    def watch(row):
        if row["update"] == 2:
            raise EnoughError

    configs = [config(4, save_seconds=0)] * 2
    whole = train(tmp_path / "whole", *configs)
    with pytest.raises(EnoughError):
        train(tmp_path / "broken", *configs, watch=watch)
    again = train(tmp_path / "broken", *configs)
    assert again.sha == whole.sha
    assert (tmp_path / "broken" / "agent.safetensors").read_bytes() == whole.checkpoint.read_bytes()


def test_what_is_left_on_disk_and_as_a_module_acts_alike(tmp_path):
    trained = train(tmp_path, *[config(2, normalise_observations=True)] * 2)
    layout = Recall(64).layout
    seen = Observation(torch.randn(80, 1, generator=torch.Generator().manual_seed(0)), torch.arange(80) + WINDOW)
    again = read_agent(trained.checkpoint, layout)
    assert torch.equal(again.chances(seen), trained.agent.chances(seen))
    built, actor = actor_of(trained.agent, 1)
    assert built.build(1, WINDOW, 5).load_state_dict(actor.state_dict())
    assert layout.table is not None
    assert actor.sight is not None and seen.index is not None  # noqa: PT018
    table, ready = layout.table.numpy()[None], np.ones((1, ROWS), bool)
    encodings = torch.from_numpy(encoded(actor.sight, table, ready, window=WINDOW, bars=slice(None))[0])
    second = Observation(seen.dense[40:], seen.index[40:])
    acted = acting(actor, Layout(1, encodings, 1))(second)
    assert torch.equal(acted, trained.agent.act(seen)[40:])


def test_mistakes_are_one_clear_line():
    learned = LearnedEncoderConfig(model=GRU)
    with pytest.raises(OptionError, match="without a window to encode; leave it out"):
        encoders_of(learned, Layout(3), members=1, kind=torch.float32)
    with pytest.raises(OptionError, match="logistic has no encoder that learns"):
        encoders_of(
            LearnedEncoderConfig(model=LogisticConfig()),
            Layout(1, torch.zeros(9, 1), 2),
            members=1,
            kind=torch.float32,
        )
