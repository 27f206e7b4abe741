"""An epoch reads a share of its samples from copies, drawn by a key; a copy that is the clean table changes nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from edgeproof.core.config import from_mapping
from edgeproof.core.errors import Interrupted
from edgeproof.core.identity import sha_array
from edgeproof.core.progress import Progress
from edgeproof.core.rng import Rng
from edgeproof.models.mlp import MlpConfig
from edgeproof.samples.dataset import Copies, Dataset
from edgeproof.testing.market import tiny_dataset
from edgeproof.train.drawn import drawn_from
from edgeproof.train.loop import fit
from edgeproof.train.losses import BceConfig
from edgeproof.train.settings import TrainConfig

PLAIN = tiny_dataset(Rng(1))
SIZE = PLAIN.y.size


def with_copies(*tables: np.ndarray, ends: np.ndarray | None = None, share: float = 0.5) -> Dataset:
    stack = np.stack([PLAIN.x, *tables])
    own = np.broadcast_to(np.arange(SIZE).reshape(PLAIN.y.shape), (len(tables), *PLAIN.y.shape))
    places = (own if ends is None else ends).astype(np.int32)
    return replace(PLAIN, x=stack[0], copies=Copies(stack, places, share), sha=sha_array(stack, places))


def train(folder, data: Dataset, *, progress: Progress | None = None, **body):
    settings = {"epochs": 3, "batch_size": 64, "lr": 0.01, "patience": None} | body
    return fit(
        data,
        MlpConfig(hidden=(8,), embedding=2),
        BceConfig(),
        from_mapping(TrainConfig, settings),
        rng=Rng(7),
        folder=folder,
        progress=progress,
    )


@pytest.mark.parametrize("average", ["none", "swa"])
def test_copies_equal_to_the_clean_table_give_the_same_bytes_as_none(tmp_path, average):
    plain = train(tmp_path / "plain", PLAIN, average=average)
    same = train(tmp_path / "same", with_copies(PLAIN.x, PLAIN.x), average=average)
    assert plain.sha == same.sha
    other = train(tmp_path / "other", with_copies(PLAIN.x + 1, PLAIN.x), average=average)
    assert plain.sha != other.sha


def test_samples_without_a_place_in_a_copy_are_read_clean(tmp_path):
    """A copy of rubbish in which no training sample has a place is never read."""
    rubbish = np.full_like(PLAIN.x, np.nan)
    nowhere = np.full((1, *PLAIN.y.shape), -1)
    assert train(tmp_path / "a", PLAIN).sha == train(tmp_path / "b", with_copies(rubbish, ends=nowhere)).sha


def test_validation_and_batch_norm_statistics_read_clean_bars(tmp_path):
    """Rubbish where validation would be read in a copy, and a share so small that no training sample is drawn."""
    rubbish = with_copies(np.full_like(PLAIN.x, np.nan), share=1e-12)
    assert train(tmp_path / "a", PLAIN, average="swa").sha == train(tmp_path / "b", rubbish, average="swa").sha


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_the_share_is_what_it_says_and_every_copy_is_drawn_alike(share):
    count = 20_000
    ends = np.broadcast_to(np.arange(count).reshape(2, -1), (3, 2, count // 2)).astype(np.int32)
    drawn = drawn_from(Copies(np.zeros((4, 2, count // 2, 1), np.float32), ends, share), torch.arange(count))
    index = drawn.index(Rng(1), 0).numpy()
    np.testing.assert_array_equal(index % count, np.arange(count))
    copies = np.bincount(index // count, minlength=4) / count
    np.testing.assert_allclose(copies, [1 - share, *[share / 3] * 3], atol=5 * 0.5 / np.sqrt(count))
    assert (drawn.index(Rng(1), 0).numpy() == index).all()
    assert (drawn.index(Rng(1), 1).numpy() != index).mean() > share / 3


def test_windows_are_read_where_the_copy_says():
    """Literal: of 2 symbols x 3 bars, sample 5 ends at bar 4 in copy 2, and has no place in copy 1."""
    ends = np.full((2, 2, 3), -1, np.int32)
    ends[1, 1, 2] = 4
    drawn = drawn_from(Copies(np.zeros((3, 2, 3, 1), np.float32), ends, 1.0), torch.tensor([3, 5]))
    assert drawn.rows.tolist() == [[3, 5], [3, 5], [3, 16]]


def test_broken_off_and_taken_up_it_ends_with_the_same_bytes(tmp_path):
    data = with_copies(PLAIN.x + 0.1, PLAIN.x - 0.1)
    whole = train(tmp_path / "whole", data)

    def stop(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        train(tmp_path / "part", data, progress=Progress("epoch", 3, write=stop))
    assert train(tmp_path / "part", data).sha == whole.sha
    assert train(tmp_path / "auto", data, batch_size="auto").sha
