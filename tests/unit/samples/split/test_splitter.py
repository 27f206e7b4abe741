"""Split configs work as scikit-learn splitters, with bars or with times, on rows in any order."""

import numpy as np
import pytest

from edgeproof.core.errors import ConfigError, SplitError
from edgeproof.samples.split.combinatorial import CombinatorialConfig
from edgeproof.samples.split.holdout import HoldoutConfig
from edgeproof.samples.split.kfold import KFoldConfig
from edgeproof.samples.split.purge import purge
from edgeproof.samples.split.splitter import PurgedSplitter
from edgeproof.samples.split.walk import WalkForwardConfig

CONFIGS = [
    HoldoutConfig(),
    KFoldConfig(),
    CombinatorialConfig(),
    WalkForwardConfig(train=100, validation=20, test=50, step=50),
]
HOUR = np.timedelta64(1, "h")


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_cross_val_score_and_grid_search_take_it(config):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, cross_val_score

    random = np.random.default_rng(0)
    X = random.normal(size=(400, 3))
    y = (X[:, 0] + random.normal(size=400) > 0).astype(int)
    splitter = PurgedSplitter(config, decided=np.arange(400), resolved=np.arange(400) + 3)
    scores = cross_val_score(LogisticRegression(), X, y, cv=splitter)  # pyright: ignore[reportArgumentType]
    assert len(scores) == splitter.get_n_splits(X, y)
    assert scores.mean() > 0.6
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=splitter)  # pyright: ignore[reportArgumentType]
    assert search.fit(X, y).n_splits_ == splitter.get_n_splits()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_train_rows_are_those_that_purge_leaves(config):
    """Three symbols a bar, ragged labels and windows: the test rows' complement (walk-forward: its past), purged."""
    random = np.random.default_rng(1)
    decided = np.repeat(np.arange(300), 3)
    first, resolved = np.maximum(0, decided - random.integers(0, 9, 900)), decided + random.integers(1, 9, 900)
    splitter = PurgedSplitter(config, decided=decided, resolved=resolved, first=first, horizon_bars=2)
    for train, test in splitter.split():
        rest = np.setdiff1d(np.arange(900), test)
        if config.name == "walk_forward":
            start = decided[test].min()
            rest = rest[(decided[rest] < start) & (decided[rest] >= start - 100)]
        left, right = splitter.samples.take(rest), splitter.samples.take(test)
        embargo = 0 if config.name == "walk_forward" else 2
        assert train.tolist() == rest[purge(left, right, embargo_bars=embargo).keep].tolist()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_rows_may_stand_in_any_order(config):
    order = np.random.default_rng(2).permutation(300)
    sorted_rows = PurgedSplitter(config, decided=np.arange(300), resolved=np.arange(300) + 2)
    mixed = PurgedSplitter(config, decided=order, resolved=order + 2)
    for (train, test), (mixed_train, mixed_test) in zip(sorted_rows.split(), mixed.split(), strict=True):
        assert sorted(order[mixed_train].tolist()) == train.tolist()
        assert sorted(order[mixed_test].tolist()) == test.tolist()


def test_times_are_bars_by_their_order_and_months_work():
    start = np.datetime64("2024-01-01T00:00")
    decided = start + np.arange(500) * HOUR
    config = WalkForwardConfig(train="10d", validation="2d", test="2d", step="2d")
    by_time = PurgedSplitter(config, decided=decided, resolved=decided + 2 * HOUR)
    counted = WalkForwardConfig(train=240, validation=48, test=48, step=48)
    by_bar = PurgedSplitter(counted, decided=np.arange(500), resolved=np.arange(500) + 2)
    pairs = list(zip(by_time.split(), by_bar.split(), strict=True))
    assert len(pairs) == 5
    for (train, test), (bar_train, bar_test) in pairs:
        assert train.tolist() == bar_train.tolist()
        assert test.tolist() == bar_test.tolist()


def test_a_pandas_index_of_times_is_taken():
    pd = pytest.importorskip("pandas")
    times = pd.date_range("2024-01-01", periods=60, freq="h")
    splitter = PurgedSplitter(KFoldConfig(n_folds=3), decided=times, resolved=times + pd.Timedelta(hours=1))
    assert splitter.get_n_splits() == 3


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"decided": [0, 1], "resolved": [1]}, "one bar or time a row"),
        ({"decided": [], "resolved": []}, "one bar or time a row"),
        ({"decided": [0.0, 1.0], "resolved": [1.0, 2.0]}, "whole bar numbers"),
        ({"decided": [0, 5], "resolved": [1, 4]}, "row 1: first, decided and resolved are not in the order of time"),
        ({"decided": np.array(["NaT"], "M8[h]"), "resolved": np.array(["2024"], "M8[h]")}, "without a time"),
    ],
)
def test_rows_that_make_no_sense_are_refused(columns, text):
    with pytest.raises(SplitError, match=text):
        PurgedSplitter(KFoldConfig(), **columns)


def test_another_number_of_rows_is_refused():
    splitter = PurgedSplitter(KFoldConfig(), decided=np.arange(50), resolved=np.arange(50) + 1)
    with pytest.raises(SplitError, match="X has 49 rows"):
        next(splitter.split(np.zeros((49, 2))))


@pytest.mark.parametrize("config", [HoldoutConfig(), KFoldConfig(), CombinatorialConfig()], ids=lambda c: c.name)
def test_a_name_is_the_split_with_its_defaults(config):
    bars = np.arange(300)
    named = PurgedSplitter(config.name, decided=bars, resolved=bars + 2)
    known = PurgedSplitter(config, decided=bars, resolved=bars + 2)
    for (train, test), (known_train, known_test) in zip(named.split(), known.split(), strict=True):
        assert train.tolist() == known_train.tolist()
        assert test.tolist() == known_test.tolist()


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ("cpvc", "cpvc.*cpcv"),
        ("", "cpcv"),
        (None, "config: NoneType is no split; give a name"),
        (5, "config: int is no split"),
        ({"name": "cpcv"}, "config: dict is no split"),
        (KFoldConfig, "config: the class KFoldConfig is no split"),
    ],
)
def test_what_is_no_split_is_refused_at_once(config, text):
    with pytest.raises(ConfigError, match=text) as refused:
        PurgedSplitter(config, decided=np.arange(50), resolved=np.arange(50) + 1)
    assert "\n" not in str(refused.value)
