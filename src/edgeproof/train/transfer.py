"""Transfer: a training that begins with the encoder of a bundle and a head of its own.

The encoder must be of the same build, over the same features and window; its asset embeddings go to the symbols of
the same names, and a symbol that it never saw begins with their mean, as in a forecast.
"""

# S symbols, T bars, M encoded windows, B batch, L window, F features, D encoding

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import model_validator
from torch import Tensor, nn

from edgeproof.core.config import Config
from edgeproof.core.errors import OptionError
from edgeproof.core.rng import Rng
from edgeproof.models.embed import AssetEmbedding
from edgeproof.models.ensemble import COMBINED
from edgeproof.train.bundle import Bundle
from edgeproof.train.drawn import Drawn
from edgeproof.train.epoch import Part
from edgeproof.train.forecast import encodings
from edgeproof.train.keep import arrays_of, load_arrays
from edgeproof.train.seeding import seeded

__all__ = ["Encoded", "HeadOnly", "Start", "TransferConfig", "adopt", "encoded", "take_encoder"]

REGULARISERS = ("dropout",)  # a model's keys that may differ from the parent's: they change no weight's meaning


class TransferConfig(Config):
    """An encoder that was trained elsewhere.

    Attributes:
        bundle: folder of the parent's run or bundle; none: every weight starts from chance. Features are scaled by the
            parent's preprocessor, which is the scale that its encoder knows.
        frozen: train the head alone. The encoder is applied to every sample once, in evaluation mode, so an epoch costs
            almost nothing.
        sha: content hash that the bundle must have; a run fills it in, so that it is resumed from the same parent.
    """

    bundle: str | None = None
    frozen: bool = False
    sha: str | None = None

    @model_validator(mode="after")
    def _frozen_needs_one(self) -> "TransferConfig":
        if self.frozen and self.bundle is None and self.sha is None:
            raise ValueError("frozen without a bundle leaves nothing to freeze; set transfer.bundle to a run's folder")
        return self


@dataclass(frozen=True)
class Start:
    """Weights that a training begins with.

    Attributes:
        arrays: of the encoder, its embeddings in the order of the new symbols.
        sha: content hash of the bundle that they come from.
        frozen: whether they stay as they are.
        unknown: symbols that the parent never saw.
        head: of the head too, where a training goes on; none: the head starts from chance.
    """

    arrays: Mapping[str, np.ndarray]
    sha: str
    frozen: bool = False
    unknown: tuple[str, ...] = ()
    head: Mapping[str, np.ndarray] | None = None

    def identity(self) -> dict[str, Any]:
        """What a training that goes on from a checkpoint must have in common with it."""
        return {"parent": self.sha, "frozen": self.frozen}


def take_encoder(
    parent: Bundle, model: Config, *, features: tuple[str, ...], window: int, symbols: tuple[str, ...], frozen: bool
) -> Start:
    """The encoder of a bundle, for a model of the same build on other symbols.

    Args:
        parent: where the encoder comes from.
        model: the new model.
        features: names of the new table's features.
        window: L.
        symbols: names of the new market's symbols.
        frozen: whether only the head will be trained.

    Raises:
        OptionError: another architecture or size, other features or window, or nothing in it that was learned.
    """
    _same_build(parent.model_config, model)
    if parent.features != features:
        raise OptionError(f"transfer.bundle: {_other_features(parent.features, features)}; take the parent's features")
    if parent.window != window:
        raise OptionError(
            f"transfer.bundle: its window is {parent.window} bars, not {window}; set window={parent.window}"
        )
    encoder: Any = getattr(parent.model, "encoder", None)
    if encoder is None or not arrays_of(encoder):
        raise OptionError(
            f"transfer.bundle: model {_name(model)} has no encoder that learns, so there is nothing to take over; "
            "take a bundle of another model, or leave transfer out"
        )
    arrays = arrays_of(encoder) | _embeddings(encoder, parent.assets(symbols))
    with seeded(Rng(0)):
        fresh: nn.Module = model.build(len(features), window, len(symbols)).encoder  # pyright: ignore[reportAttributeAccessIssue] - every model config builds
    sizes = {name: tensor.numel() for name, tensor in fresh.state_dict().items()}
    if sizes != {name: array.size for name, array in arrays.items()}:
        raise OptionError(
            f"transfer.bundle: the encoder of {_name(model)} depends on the number of symbols in a way of its own "
            f"({len(parent.symbols)} there, {len(symbols)} here); use models.embed.AssetEmbedding, or the same symbols"
        )
    unknown = tuple(name for name in symbols if name not in parent.symbols)
    return Start(arrays, parent.sha, frozen, unknown)


