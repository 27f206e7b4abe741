"""Inputs exactly as the model receives them: read once more from the feature table by another road, to the last bit."""

# N samples, L window, F features

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgeproof.core.clock import iso
from edgeproof.core.finding import Finding
from edgeproof.gates.plot import line
from edgeproof.gates.report import failed, passed
from edgeproof.recipe.shown import Shown
from edgeproof.train.epoch import Part, Session, train_epoch
from edgeproof.train.forecast import logits
from edgeproof.train.precision import Mixed

__all__ = ["as_received", "no_other_bars"]

COUNT = 64
SHOWN_FEATURES, DIGITS = 6, 6
BESIDE = 4  # bars before and after a window that are changed


class _Recorder(nn.Module):
    """A model that keeps what it is called with, and says 0 of everything."""

    def __init__(self) -> None:
        super().__init__()
        self.zero = nn.Parameter(torch.zeros(()))
        self.seen: list[tuple[Tensor, Tensor]] = []

    def forward(self, x_BLF: Tensor, asset_B: Tensor) -> Tensor:
        self.seen.append((x_BLF.detach().clone(), asset_B.clone()))
        return self.zero.expand(len(asset_B))


@dataclass(frozen=True)
class _Received:
    """Windows f32[N, L, F], symbols i64[N] and labels f32[N] in the order of training."""

    x: np.ndarray
    asset: np.ndarray
    y: np.ndarray


@dataclass
class _Targets:
    """A loss that keeps the labels that it is given."""

    seen: list[Tensor] = field(default_factory=list)

    def __call__(self, logit_B: Tensor, y_B: Tensor) -> Tensor:
        self.seen.append(y_B.clone())
        return 0.0 * logit_B


def as_received(shown: Shown) -> Finding:
    """What an epoch hands to model and loss is the feature table's rows, scaled, with their symbols and labels.

    An epoch of the training itself runs over 64 samples with a model that only looks. Beside it stand the rows that
    end at each sample's bar, scaled number by number; scales and windows are compared to the last bit, scales also with
    mean and deviation over the training samples. Augmented copies are not part of it.
    """
    check, threshold = "inputs.as_received", "equal bits"
    index = shown.drawn(COUNT, "received")
    received, expected = _epoch(shown, index), _by_hand(shown, index)
    places = _matched(received, expected)
    lost = np.flatnonzero(places < 0)
    wrong = [
        *([f"{len(lost)} of {len(index)} windows are none of the feature table's"] if len(lost) else []),
        *_unlike("symbols", received.asset, expected.asset, places),
        *_unlike("labels", received.y, expected.y, places),
        *_scale(shown),
    ]
    facts = _evidence(shown, index, expected, received)
    if not wrong and sorted(places.tolist()) == list(range(len(index))):
        claim = f"{len(index)} windows, symbols and labels arrive as the feature table has them, bit by bit"
        return passed(check, claim, measured=0, threshold=threshold, **facts)
    return failed(
        check,
        "error",
        "; ".join(wrong or ["some samples arrive twice, others never"]),
        "look at what stands between feature table and model: the order of features, the window's end, the scale",
        measured=len(lost),
        threshold=threshold,
        **facts,
    )


def _epoch(shown: Shown, index: np.ndarray) -> _Received:
    """What the training's own epoch hands over of these samples; its order is drawn as ever."""
    task, model, loss = shown.task, _Recorder(), _Targets()
    order = np.argsort(task.dataset.fold.train, kind="stable")
    places = torch.from_numpy(order[np.searchsorted(task.dataset.fold.train[order], index)])
    session = Session(
        model=model,
        optimiser=torch.optim.SGD(model.parameters(), lr=1.0),
        loss=loss,
        x=task.x,
        window=task.dataset.window,
        train=Part(*(values[places] for values in vars(task.train).values())),
        settings=task.settings.model_copy(update={"accumulate": 1, "warmup_share": 0.0}),
        rng=shown.rng.child("received"),
        batch_size=COUNT // 2,
        mixed=Mixed("fp32", torch.device("cpu")),
        average=None,
    )
    start: Any = task.settings.scheduler
    train_epoch(session, 0, start.start())
    x, asset = (torch.cat(parts).numpy() for parts in zip(*model.seen, strict=True))
    return _Received(x, asset, torch.cat(loss.seen).numpy())


def _by_hand(shown: Shown, index: np.ndarray) -> _Received:
    """The rows of the feature table that end at each sample's bar, scaled."""
    table, labels, window = shown.prepared.table, shown.prepared.labels, shown.config.window
    s, t = np.divmod(index, table.ready.shape[1])
    raw = np.stack([table.x[one, end - window + 1 : end + 1] for one, end in zip(s, t, strict=True)])
    return _Received(_scaled(shown, raw), s, labels.y[s, t].astype(np.float32))


