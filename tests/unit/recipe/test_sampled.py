"""What the data page shows of samples is what a run would be given, of training bars alone where a model is to learn.

N samples, L window.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from edgeproof.core.clock import parse_time
from edgeproof.core.rng import Rng
from edgeproof.data.synthetic import make_market
from edgeproof.gates.samples import check_samples
from edgeproof.gates.samples_table import PARTS
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.learn import proven_folds
from edgeproof.recipe.prepare import Prepared, open_bars, prepare
from edgeproof.recipe.sampled import sample_table, samples_body
from edgeproof.samples.windows import gather

BODY = {"costs": {"commission_bps": 4.0, "half_spread_bps": 1.0}, "window": 12}


@pytest.fixture(scope="module")
def spread(tmp_path_factory) -> tuple[RunConfig, Prepared]:
    """Three symbols of 3,000 hours, and what a run with a window of 12 reads of them."""
    folder = tmp_path_factory.mktemp("sampled")
    market = make_market("linear", folder / "m", symbols=3, bars=3000, seed=4)
    config = load_run_config(BODY)
    return config, prepare(config, market, open_bars(config, market, Ledger(folder)))


@pytest.fixture(scope="module")
def body(spread) -> dict[str, Any]:
    return samples_body(*spread)


def test_windows_and_labels_are_those_that_training_reads(spread):
    config, prepared = spread
    fold = proven_folds(config, prepared)[-1]
    table = sample_table(config, prepared, fold)
    for part, index in zip(PARTS, (fold.train, fold.validation, fold.test), strict=True):
        here = np.flatnonzero(table.inside(part))
        assert np.array_equal(np.sort(table.ends[here]), np.sort(index))
    some = np.arange(0, len(table), 97)
    windows = gather(torch.from_numpy(prepared.table.x), torch.from_numpy(table.ends[some]), config.window)
    assert np.array_equal(table.windows(some), windows.numpy())
    assert np.array_equal(table.y[some], prepared.labels.y.reshape(-1)[table.ends[some]])
    assert (np.diff(table.time) >= 0).all()


def test_the_gallery_is_of_training_and_its_classes(spread, body):
    config, prepared = spread
    table = sample_table(config, prepared, proven_folds(config, prepared)[-1])
    until = int(table.time[table.inside("train")].max())
    kinds = {(tile["class"], tile["kind"]) for tile in body["gallery"]}
    assert kinds == {(value, kind) for value in "01" for kind in ("typical", "boundary", "outlier")}
    for tile in body["gallery"]:
        assert parse_time(tile["time"]) < until
        assert tile["path"][-1] == 0.0
        assert len(tile["path"]) == config.window
        assert np.array(tile["shades"]).shape == (23, config.window)
        assert (tile["outcome_bps"] > 0) is (tile["class"] == "1")


def test_samples_at_the_boundary_have_the_smallest_outcomes(spread, body):
    """Second witness: the smallest gain and the smallest loss of training by a plain loop over the bars."""
    config, prepared = spread
    train, T = proven_folds(config, prepared)[-1].train, prepared.panel.present.shape[1]
    opened = prepared.panel.prices[:, :, 0]
    moves = [1e4 * np.log(opened[n // T, n % T + 2] / opened[n // T, n % T + 1]) for n in train.tolist()]
    found = {tile["class"]: tile["outcome_bps"] for tile in reversed(body["gallery"]) if tile["kind"] == "boundary"}
    assert found["1"] == pytest.approx(min(move for move in moves if move > 0))
    assert found["0"] == pytest.approx(max(move for move in moves if move <= 0))


def test_shares_and_distributions_add_up(body):
    total = {part["part"]: part["samples"] for part in body["parts"]}
    for part, count in total.items():
        assert sum(row["count"] for row in body["shares"] if row["part"] == part) == count
    assert sum(row["samples"] for row in body["months"]) == sum(total.values())
    for row in body["features"]:
        assert [sum(shares) for shares in row["classes"].values()] == pytest.approx([1, 1], abs=0.01)
    matrix = np.array(body["correlation"])
    assert np.array_equal(matrix, matrix.T)
    assert (np.diag(matrix) == 1).all()


@pytest.mark.slow
def test_clean_markets_raise_no_alarm_and_a_planted_shift_does(tmp_path):
    """20 seeds of 23 features, `log_amihud_24` among them, which holds the level of a price that walks.

    The shift: one standard deviation of one feature, in validation alone.
    """
    caught = 0
    for seed in range(20):
        market = make_market("linear", tmp_path / str(seed) / "m", symbols=4, bars=8000, seed=seed)
        config = load_run_config(BODY)
        prepared = prepare(config, market, open_bars(config, market, Ledger(tmp_path / str(seed))))
        table = sample_table(config, prepared, proven_folds(config, prepared)[-1])
        alarms = [each for each in check_samples(table, Rng(seed)) if each.level != "info"]
        assert alarms == []
        rows, column = table.rows.copy(), table.names.index("rsi_14")
        rows[table.ends[table.inside("validation")], column] += table.last[:, column].std()
        moved = check_samples(replace(table, rows=rows), Rng(seed))
        drift = next(each for each in moved if each.check == "samples.drift")
        known = [row["name"] for row in drift.evidence["columns"] if row["distance"] >= 0.1 and row["p"] <= 0.01]
        caught += "rsi_14" in known
    assert caught >= 19


def test_a_walk_has_a_row_for_each_of_its_folds(spread):
    prepared = spread[1]
    split = {"name": "walk_forward", "train": 700, "validation": 250, "test": 300, "step": 300}
    walk = load_run_config(BODY | {"split": split})
    folds = proven_folds(walk, prepared)
    rows = samples_body(walk, prepared)["folds"]
    assert [row["validation"] for row in rows] == [len(fold.validation) for fold in folds]
    assert len(rows) > 1
