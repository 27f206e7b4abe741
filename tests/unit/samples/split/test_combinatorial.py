"""Combinatorial splits equal those of other packages where the definitions agree, and their tests form paths."""

from math import comb

import numpy as np
import pytest

from edgeproof.core.config import from_mapping
from edgeproof.core.errors import ConfigError, SplitError
from edgeproof.samples.split import SPLITS
from edgeproof.samples.split.combinatorial import CombinatorialConfig
from edgeproof.samples.split.kfold import KFoldConfig
from edgeproof.samples.split.paths import assemble_paths
from edgeproof.samples.split.splitter import PurgedSplitter
from tests.unit.samples.split.cases import CASES, SKFOLIO, numbers
from tests.unit.samples.split.markets import hourly_samples


def splits_of(config, resolved) -> list[tuple[list[int], list[int]]]:
    """(train, test) rows of labels [row, resolved]."""
    splitter = PurgedSplitter(config, decided=np.arange(len(resolved)), resolved=np.asarray(resolved))
    return [(train.tolist(), test.tolist()) for train, test in splitter.split()]


def folds_of(n_groups: int, k_test: int, bars: int = 400):
    config = CombinatorialConfig(n_groups=n_groups, k_test=k_test)
    return config.split(hourly_samples(bars), bars=bars, horizon_bars=1, window=1, reach_bars=4)


@pytest.mark.parametrize("case", SKFOLIO, ids=lambda case: f"{case.rows}-{case.n_groups}")
def test_equals_skfolio_on_labels_of_one_length(case):
    config = CombinatorialConfig(n_groups=case.n_groups, k_test=2, embargo_bars=case.embargo)
    found = splits_of(config, np.arange(case.rows) + case.purged)
    assert found == [(numbers(train), numbers(test)) for test, train in case.splits]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
@pytest.mark.parametrize("closed", [True, False])
def test_equals_the_set_definition(case, closed):
    """Closed: also timeseriescv (git cb04fb6); half-open without embargo: also purgedcv 0.1.11, on all cases."""
    n_groups = {3: 3, 6: 4, 15: 6}[len(case.splits)]
    config = CombinatorialConfig(n_groups=n_groups, k_test=2, embargo_bars=case.embargo, closed=closed)
    expected = [(numbers(shut if closed else half), numbers(test)) for test, shut, half in case.splits]
    assert splits_of(config, case.resolved) == expected


def test_rows_right_after_the_first_of_two_test_blocks_are_purged():
    """20 rows, 2-bar labels, test 5-9 and 15-19: timeseriescv 0.2 keeps 10 and 11, though label 9 ends at bar 11."""
    config = CombinatorialConfig(n_groups=4, k_test=2, embargo_bars=0)
    train, test = splits_of(config, np.arange(20) + 2)[4]
    assert test == [*range(5, 10), *range(15, 20)]
    assert train == [0, 1, 2, 12]


def test_the_embargo_that_was_asked_for_is_kept():
    """mlfinpy 0.1.2 sets it to 0 in its combinatorial splitter."""
    config = CombinatorialConfig(n_groups=4, k_test=2, embargo_bars=3)
    train, test = splits_of(config, np.arange(20) + 1)[0]
    assert test == list(range(10))
    assert train == list(range(14, 20))  # label 9 ends at 10, embargo 11-13


@pytest.mark.parametrize(("n_groups", "k_test", "splits", "paths"), [(6, 2, 15, 5), (10, 2, 45, 9), (6, 3, 20, 10)])
def test_counts_of_the_book(n_groups, k_test, splits, paths):
    """López de Prado (2018), ch. 12: C(N, k) splits and k/N C(N, k) paths."""
    folds = folds_of(n_groups, k_test)
    found = assemble_paths(folds)
    assert len(folds) == splits == comb(n_groups, k_test)
    assert len(found) == paths == k_test * splits // n_groups
    for path in found:
        assert len(path) == n_groups
        assert [piece.bars[0] for piece in path[1:]] == [piece.bars[1] for piece in path[:-1]]
        assert all(piece.bars in folds[piece.fold].test_bars for piece in path)
    used = [(piece.fold, piece.bars) for path in found for piece in path]
    assert len(set(used)) == len(used) == splits * k_test  # every test of every fold, once


