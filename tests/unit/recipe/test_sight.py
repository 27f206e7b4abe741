"""Cross-fitted encodings: what a block's labels say reaches no encoding of that block, and each training is counted."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from edgeproof.combine.inner import inner_folds
from edgeproof.core.errors import OptionError, SplitError
from edgeproof.models.heads import Classifier
from edgeproof.models.logistic import LogisticConfig
from edgeproof.models.sight import Anchored
from edgeproof.recipe.sight import Eyes, cross_fitted, encoded
from edgeproof.rl.encoders import FrozenEncoderConfig
from edgeproof.train.forecast import as_tensor, logits
from tests.unit.combine.lessons import WINDOW, Record, dataset_of, lesson_of

FOLDS = 2
ASKED = FrozenEncoderConfig(folds=FOLDS, anchors=6)


def eyes_of_lesson(folder: Path, dataset=None, record=None, asked=ASKED, **model) -> Eyes:
    lesson = lesson_of(folder, dataset=dataset, record=record, **model)
    data = lesson.dataset
    first = int((data.fold.validation % data.x.shape[1]).min())
    ready = np.ones(data.x.shape[:2], bool)
    return cross_fitted(lesson, ready, asked, validation=slice(first, data.x.shape[1]))


def blocks(dataset) -> list[np.ndarray]:
    """Decision bars of the training samples of each block."""
    T = dataset.x.shape[1]
    return [np.unique(fold.test % T) for fold in inner_folds(lesson_of(Path(), dataset=dataset), FOLDS)]


def test_labels_of_a_block_move_no_encoding_of_it_but_those_of_the_other(tmp_path):
    data = dataset_of()
    before = eyes_of_lesson(tmp_path / "a", data)
    for k, bars in enumerate(blocks(data)):
        y = data.y.copy()
        y[:, bars] = 1.0 - y[:, bars]
        after = eyes_of_lesson(tmp_path / f"b{k}", replace(data, y=y, sha=f"changed {k}"))
        moved = (before.x != after.x).any(axis=(0, 2))
        assert not moved[bars].any()
        assert moved[blocks(data)[1 - k]].all()


def test_bars_from_validation_on_are_seen_by_the_model_of_the_whole_training_part(tmp_path):
    data, record = dataset_of(), Record()
    eyes = eyes_of_lesson(tmp_path, data, record)
    assert record.labels == ["encoder fold 1/2", "encoder fold 2/2", "encoder"]
    ready = np.ones(data.x.shape[:2], bool)
    later = slice(int((data.fold.validation % data.x.shape[1]).min()), data.x.shape[1])
    whole = encoded(eyes.sight, data.x, ready, window=WINDOW, bars=later)
    assert np.array_equal(eyes.x[:, later], whole[:, later])
    assert eyes.config.width == eyes.x.shape[2] == ASKED.anchors + 1
    assert eyes.ready[:, WINDOW - 1 :].all()
    assert not eyes.ready[:, : WINDOW - 1].any()


def test_the_last_number_is_the_models_forecast_to_scale(tmp_path):
    data = dataset_of()
    eyes = eyes_of_lesson(tmp_path, data)
    index, sight = data.fold.validation, cast("Anchored", eyes.sight)
    model = Classifier(sight.encoder, sight.head)
    said = logits(model, as_tensor(data.x), torch.from_numpy(index), torch.from_numpy(index // 240), WINDOW)
    np.testing.assert_allclose(eyes.x[..., -1].reshape(-1)[index], said.numpy() / float(sight.spread[-1]), rtol=1e-5)
    (found,) = eyes.findings
    assert found.evidence["forecast"] > 0.8  # what is learned of this data is nearly the same on either half
    assert found.level == "info"


def test_an_agent_may_see_the_forecast_alone_of_a_model_without_an_encoder_that_learns(tmp_path):
    """Cross-fitted as encodings are: a block's labels move none of its forecasts."""
    data, asked, model = dataset_of(), FrozenEncoderConfig(folds=FOLDS, anchors=0), LogisticConfig()
    before = eyes_of_lesson(tmp_path / "a", data, asked=asked, model=model)
    assert before.x.shape[2] == before.config.width == 1
    assert before.config.forecast
    first, other = blocks(data)
    y = data.y.copy()
    y[:, first] = 1.0 - y[:, first]
    after = eyes_of_lesson(tmp_path / "b", replace(data, y=y, sha="changed"), asked=asked, model=model)
    moved = (before.x != after.x).any(axis=(0, 2))
    assert not moved[first].any()
    assert moved[other].all()
    index, sight = data.fold.validation, cast("Anchored", before.sight)
    model = Classifier(sight.encoder, sight.head)
    said = logits(model, as_tensor(data.x), torch.from_numpy(index), torch.from_numpy(index // 240), WINDOW)
    np.testing.assert_allclose(before.x[..., 0].reshape(-1)[index], said.numpy() / float(sight.spread), rtol=1e-5)


def test_a_killed_fitting_goes_on_to_the_same_encodings(tmp_path):
    data = dataset_of()
    first = eyes_of_lesson(tmp_path, data)
    again = eyes_of_lesson(tmp_path, data)  # every training is read back
    assert np.array_equal(first.x, again.x)


@pytest.mark.parametrize(
    ("asked", "model", "error", "said"),
    [
        (FrozenEncoderConfig(anchors=1000), {}, OptionError, "lower agent.encoder.anchors"),
        (FrozenEncoderConfig(folds=20, anchors=2), {}, SplitError, "agent.encoder.folds=2"),
        (ASKED, {"model": LogisticConfig()}, OptionError, "no encoder that learns; set agent.encoder.anchors=0"),
    ],
)
def test_what_cannot_be_encoded_is_refused_in_one_line(tmp_path, asked, model, error, said):
    with pytest.raises(error, match=said) as raised:
        eyes_of_lesson(tmp_path, dataset_of(30), asked=asked, **model)
    assert "\n" not in str(raised.value)
