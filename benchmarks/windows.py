"""Windows a second: our gather against a DataLoader over a per-item Dataset, and the share of data in an MLP step.

Both sides deliver shuffled batches of 512 windows of 24 x 23 float32 with labels and symbol ids, from a table of
143 symbols x 17,520 bars. The peer's Dataset slices a tensor by item, without workers. One thread, CPU seconds.
"""

import argparse
import os
import time

os.environ.setdefault("EDGEPROOF_THREADS", "1")

from edgeproof.core.device import prepare_environment, set_threads

prepare_environment()

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from edgeproof.core.rng import Rng
from edgeproof.models.mlp import MlpConfig
from edgeproof.samples.windows import window_view
from edgeproof.train.losses import BceConfig
from edgeproof.train.optim import AdamWConfig
from edgeproof.train.seeding import seeded
from harness import paired, show

L, F, BATCH = 24, 23, 512
Item = tuple[Tensor, int, Tensor]


class PerItem(TorchDataset[Item]):
    """The usual way: an item is a slice of its symbol's rows."""

    def __init__(self, x_STF: Tensor, y_ST: Tensor, index: np.ndarray) -> None:
        self.x, self.y, self.index, self.bars = x_STF, y_ST, index.tolist(), x_STF.shape[1]

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, number: int) -> Item:
        s, t = divmod(self.index[number], self.bars)
        return self.x[s, t - L + 1 : t + 1], s, self.y[s, t]


def batches(x_STF: Tensor, y_ST: Tensor, index: Tensor, epoch: int):
    """An epoch's batches as the training loop makes them."""
    view = window_view(x_STF, L)
    order = torch.from_numpy(Rng(0).child("shuffle", epoch).numpy().permutation(len(index)))
    index = index.index_select(0, order)
    asset, y, starts = index // x_STF.shape[1], y_ST.reshape(-1).index_select(0, index), index - (L - 1)
    for a in range(0, len(index), BATCH):
        rows = starts[a : a + BATCH]
        yield view.index_select(0, rows).view(len(rows), L, F), asset[a : a + BATCH], y[a : a + BATCH]


def windows_a_second(source, count: int) -> float:
    """CPU seconds of delivering `count` windows, as windows a second."""
    began, seen = time.process_time(), 0
    for x, _, _ in source:
        seen += len(x)
    assert seen == count
    return count / (time.process_time() - began)


def share_of_data(x_STF: Tensor, y_ST: Tensor, index: Tensor, assets: int) -> float:
    """CPU seconds of an epoch's batches over those of the epoch with the MLP's steps."""
    with seeded(Rng(1)):
        model = MlpConfig().build(F, L, assets).train()
    loss, optimiser = BceConfig().build(), AdamWConfig().build(model.parameters(), 1e-3, 1e-4)
    data = whole = 0.0
    for epoch in range(3):
        began = time.process_time()
        for _ in batches(x_STF, y_ST, index, epoch):
            pass
        data += time.process_time() - began
        began = time.process_time()
        for x, asset, y in batches(x_STF, y_ST, index, epoch):
            optimiser.zero_grad(set_to_none=True)
            loss(model(x, asset), y).mean().backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
        whole += time.process_time() - began
    return data / whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=143)
    parser.add_argument("--bars", type=int, default=17_520)
    parser.add_argument("--windows", type=int, default=51_200)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    set_threads(1)
    S, T, count = asked.symbols, asked.bars, asked.windows
    draw = Rng(0).child("benchmark").numpy()
    x = torch.from_numpy(draw.standard_normal((S, T, F), dtype=np.float32))
    y = torch.from_numpy((draw.random((S, T)) < 0.5).astype(np.float32))
    picked = draw.choice(S * (T - L + 1), count, replace=False)
    index = picked // (T - L + 1) * T + picked % (T - L + 1) + L - 1  # a window stays within its symbol
    flat = torch.from_numpy(index)
    loader = DataLoader(PerItem(x, y, index), batch_size=BATCH, shuffle=True, num_workers=0)
    first = next(iter(batches(x, y, flat, 0)))[0][0]
    s, t = divmod(int(index[Rng(0).child("shuffle", 0).numpy().permutation(count)[0]]), T)
    assert torch.equal(first, x[s, t - L + 1 : t + 1]), "the two do not deliver the same windows"

    share = share_of_data(x, y, flat[:20_480], S)
    show("windows, share of data in an MLP step", share, 0.05, unit="share, peer is the limit", rounds=3)
    paired(
        "windows",
        lambda: windows_a_second(batches(x, y, flat, 0), count),
        lambda: windows_a_second(loader, count),
        rounds=asked.rounds,
        unit="windows / CPU s",
        measure="value",
        higher_is_better=True,
    )


if __name__ == "__main__":
    main()
