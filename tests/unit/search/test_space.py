"""A space is read as it is written, and what cannot be searched is refused by name."""

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.core.config import Tune
from edgeproof.core.errors import ConfigError
from edgeproof.search.settings import RangeConfig
from edgeproof.search.space import draw, plain_space, read_space, resolve

KNOWN = {"train.lr": 1e-3, "model.layers": 2, "model.hidden": (64,), "train.batch_size": 512, "loss.alpha": None}
DEFAULTS = {"train.lr": Tune(1e-4, 1e-2, log=True), "train.batch_size": Tune(choices=(256, 512))}


def test_what_is_written_on_a_command_line():
    assert read_space(
        [
            "train.lr=1e-4:1e-2:log",
            "model.layers=1:3",
            "model.hidden={[64],[128,64]}",
            "loss.alpha=null",
            "a.b={x, 1e-3}",
        ]
    ) == {
        "train.lr": {"low": 1e-4, "high": 1e-2, "log": True},
        "model.layers": {"low": 1, "high": 3, "log": False},
        "model.hidden": [[64], [128, 64]],
        "loss.alpha": None,
        "a.b": ["x", 1e-3],
    }


@pytest.mark.parametrize(
    "text", ["train.lr", "train.lr=", "=1:2", "train.lr=1", "train.lr=1:2:3", "train.lr=a:b", "x={[}"]
)
def test_what_is_no_space_is_refused(text):
    with pytest.raises(ConfigError, match="space"):
        read_space([text])


def test_the_user_comes_before_the_defaults():
    found = resolve(DEFAULTS, {"train.lr": RangeConfig(low=1, high=2), "train.batch_size": None}, KNOWN)
    assert found == {"train.lr": Tune(1.0, 2.0)}  # the rate is a fractional number, so its range is one
    assert resolve(DEFAULTS, {"model.layers": RangeConfig(low=1, high=3)}, KNOWN, only=True) == {
        "model.layers": Tune(1, 3)
    }


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"train.lrr": RangeConfig(low=1, high=2)}, "unknown key 'train.lrr' in the space; did you mean 'train.lr'"),
        ({"train.lr": RangeConfig(low=2, high=2)}, "low 2 is not below high 2"),
        ({"train.lr": RangeConfig(low=0, high=2, log=True)}, "begins above 0"),
        ({"train.lr": ()}, "no choices"),
        ({"train.lr": None, "train.batch_size": None}, "nothing to vary"),
    ],
)
def test_what_cannot_be_searched_is_refused(written, words):
    with pytest.raises(ConfigError, match=words):
        resolve(DEFAULTS, written, KNOWN)


@given(st.integers(0, 2**31), st.booleans())
def test_what_is_drawn_lies_in_the_space(seed, log):
    space = {"a": Tune(0.1, 3.0, log=log), "b": Tune(2, 9, log=log), "c": Tune(choices=((1, 2), "x", None, True))}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    params = {key: draw(study.ask(), key, tune) for key, tune in space.items()}
    assert 0.1 <= params["a"] <= 3.0
    assert isinstance(params["b"], int)
    assert 2 <= params["b"] <= 9
    assert params["c"] in space["c"].choices


def test_true_and_one_are_two_choices():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    found = {repr(draw(study.ask(), "k", Tune(choices=(True, 1, "1")))) for _ in range(60)}
    assert found == {"True", "1", "'1'"}


def test_plain_space_is_plain_data():
    assert plain_space({"a": Tune(1, 2), "b": Tune(choices=((64,), (64, 32)))}) == {
        "a": {"low": 1, "high": 2, "log": False},
        "b": {"choices": [[64], [64, 32]]},
    }
