from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import create_model

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
        ({"model": {"name": "large", "chanels": 1}}, "unknown key 'chanels' in model; did you mean 'channels'?"),
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


class Block(Config):
    also_called: ClassVar[Mapping[str, str]] = {"units": "width"}

    width: int = 4
    sizes: tuple[int, ...] = (1,)
    first: bool = True
    inner: Annotated[Part, part(CATALOG, "models")] = Large(channels=5)


class Whole(Config):
    block: Block = Block()
    stages: tuple[Inner, ...] = ()
    model: Annotated[Part, part(CATALOG, "models")] = Small()


def said(*overrides, kind: type[Config] = Whole):
    with pytest.raises(ConfigError) as caught:
        from_mapping(kind, apply_overrides({}, overrides))
    return str(caught.value)


def test_a_key_of_a_part_that_is_not_mentioned_applies_to_its_default():
    found = from_mapping(Whole, apply_overrides({}, ["model.dropout=0.1", "block.inner.name=large"]))
    assert (found.model, found.block.inner) == (Small(dropout=0.1), Large())
    assert from_mapping(Whole, {"block": {"inner": {}}}).block.inner == Large(channels=5)


def test_a_key_that_another_kind_of_a_part_has_names_that_kind():
    assert said("model.channels=3") == (
        "config: unknown key 'channels' in model: model is small, which has no channels; "
        "set model={name: large, channels: 3}"
    )
    assert "block.inner is large, which has no dropout" in said("block.inner.dropout=3")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("width=3", "unknown key 'width'; did you mean 'block.width'?"),
        ("block.units=3", "unknown key 'units' in block; did you mean 'block.width'?"),
        ("model.units=3", "unknown key 'units' in model; did you mean 'block.width'?"),
        ("block.widht=3", "unknown key 'widht' in block; did you mean 'width'?"),
        ("stages=[{}, {l: 3}]", "unknown key 'l' in stages.1; did you mean 'lr'?"),
        ("block.sizes=16", "block.sizes: write a list, such as [16] (got 16)"),
        ("block={first: {a: 1}}", "block.first: input should be a valid boolean"),
    ],
)
def test_what_is_meant_is_said_with_its_whole_path(override, words):
    assert words in said(override)
    assert "{" not in said(override)


def test_many_keys_are_not_listed():
    fields: Any = {f"key_{number}": (int, 0) for number in range(30)}
    told = said("zzz=1", kind=create_model("Many", __base__=Config, **fields))
    assert "edgeproof template keys" in told
    assert len(told) < 120


def test_a_key_that_is_written_twice_is_refused(tmp_path):
    (tmp_path / "c.yaml").write_text("seed: 1\ntrain:\n  lr: 0.1\n  seed: 2\n  lr: 0.2\n")
    with pytest.raises(ConfigError, match=r"c\.yaml: key 'lr' is written twice, in lines 3 and 5") as caught:
        read_yaml(tmp_path / "c.yaml")
    assert "\n" not in str(caught.value)
    (tmp_path / "c.yaml").write_text("a: &a {lr: 1}\nb: {<<: *a, lr: 2}\n")
    assert read_yaml(tmp_path / "c.yaml")["b"] == {"lr": 2}
    with pytest.raises(ConfigError, match="key 'lr' is written twice, in line 1"):
        apply_overrides({}, ["train={lr: 1, lr: 2}"])


@pytest.mark.parametrize("order", [("model.dropout=0.1", "model=mlp"), ("model=mlp", "model.dropout=0.1")])
def test_a_whole_part_comes_before_its_fields_wherever_it_stands(order):
    body = {"model": {"name": "logistic", "other": 1}}
    assert apply_overrides(body, order) == {"model": {"name": "mlp", "dropout": 0.1}}
    assert apply_overrides(body, ("a=1", "a=2")) == body | {"a": 2}