def _scaled(shown: Shown, raw: np.ndarray) -> np.ndarray:
    scale = shown.preprocessor
    high = np.float32(scale.clip)
    return np.minimum(np.maximum((raw - scale.mean) / scale.std, -high), high).astype(np.float32)


def _matched(received: _Received, expected: _Received) -> np.ndarray:
    """i64[N]: which expected sample each received one is, by its bytes; -1 for none.

    Of several equal windows each is taken once, those of the same symbol first.
    """
    known: dict[bytes, list[int]] = {}
    for place, window in enumerate(expected.x):
        known.setdefault(window.tobytes(), []).append(place)
    found = np.full(len(received.x), -1)
    for number, window in enumerate(received.x):
        left = known.get(window.tobytes(), [])
        own = [place for place in left if expected.asset[place] == received.asset[number]]
        if left:
            found[number] = (own or left)[0]
            left.remove(found[number])
    return found


def _unlike(what: str, received: np.ndarray, expected: np.ndarray, places: np.ndarray) -> list[str]:
    seen = places >= 0
    count = int((received[seen] != expected[places[seen]]).sum())
    return [f"{count} {what} are not those of their windows"] if count else []


def _scale(shown: Shown) -> Iterator[str]:
    """Whether mean and deviation are those of the training samples, where nothing was taken over from a parent."""
    if shown.task.start is not None:
        return
    table, fold = shown.prepared.table, shown.task.dataset.fold
    rows = table.x.reshape(-1, table.x.shape[2])[fold.train]
    mean, spread = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    varies = spread > 1e-6 * np.abs(mean)
    apart = np.abs(shown.preprocessor.mean - mean) > 1e-4 * spread + 1e-6 * np.abs(mean)
    apart |= np.abs(shown.preprocessor.std / np.where(spread > 0, spread, 1.0) - 1) > 1e-4
    off = np.flatnonzero(varies & apart)
    if len(off):
        yield f"the scale of {table.names[off[0]]} and {len(off) - 1} others is not that of the training samples"


def _evidence(shown: Shown, index: np.ndarray, expected: _Received, received: _Received) -> dict[str, Any]:
    """A sample as the model received it: its newest bar as a table, one feature over the window as a line."""
    table, T = shown.prepared.table, shown.prepared.table.ready.shape[1]
    places = _matched(received, expected)
    first = int(places[0]) if places[0] >= 0 else 0
    s, t = divmod(int(index[first]), T)
    some = range(min(SHOWN_FEATURES, len(table.names)))
    rows = [
        {
            "feature": table.names[f],
            "raw": float(f"{table.x[s, t, f]:.{DIGITS}g}"),
            "scaled": float(f"{expected.x[first, -1, f]:.{DIGITS}g}"),
            "received": float(f"{received.x[0, -1, f]:.{DIGITS}g}"),
        }
        for f in some
    ]
    symbol, when = shown.prepared.panel.symbols[s], iso(int(shown.prepared.panel.close_time[t]))
    plot = line(
        received.x[0, :, 0],
        x=np.arange(1 - shown.config.window, 1),
        title=f"{table.names[0]} of {symbol} at {when}, as received",
        x_label="bars before the decision",
        y_label="training deviations",
    )
    return {"samples": len(index), "sample": {"symbol": symbol, "time": when, "values": rows}, "plot": plot}


def no_other_bars(shown: Shown) -> Finding:
    """A forecast does not change by a bit when bars before its window and after its decision do.

    Made by the forecast's own road through the table: each sample stands in a table of its own, its window between
    other bars, which are then replaced.
    """
    check, threshold = "inputs.no_other_bars", "equal bits"
    index = shown.drawn(COUNT, "bars")
    batch, window = shown.batch(index), shown.config.window
    x_NLF, asset_N = batch.inputs
    table = torch.zeros(len(index), window + 2 * BESIDE, x_NLF.shape[2])
    table[:, BESIDE : BESIDE + window] = x_NLF
    other = table.clone()
    other[:, :BESIDE], other[:, BESIDE + window :] = 7.0, -7.0
    ends = torch.arange(len(index)) * table.shape[1] + BESIDE + window - 1
    subject = shown.stirred(shown.subject(COUNT, COUNT))
    before, after = (logits(subject.fresh(), each, ends, asset_N, window) for each in (table, other))
    moved = int((before != after).sum())
    if not moved:
        claim = f"{len(index)} forecasts read the {window} bars of their windows and no other"
        return passed(check, claim, measured=0, threshold=threshold)
    return failed(
        check,
        "error",
        f"{moved} of {len(index)} forecasts change when bars outside of their windows do",
        "look for a window that ends one bar late, and for layers that keep state from one call to the next",
        measured=moved,
        threshold=threshold,
    )
