"""A bundle says after loading what it said before, and is refused in one line once a byte of it has changed."""

import json

import numpy as np
import pytest

from edgeproof.core.errors import BundleError, DataError
from edgeproof.core.identity import sha_json
from edgeproof.core.rng import Rng
from edgeproof.models.mlp import MlpConfig
from edgeproof.testing.market import tiny_dataset
from edgeproof.train.bundle import Bundle, read_bundle, write_bundle
from edgeproof.train.forecast import predict
from edgeproof.train.seeding import seeded


def a_bundle(seed: int = 1) -> Bundle:
    config = MlpConfig(hidden=(8, 4), embedding=2)
    with seeded(Rng(seed)):
        model = config.build(n_features=5, window=6, n_assets=3)
    return Bundle(
        model=model,
        model_config=config,
        window=6,
        features=("a", "b", "c", "d", "e"),
        symbols=("S0", "S1", "S2"),
        preprocessor={"mean": np.arange(5, dtype=np.float32), "clip": np.array([5.0], dtype=np.float32)},
        config={"seed": 3},
        thresholds={"theta": 0.512},
        lineage={"market": "ab12"},
        figures={"auc": 0.53},
    )


def test_round_trip(tmp_path):
    bundle = a_bundle()
    sha = write_bundle(tmp_path / "run" / "bundle", bundle)
    for place in (tmp_path / "run" / "bundle", tmp_path / "run"):
        again = read_bundle(place)
        assert again.sha == sha
        assert not again.model.training
        for name in ("model_config", "window", "features", "symbols", "config", "thresholds", "lineage", "figures"):
            assert getattr(again, name) == getattr(bundle, name)
        np.testing.assert_array_equal(again.preprocessor["mean"], bundle.preprocessor["mean"])
        dataset = tiny_dataset(Rng(2))
        said = [predict(model, dataset.x, dataset.fold.train, window=6).logit for model in (bundle.model, again.model)]
        np.testing.assert_array_equal(said[0], said[1])


def test_assets_are_found_by_name():
    assert a_bundle().assets(("S2", "new", "S0")).tolist() == [2, -1, 0]


def test_writing_again_changes_nothing_and_another_bundle_is_not_overwritten(tmp_path):
    sha = write_bundle(tmp_path / "bundle", a_bundle())
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "bundle").iterdir()}
    assert write_bundle(tmp_path / "bundle", a_bundle()) == sha
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "bundle").iterdir()} == before
    with pytest.raises(DataError, match="not empty"):
        write_bundle(tmp_path / "bundle", a_bundle(seed=2))
    assert read_bundle(tmp_path / "bundle").sha == sha


def refused(folder) -> str:
    with pytest.raises(BundleError) as refusal:
        read_bundle(folder)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_a_changed_or_missing_byte_of_the_weights_is_refused(tmp_path):
    write_bundle(tmp_path / "bundle", a_bundle())
    path = tmp_path / "bundle" / "weights.safetensors"
    good = path.read_bytes()
    first = 8 + int.from_bytes(good[:8], "little")  # safetensors: length of the header, header, arrays
    for place in (0, 5, *range(first, len(good), 13)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        refused(tmp_path / "bundle")
    for length in (0, 7, 100, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:length])
        refused(tmp_path / "bundle")
    path.unlink()
    assert "no such file" in refused(tmp_path / "bundle")


def test_an_edited_or_cut_description_is_refused(tmp_path):
    write_bundle(tmp_path / "bundle", a_bundle())
    path = tmp_path / "bundle" / "bundle.json"
    good = path.read_text()
    path.write_text(good.replace("0.512", "0.612"))
    assert "does not match its hash" in refused(tmp_path / "bundle")
    path.write_text(good[:-20])
    assert "truncated" in refused(tmp_path / "bundle")
    path.write_text("[]")
    assert "not a bundle of this version" in refused(tmp_path / "bundle")
    path.unlink()
    assert "no bundle here" in refused(tmp_path / "bundle")


def test_weights_of_another_bundle_are_refused(tmp_path):
    for seed in (1, 2):
        write_bundle(tmp_path / f"bundle{seed}", a_bundle(seed))
    (tmp_path / "bundle2" / "weights.safetensors").replace(tmp_path / "bundle1" / "weights.safetensors")
    assert "not the weights that bundle.json names" in refused(tmp_path / "bundle1")


def test_a_model_that_is_not_installed_is_named(tmp_path):
    write_bundle(tmp_path / "bundle", a_bundle())
    path = tmp_path / "bundle" / "bundle.json"
    body = json.loads(path.read_text())
    body["model"] = {"name": "wavenet"}
    body["sha256"] = sha_json({key: value for key, value in body.items() if key != "sha256"})
    path.write_text(json.dumps(body))
    assert "unknown model 'wavenet'" in refused(tmp_path / "bundle")
