"""A table is built once for the same inputs, and a stale one is never met."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import edgeproof.features as package
from edgeproof.core.errors import DataError
from edgeproof.core.identity import sha_bytes
from edgeproof.features import FEATURES, Feature
from edgeproof.features.table import build_features
from tests.unit.features.panels import panel_of, random_panel, random_prices

NAMES = ("log_return_3", "body_share")


def folders(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()}


def test_the_second_time_is_mapped_from_disk(tmp_path: Path):
    panel = random_panel(2, 50, 0)
    first = build_features(panel, NAMES, cache=tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    again = build_features(panel, NAMES, cache=tmp_path)
    plain = build_features(panel, NAMES)
    assert isinstance(again.x, np.memmap)
    assert kept == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    for field in ("x", "ready", "first_read", "names", "sha"):
        np.testing.assert_array_equal(getattr(again, field), getattr(plain, field))
        np.testing.assert_array_equal(getattr(first, field), getattr(plain, field))


def test_a_changed_bar_never_meets_the_old_table(tmp_path: Path):
    prices = random_prices(1, 50, 1)
    before = build_features(panel_of(prices), NAMES, cache=tmp_path)
    changed = prices.copy()
    changed[0, 30, 3] *= 1.000001
    after = build_features(panel_of(changed), NAMES, cache=tmp_path)
    assert not np.array_equal(before.x, after.x)
    assert len(folders(tmp_path)) == 2


def test_another_version_name_reach_or_gap_never_meets_the_old_table(tmp_path: Path):
    panel = random_panel(1, 50, 2)
    own = Feature("own", 1, "user", "", lambda rows: rows.high, version="1")
    build_features(panel, [own], cache=tmp_path)
    newer = replace(own, function=lambda rows: rows.low, version="2")
    table = build_features(panel, [newer], cache=tmp_path)
    np.testing.assert_array_equal(table.x[0, 1:, 0], panel.prices[0, 1:, 2].astype(np.float32))
    assert build_features(panel, [replace(own, reach=7)], cache=tmp_path).ready.sum() == 43
    build_features(panel, [own], cache=tmp_path, max_gap_bars=3)
    build_features(panel, [replace(own, name="other")], cache=tmp_path)
    assert len(folders(tmp_path)) == 5


def test_the_built_in_version_is_the_text_of_the_package():
    files = sorted(Path(package.__file__).parent.glob("*.py"))
    assert len(files) > 8
    assert {f.version for f in FEATURES.values()} == {sha_bytes(b"".join(path.read_bytes() for path in files))}


def test_unversioned_features_are_never_cached(tmp_path: Path):
    build_features(random_panel(1, 50, 3), [Feature("own", 0, "user", "", lambda rows: rows.high)], cache=tmp_path)
    assert not folders(tmp_path)


def test_a_damaged_table_is_built_again(tmp_path: Path):
    panel = random_panel(1, 50, 4)
    whole = build_features(panel, NAMES, cache=tmp_path)
    expected = whole.x.copy()
    (file,) = tmp_path.rglob("x.npy")
    file.write_bytes(file.read_bytes()[:200])
    np.testing.assert_array_equal(build_features(panel, NAMES, cache=tmp_path).x, expected)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        build_features(random_panel(1, 50, 4), NAMES, cache=tmp_path / "file")
