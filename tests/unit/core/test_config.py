from typing import Annotated, Literal

import pytest

from edgeproof.core.config import Config, Part, Tune, apply_overrides, dump_yaml, from_mapping, part, read_yaml, space
from edgeproof.core.errors import ConfigError


class Small(Config):
    name: Literal["small"] = "small"
    dropout: Annotated[float, Tune(0.2, 0.5)] = 0.3


class Large(Config):
    name: Literal["large"] = "large"
    channels: int = 8


CATALOG: dict[str, type[Config]] = {"small": Small, "large": Large}


class Inner(Config):
    lr: Annotated[float, Tune(1e-4, 1e-2, log=True)] = 1e-3


class Root(Config):
    model: Annotated[Part, part(CATALOG, "models")] = Small()
    train: Inner = Inner()
    seed: int = 0


def test_a_part_may_be_written_short_or_long():
    assert from_mapping(Root, {"model": "large"}).model == Large()
    assert from_mapping(Root, {"model": {"name": "large", "channels": 3}}).model == Large(channels=3)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"sed": 1}, "unknown key 'sed'; did you mean 'seed'?"),
        ({"train": {"learnrate": 1}}, "unknown key 'learnrate' in train"),
        ({"model": {"name": "large", "chanels": 1}}, "unknown key 'chanels'; did you mean 'channels'?"),
        ({"model": "smal"}, "unknown model 'smal'; did you mean 'small'?"),
        ({"seed": "seven"}, "seed: input should be a valid integer"),
        ({"train": {"lr": float("nan")}}, "train.lr"),
    ],
)
def test_a_typo_names_the_nearest_key(body, message):
    with pytest.raises(ConfigError) as caught:
        from_mapping(Root, body)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_overrides_open_short_parts_and_read_yaml_values():
    body = apply_overrides({"model": "small"}, ["model.dropout=0.1", "train.lr=1e-2", "seed=5"])
    config = from_mapping(Root, body)
    assert config.model == Small(dropout=0.1)
    assert config.train.lr == 0.01
    assert config.seed == 5


def test_override_without_sign_is_refused():
    with pytest.raises(ConfigError, match="not key=value"):
        apply_overrides({}, ["train.lr"])
    with pytest.raises(ConfigError, match="has no keys"):
        apply_overrides({"seed": 3}, ["seed.x=1"])


def test_resolved_config_survives_yaml(tmp_path):
    config = from_mapping(Root, {"model": "large", "train": {"lr": "1e-2"}})
    (tmp_path / "config.yaml").write_text(dump_yaml(config))
    assert from_mapping(Root, read_yaml(tmp_path / "config.yaml")) == config


def test_a_field_is_its_own_search_space():
    assert space(Root()) == {"model.dropout": Tune(0.2, 0.5), "train.lr": Tune(1e-4, 1e-2, log=True)}


def test_configs_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Root().seed = 3  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [1\n", ""])
def test_a_file_that_is_no_mapping_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(tmp_path / "c.yaml")
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="no such config"):
        read_yaml(tmp_path / "missing.yaml")


@pytest.mark.parametrize("order", [("model.dropout=0.1", "model=mlp"), ("model=mlp", "model.dropout=0.1")])
def test_a_whole_part_comes_before_its_fields_wherever_it_stands(order):
    body = {"model": {"name": "logistic", "other": 1}}
    assert apply_overrides(body, order) == {"model": {"name": "mlp", "dropout": 0.1}}
    assert apply_overrides(body, ("a=1", "a=2")) == body | {"a": 2}