def test_paths_take_the_splits_of_a_group_in_order():
    """skfolio 1.12.2 path_ids, 4 folds, 2 tested: (0,1) -> 0,0; (0,2) -> 1,0; (0,3) -> 2,0; (1,2) -> 1,1; ..."""
    ids = [[0, 0], [1, 0], [2, 0], [1, 1], [2, 1], [2, 2]]
    tested = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    folds = folds_of(4, 2)
    starts = sorted({bars for fold in folds for bars in fold.test_bars})
    found = {
        (piece.fold, starts.index(piece.bars)): number
        for number, path in enumerate(assemble_paths(folds))
        for piece in path
    }
    expected = {
        (split, group): path
        for split, (groups, paths) in enumerate(zip(tested, ids, strict=True))
        for group, path in zip(groups, paths, strict=True)
    }
    assert found == expected


def test_k_fold_tests_every_sample_once_and_has_one_path():
    samples = hourly_samples(400)
    folds = KFoldConfig(n_folds=5).split(samples, bars=400, horizon_bars=1, window=1, reach_bars=4)
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == sorted(samples.index.tolist())
    assert [[piece.fold for piece in path] for path in assemble_paths(folds)] == [[0, 1, 2, 3, 4]]


def test_k_fold_purges_labels_that_end_inside_the_test():
    """30 rows, 3-bar labels, test 10-19: mlfinpy 0.1.2 PurgedKFold keeps 7, 8 and 9."""
    found = splits_of(KFoldConfig(n_folds=3, embargo_bars=0), np.arange(30) + 3)
    assert found[1] == ([*range(7), *range(23, 30)], list(range(10, 20)))


def test_k_fold_equals_scikit_learn_without_labels_to_purge():
    from sklearn.model_selection import KFold

    plain = KFold(7)
    expected = [(train.tolist(), test.tolist()) for train, test in plain.split(np.zeros((23, 1)))]
    assert splits_of(KFoldConfig(n_folds=7, embargo_bars=0), np.arange(23)) == expected


def test_the_default_embargo_is_one_label_horizon():
    samples = hourly_samples(400, ahead=5)
    shape = {"bars": 400, "horizon_bars": 4, "window": 1, "reach_bars": 4}
    by_default = KFoldConfig().split(samples, **shape)[0]
    asked = KFoldConfig(embargo_bars=4).split(samples, **shape)[0]
    none = KFoldConfig(embargo_bars=0).split(samples, **shape)[0]
    assert by_default.train.tolist() == asked.train.tolist()
    assert by_default.embargoed == 4 * 2 + none.embargoed


@pytest.mark.parametrize("config", [KFoldConfig(), CombinatorialConfig()])
def test_a_refusal_names_bars_that_are_enough(config):
    shape = {"horizon_bars": 12, "window": 24, "reach_bars": 300}
    with pytest.raises(SplitError, match="with a decision every 3 bars") as refusal:
        config.split(hourly_samples(360, back=323, ahead=13, every=3), bars=360, **shape)
    needed = int(str(refusal.value).split(" open bars are enough")[0].split()[-1])
    enough = hourly_samples(needed, back=323, ahead=13, every=3)
    assert all(len(fold.train) for fold in config.split(enough, bars=needed, **shape))
    with pytest.raises(SplitError):
        config.split(hourly_samples(needed - 3, back=323, ahead=13, every=3), bars=needed - 3, **shape)


def test_validation_is_looked_for_where_purging_leaves_bars():
    """12 groups of 133 bars, windows of 324: what lies alone between two tests is purged whole; validation is not."""
    samples = hourly_samples(1920, back=324)
    folds = CombinatorialConfig(n_groups=12).split(samples, bars=1920, horizon_bars=1, window=24, reach_bars=300)
    between = next(fold for fold in folds if fold.test_bars == ((1521, 1654), (1786, 1920)))
    assert between.validation_bars == (1340, 1521)
    bars = np.unique(between.validation % 1920)
    # 15% of the 1,195 decision bars before the first test whose labels (2 bars) end before it
    assert bars.tolist() == list(range(1519 - round(0.15 * 1195), 1519))


def test_nothing_to_train_on_is_refused():
    with pytest.raises(ConfigError, match="k_test 3 of n_groups 3 leaves nothing to train on"):
        from_mapping(SPLITS["cpcv"], {"n_groups": 3, "k_test": 3})
