"""Out of fold means what it says: no forecast knows its own label, nor anything of validation."""

from dataclasses import replace

import numpy as np
import pytest

from edgeproof.combine.inner import inner_folds, out_of_fold
from edgeproof.core.errors import SplitError
from tests.unit.combine.lessons import Record, dataset_of, lesson_of, samples_of


def changed(dataset, where, *, labels=True, features=True):
    """The data set with other labels and features at these samples."""
    y, x = dataset.y.copy(), dataset.x.copy()
    if labels:
        y.reshape(-1)[where] = 1 - y.reshape(-1)[where]
    if features:
        x.reshape(-1, x.shape[2])[where] = 9 - 2 * x.reshape(-1, x.shape[2])[where]
    return replace(dataset, x=x, y=y, sha="changed")


def test_every_training_sample_is_held_out_once_and_no_other_sample_takes_part(tmp_path):
    lesson = lesson_of(tmp_path)
    outer, folds = lesson.dataset.fold, inner_folds(lesson, 3)
    assert np.array_equal(np.sort(np.concatenate([fold.test for fold in folds])), np.sort(outer.train))
    samples = samples_of(lesson.dataset)
    for fold in folds:
        parts = [fold.train, fold.validation, fold.test]
        assert all(len(part) for part in parts)
        assert np.isin(np.concatenate(parts), outer.train).all()
        first, held = samples.among(fold.train, fold.validation), samples.among(fold.test)
        meet = (first.first[:, None] <= held.resolved) & (first.resolved[:, None] >= held.decided)
        assert not meet.any()


def test_no_forecast_depends_on_its_own_fold_or_on_validation(tmp_path):
    plain = lesson_of(tmp_path / "plain")
    before, train = out_of_fold(plain, [0, 1], "member", count=3), plain.dataset.fold.train
    assert np.isfinite(before).all()

    held = inner_folds(plain, 3)[0].test
    inside = np.isin(train, held)
    other = lesson_of(tmp_path / "labels", dataset=changed(plain.dataset, held, features=False))
    after = out_of_fold(other, [0, 1], "member", count=3)
    assert np.array_equal(after[:, inside], before[:, inside])
    assert not np.array_equal(after[:, ~inside], before[:, ~inside])

    later = changed(plain.dataset, plain.dataset.fold.validation)
    unmoved = out_of_fold(lesson_of(tmp_path / "later", dataset=later), [0, 1], "member", count=3)
    assert np.array_equal(unmoved, before)


def test_every_inner_training_is_on_record_before_its_first_epoch(tmp_path):
    record = Record()
    lesson = lesson_of(tmp_path, record=record)
    seen = []
    lesson = replace(lesson, write=lambda line: seen.append((len(record.labels), line)))
    out_of_fold(lesson, [0, 2], "member", count=2)
    assert record.labels == [f"member {k} inner fold {n}/2" for n in (1, 2) for k in (1, 3)]
    assert [count for count, line in seen if " epoch 1/3" in line] == [1, 2, 3, 4]


def test_too_few_samples_are_refused_in_one_line(tmp_path):
    with pytest.raises(
        SplitError, match=r"combine: 34 training samples at 17 bars .* 20 purged inner folds.*bring more"
    ):
        inner_folds(lesson_of(tmp_path, dataset=dataset_of(32)), 20)
