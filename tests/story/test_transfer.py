"""A run that begins with another run's encoder: counted, told, and refused where the parent has seen the answers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.core.errors import BundleError, ConfigError, EdgeproofError, OptionError
from edgeproof.data.synthetic import make_market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.evaluate import evaluate_bundle
from edgeproof.recipe.folder import RunFolder
from edgeproof.recipe.run import Run, judge_again, run
from edgeproof.train.bundle import read_bundle
from edgeproof.train.keep import arrays_of

BODY: dict[str, Any] = {
    "model": {"name": "mlp", "hidden": [8, 4], "embedding": 2, "dropout": 0.0},
    "window": 6,
    "decide_every": 2,
    "features": ["log_return_1", "log_return_6", "log_volatility_24"],
    "train": {"epochs": 2, "batch_size": 256},
    "costs": {"commission_bps": 4.0, "half_spread_bps": 1.0},
}
EARLY: dict[str, Any] = {"split": {"name": "holdout", "train": 0.4, "validation": 0.4, "sealed": 0.2}}
LATE: dict[str, Any] = {"split": {"name": "holdout", "train": 0.7, "validation": 0.1, "sealed": 0.2}}


def train(out: Path, market: Path, parent: Path | None = None, *, frozen: bool = False, **body: Any) -> Run:
    transfer = {} if parent is None else {"transfer": {"bundle": str(parent), "frozen": frozen}}
    workspace = body.pop("workspace", out.parent)
    return run(BODY | transfer | body, market, out=out, workspace=workspace, beside=False, write=lambda _: None)


def made(folder: Path, seed: int, **asked: Any) -> Path:
    asked = {"symbols": 3, "bars": 1600, "strength": 0.3} | asked
    make_market("linear", folder, seed=seed, **asked)
    return folder


def checks(done: Run) -> dict[str, str]:
    """Level of each finding on the parent."""
    found = RunFolder(done.folder).findings()
    return {finding.check: finding.level for finding in found if finding.check.startswith("transfer.")}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a market and a run on it, trained on the first 40% of its bars."""
    place = tmp_path_factory.mktemp("home")
    train(place / "parent", made(place / "market", 1), **EARLY)
    return place


def test_a_child_on_the_same_market_is_counted_with_its_parent(home: Path):
    """Same split: the parent was trained before the child's validation begins, and chosen on it, which is counted."""
    before = judge_again(home / "parent").verdict["trials"]
    child = train(home / "child", home / "market", home / "parent", frozen=True, **EARLY)
    parent, bundle = read_bundle(home / "parent"), read_bundle(child.folder)
    assert child.verdict["trials"] > before
    assert [one["bundle"] for one in bundle.lineage["parents"]] == [parent.sha]
    assert child.verdict["parents"] == bundle.lineage["parents"]
    assert Ledger(home).rows("candidate")[-1].body["parents"] == [parent.sha]
    assert checks(child) == {"transfer.chosen_later": "info"}
    assert any("was kept as it was" in note for note in child.verdict["notes"])
    encoders = [arrays_of(one.model.encoder) for one in (parent, bundle)]  # pyright: ignore[reportArgumentType]
    assert all(np.array_equal(encoders[0][name], encoders[1][name]) for name in encoders[0])
    assert all(np.array_equal(parent.preprocessor[name], bundle.preprocessor[name]) for name in parent.preprocessor)
    assert judge_again(child.folder).verdict["net"] == child.verdict["net"]
    assert evaluate_bundle(child.folder, home / "market")


def test_a_grandchild_names_all_that_stand_behind_it(home: Path):
    first = train(home / "first", home / "market", home / "parent", **EARLY, seed=1)
    second = train(home / "second", home / "market", first.folder / "bundle", **EARLY, seed=2)
    names = [read_bundle(home / place).sha for place in ("first", "parent")]
    assert [one["bundle"] for one in read_bundle(second.folder).lineage["parents"]] == names
    assert any("1 more stand behind it" in note for note in second.verdict["notes"])