def _name(model: Config) -> str:
    return str(model.model_dump()["name"])


def _same_build(parent: Config, model: Config) -> None:
    """All keys but regularisers are the same."""
    theirs, ours = parent.model_dump(mode="json"), model.model_dump(mode="json")
    if theirs["name"] in COMBINED:
        raise OptionError(
            f"transfer.bundle: its model is an {theirs['name']}, whose members have an encoder each; take the bundle "
            "of a run with another combine, such as multi_start"
        )
    if theirs["name"] != ours["name"]:
        raise OptionError(
            f"transfer.bundle: its model is {theirs['name']}, not {ours['name']}; set model={theirs['name']}"
        )
    for key, value in theirs.items():
        if key not in REGULARISERS and ours.get(key) != value:
            raise OptionError(
                f"transfer.bundle: its model has {key} {value}, and this one has {ours.get(key)}: their weights do not "
                f"mean the same; set model.{key} as it is there"
            )


def _other_features(theirs: tuple[str, ...], ours: tuple[str, ...]) -> str:
    for number, (old, new) in enumerate(zip(theirs, ours, strict=False)):
        if old != new:
            return f"its feature {number + 1} is {old}, not {new}"
    return f"it has {len(theirs)} features, not {len(ours)}"


def _embeddings(encoder: nn.Module, assets: np.ndarray) -> dict[str, np.ndarray]:
    """The tables of symbol vectors, in the order of the new symbols; `assets` are their old ids, -1 unknown."""
    found = {name: module for name, module in encoder.named_modules() if isinstance(module, AssetEmbedding)}
    with torch.no_grad():
        return {f"{name}.weight": module(torch.from_numpy(assets)).numpy() for name, module in found.items()}


def adopt(model: nn.Module, start: Start) -> None:
    """Put the encoder into a model of the same build; a frozen one stays in evaluation mode, without gradients."""
    encoder: Any = model.encoder
    load_arrays(encoder, start.arrays, Path(f"bundle {start.sha[:12]}"))
    if start.head is not None:
        load_arrays(model.head, start.head, Path(f"model {start.sha[:12]}"))  # pyright: ignore[reportArgumentType] - a module
    if start.frozen:
        encoder.requires_grad_(requires_grad=False).eval()


class HeadOnly(nn.Module):
    """`forward(z_B1D, asset_B) -> logit_B`: a head over encodings that stand where a window of one bar would."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head: Any = head

    def forward(self, z_B1D: Tensor, asset_B: Tensor) -> Tensor:
        """Logits f32[B]."""
        del asset_B
        return self.head(z_B1D[:, -1])


@dataclass(frozen=True)
class Encoded:
    """Encodings in place of windows.

    Attributes:
        table: f32[1, M, D], read with a window of one bar: training samples, those of augmented copies, validation.
        train, validation: the parts, on this table.
        drawn: where training samples are read from, if there are augmented copies.
    """

    table: Tensor
    train: Part
    validation: Part
    drawn: Drawn | None


def encoded(
    model: nn.Module, x_STF: Tensor, train: Part, validation: Part, *, window: int, drawn: Drawn | None
) -> Encoded:
    """The encoder applied once, in evaluation mode, to every window that a training can ask for.

    Args:
        model: whose encoder is applied.
        x_STF: f32[S, T, F] scaled features, augmented copies behind them.
        train: training samples of the table.
        validation: validation samples of the table.
        window: L.
        drawn: where training samples are read from, if there are augmented copies.
    """
    encoder: Any = model.encoder
    read = train.index[None] if drawn is None else drawn.rows
    learned = encodings(encoder, x_STF, read.reshape(-1), train.asset.repeat(len(read)), window)
    judged = encodings(encoder, x_STF, validation.index, validation.asset, window)
    rows = torch.arange(len(learned), device=x_STF.device).view(read.shape)
    behind = torch.arange(len(learned), len(learned) + len(judged), device=x_STF.device)
    return Encoded(
        table=torch.cat((learned, judged))[None],
        train=replace(train, index=rows[0]),
        validation=replace(validation, index=behind),
        drawn=None if drawn is None else replace(drawn, rows=rows),
    )
