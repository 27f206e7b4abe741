import json

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from edgeproof.cli.main import app
from edgeproof.core.config import from_mapping
from edgeproof.models import MODELS
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.schema import config_schema
from edgeproof.recipe.templates import template_body, template_texts

SCHEMA = config_schema()
EDITOR = Draft202012Validator(SCHEMA)


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", template_texts())
def test_every_template_is_valid_in_an_editor(name):
    assert not list(EDITOR.iter_errors(template_body(name)))


@pytest.mark.parametrize("name", ["mlp_baseline", "gru_baseline"])
def test_a_resolved_config_is_valid_too(name):
    whole = from_mapping(RunConfig, template_body(name)).model_dump(mode="json")
    assert not list(EDITOR.iter_errors(whole))


@pytest.mark.parametrize(
    "line",
    [
        "{costs: {}, windw: 24}",
        "{costs: {}, window: 0}",
        "{costs: {}, model: mpl}",
        "{costs: {}, model: {name: mlp, dropout: 1.5}}",
        "{costs: {}, train: {scheduler: {name: cosine, min_rate: 1}}}",
        "{window: 24}",
    ],
)
def test_what_loading_refuses_an_editor_marks(line):
    assert list(EDITOR.iter_errors(yaml.safe_load(line)))


def test_every_model_is_offered_by_name_and_every_key_has_its_meaning():
    offered = SCHEMA["properties"]["model"]["anyOf"]
    assert offered[0]["enum"][: len(MODELS)] == list(MODELS)
    assert SCHEMA["properties"]["window"]["description"] == "bars that a model sees, L."


def test_the_command_writes_what_it_prints(tmp_path):
    printed = CliRunner().invoke(app, ["template", "schema"]).stdout
    said = CliRunner().invoke(app, ["template", "schema", "--out", str(tmp_path / "s.json")]).stdout
    assert json.loads(printed) == SCHEMA == json.loads((tmp_path / "s.json").read_text())
    assert "yaml-language-server" in said