def test_a_parent_that_was_trained_on_what_is_held_out_is_refused_before_anything_is_counted(home: Path):
    late = train(home / "late", home / "market", **LATE)
    rows = len(Ledger(home).rows())
    with pytest.raises(OptionError, match="it has seen the answers; train the parent on an earlier span"):
        train(home / "leak", home / "market", late.folder, **EARLY)
    assert len(Ledger(home).rows()) == rows
    assert not (home / "leak").exists()
    middle = train(home / "middle", home / "market", late.folder, **LATE)
    with pytest.raises(OptionError, match="has seen the answers"):
        train(home / "leak", home / "market", middle.folder, **EARLY)


@pytest.mark.parametrize("combine", [{"name": "ensemble", "rule": "weighted"}, {"name": "distilled"}])
def test_inner_folds_of_an_encoder_that_saw_them_are_refused_before_anything_is_counted(home: Path, combine):
    """The parent knows every training bar, so no forecast there is out of fold: neither weights nor teachers."""
    rows = len(Ledger(home).rows())
    with pytest.raises(OptionError, match=r"combine (ensemble|distilled): inner folds hold out training bars"):
        train(home / "inner", home / "market", home / "parent", combine=combine, **EARLY)
    assert len(Ledger(home).rows()) == rows


def test_a_made_market_that_shares_no_bar_has_seen_nothing(home: Path):
    other = made(home / "other", 2, symbols=4)
    late = train(home / "other_run", other, **LATE)
    child = train(home / "from_other", home / "market", late.folder, **EARLY)
    assert checks(child) == {}


def test_a_parent_from_another_workspace_is_an_error_where_it_may_have_seen_the_time(home: Path, tmp_path: Path):
    elsewhere = train(tmp_path / "elsewhere", made(tmp_path / "copy", 7), **LATE)
    child = train(home / "from_elsewhere", home / "market", elsewhere.folder, **EARLY)
    assert checks(child) == {"transfer.trained_later": "error", "transfer.uncounted": "warning"}
    assert "transfer" in str(child.verdict["reasons"])
    early = train(tmp_path / "early", tmp_path / "copy", **EARLY)
    child = train(home / "from_early", home / "market", early.folder, **LATE)
    assert checks(child) == {"transfer.chosen_later": "info", "transfer.uncounted": "warning"}


def test_a_symbol_that_the_parent_never_saw_is_a_finding(home: Path):
    wide = made(home / "wide", 3, symbols=5)
    child = train(home / "from_narrow", wide, home / "parent", **EARLY)
    assert checks(child) == {"transfer.unknown_symbols": "info"}


def test_resumed_from_the_same_parent_only(home: Path, tmp_path: Path):
    first = train(home / "again", home / "market", home / "parent", **EARLY, seed=4)
    again = train(home / "again", home / "market", home / "parent" / "bundle", **EARLY, seed=4)
    assert again.verdict["net"] == first.verdict["net"]
    other = train(home / "other_parent", home / "market", **EARLY, seed=9)
    with pytest.raises(EdgeproofError, match="holds a run of another config"):
        train(home / "again", home / "market", other.folder, **EARLY, seed=4)
    with pytest.raises(BundleError, match=r"no bundle here"):
        train(tmp_path / "none", home / "market", tmp_path / "nothing")
    sha = read_bundle(home / "parent").sha
    with pytest.raises(BundleError, match=r"not [0-9a-f]{12} as transfer\.sha says"):
        run(BODY | {"transfer": {"bundle": str(other.folder), "sha": sha}}, home / "market", out=tmp_path / "x")
    with pytest.raises(ConfigError, match=r"without a place; set transfer\.bundle"):
        run(BODY | {"transfer": {"sha": sha}}, home / "market", out=tmp_path / "x")
