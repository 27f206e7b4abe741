"""What a tracked run says of its model, its machine and the user's repository."""

import json
import os
import subprocess

import numpy as np

from edgeproof.models.actor import ActorConfig
from edgeproof.models.mlp import MlpConfig
from edgeproof.train.loggers.architecture import architecture, architecture_text
from edgeproof.train.loggers.context import LONGEST_DIFF, environment, repository


def test_architecture_counts_parameters_and_sizes_of_each_module():
    model = MlpConfig(hidden=(8, 4), embedding=2).build(5, 6, 3)
    body = architecture(model, window=6, features=5)
    assert body["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert sum(entry["parameters"] for entry in body["modules"]) == body["parameters"]
    linear = [entry for entry in body["modules"] if entry["kind"] == "Linear"]
    assert (linear[0]["parameters"], "output" in linear[0]) == (
        (6 * 5 + 2) * 8 + 8,
        False,
    )  # its weights alone are read
    assert (linear[1]["input"], linear[1]["output"]) == ([[2, 8]], [[2, 4]])
    ran = [entry["order"] for entry in body["modules"] if "order" in entry]
    assert sorted(ran) == list(range(len(ran)))
    names = {entry["name"] for entry in body["modules"]}
    assert all(giver in names and reader in names for giver, reader in body["edges"])
    assert body["edges"]
    assert f"{body['parameters']:,} parameters" in architecture_text(body)
    assert json.loads(json.dumps(body)) == body


def test_an_actor_reads_the_windows_of_all_symbols_of_its_account():
    model = ActorConfig(hidden=(8,), account=9, outputs=2, discrete=False, assets=2).build(5, 6, 3)
    body = architecture(model, window=6, features=5)
    assert next(entry["input"] for entry in body["modules"] if entry["kind"] == "Linear") == [[2, 2 * 6 * 5 + 9]]


def test_looking_at_a_model_changes_nothing_in_it():
    model = MlpConfig(hidden=(8, 4)).build(5, 6, 3).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    architecture(model, window=6, features=5)
    assert model.training
    assert all((tensor == before[name]).all() for name, tensor in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_the_environment_says_versions_and_no_variables():
    body = environment()
    assert body["packages"]["numpy"] == np.__version__
    assert body["python"].count(".") == 2
    text = json.dumps(body)
    assert not [name for name, value in os.environ.items() if len(value) > 12 and "/" in value and value in text]


def git(folder, *words):
    named = ["-c", "user.name=n", "-c", "user.email=e@e", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder, *named, *words], check=True, capture_output=True)


def test_a_repository_says_commit_branch_and_changes_but_not_what_files_of_secrets_hold(tmp_path):
    assert repository(tmp_path) == ({}, "")
    git(tmp_path, "init", "-b", "work")
    (tmp_path / "sub").mkdir()
    for name in ("a.py", ".env", "sub/my_Credentials.json"):
        (tmp_path / name).write_text("one\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    facts, difference = repository(tmp_path / "sub")
    assert (facts["branch"], facts["dirty"], difference, len(facts["commit"])) == ("work", False, "", 40)
    for name in ("a.py", ".env", "sub/my_Credentials.json"):
        (tmp_path / name).write_text("two-" + "x" * 20 + "\n")
    facts, difference = repository(tmp_path / "sub")
    assert facts["dirty"]
    assert len(facts["changed"]) == 3
    assert difference.count("+two-") == 1
    assert "+++ b/a.py" in difference
    (tmp_path / "a.py").write_text("z" * (LONGEST_DIFF + 10))
    facts, difference = repository(tmp_path)
    assert facts["cut"]
    assert len(difference) <= LONGEST_DIFF
