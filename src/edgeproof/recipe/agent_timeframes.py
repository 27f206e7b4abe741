"""The timeframes of a stage: each length of bars is a market of its own, with features and scales made of its bars.

All of them lie side by side as rows of one tape that ends with the training bars. The last longer bar of each stands in
the tape's last column; the columns before its first one are bars that are not there.
"""

# S symbols, T bars up to the end of training, B longer bars, F features, K timeframes

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil
from typing import Any

import numpy as np

from edgeproof.core.errors import DataError
from edgeproof.data.timeframe import first_whole, longer_bars
from edgeproof.features.scale import Preprocessor, apply, fit_preprocessor
from edgeproof.features.table import build_features
from edgeproof.recipe.agent import Ground
from edgeproof.rl.curriculum import StageConfig
from edgeproof.rl.tape import Tape, starts_of

__all__ = ["check_timeframes", "in_timeframes", "within"]

SERIES = ("prices", "present", "table", "ready", "volatility", "regime", "starts")  # of a tape, [S, T, ...]
Starts = Callable[[Ground, slice], np.ndarray]


def check_timeframes(ground: Ground, stage: StageConfig, train: slice, where: str) -> None:
    """Refuse a timeframe in which the training bars have no room for an episode.

    Raises:
        DataError: they have not.
    """
    panel, steps = ground.prepared.panel, max(1, ground.config.environment.episode_bars)
    warm = int(ground.prepared.table.reach.max()) + ground.config.window
    for bars in stage.timeframes if stage.timeframes != (1,) else ():
        first = first_whole(panel, bars)
        count, before = (train.stop - first) // bars, -((first - train.start) // bars)
        if count < max(warm, before + 1) + steps:
            own = max(0, count - max(0, before))
            said = f"{where}: training has {own} of them, and {max(0, before)} lie before; features and window read"
            raise _no_room(bars, f"{said} {warm}, an episode {steps + 1}")


def in_timeframes(
    ground: Ground, stage: StageConfig, starts: Starts, *, preprocessor: Preprocessor, train: slice
) -> Tape:
    """The tape of a stage, its timeframes one after the other.

    Args:
        ground: what is acted on in the stage.
        stage: its timeframes and features.
        starts: bool[S, T] where episodes may begin, of what is acted on in one timeframe and its training bars.
        preprocessor: by which the market's own bars are scaled.
        train: bars within which episodes lie; nothing behind them is read.

    Raises:
        DataError: a timeframe in which no episode can begin.
    """
    parts = []
    for bars in stage.timeframes:
        if bars == 1:
            parts.append(replace(ground.tape(train), starts=starts(ground, train)))
            continue
        longer, own = _longer(ground, stage, bars, preprocessor, train)
        may = starts(longer, own)
        may[:, : own.start] = False
        tape = replace(longer.tape(own), starts=may)
        parts.append(tape)
        try:
            starts_of(tape, ground.config.environment)
        except DataError as error:
            raise _no_room(bars, str(error)) from error
    return parts[0] if stage.timeframes == (1,) else _together(parts, train)


def within(x: np.ndarray, stage: StageConfig) -> np.ndarray:
    """The features that a stage shows; the others read 0."""
    if stage.features == 1.0:
        return x
    x = x.copy()
    x[:, :, ceil(stage.features * x.shape[2]) :] = 0.0
    return x


def _longer(
    ground: Ground, stage: StageConfig, bars: int, preprocessor: Preprocessor, train: slice
) -> tuple[Ground, slice]:
    """What is acted on in one timeframe, up to the end of training, and which of its bars lie within the training's.

    Features are scaled by their own ready bars of training: a day moves several times as far as an hour.
    """
    config, panel = ground.config, longer_bars(ground.prepared.panel, bars, train.stop)
    first = int(np.searchsorted(panel.open_time, ground.prepared.panel.open_time[train.start]))
    table = build_features(panel, config.features, max_gap_bars=config.quality.max_gap_bars)
    known = table.ready.copy()
    known[:, :first] = False
    if not known.any():
        raise _no_room(bars, "no bar of the training span has all features")
    scale = fit_preprocessor(table, np.flatnonzero(known), clip=preprocessor.clip)
    x = within(apply(scale, table.x), stage)
    own = slice(first, len(panel.open_time))
    return replace(ground, prepared=replace(ground.prepared, panel=panel, table=table), x=x), own


def _together(tapes: Sequence[Tape], train: slice) -> Tape:
    """All rows of the tapes, cut at the end of training, where the last column of each is."""
    joined: dict[str, Any] = {}
    for name in SERIES:
        series = [getattr(tape, name) for tape in tapes]
        if series[0] is not None:
            joined[name] = np.concatenate([_ending(part[:, : train.stop], train.stop) for part in series])
    return replace(tapes[0], **joined, span=train)


def _ending(series: np.ndarray, stop: int) -> np.ndarray:
    """A series [S, B, ...] as the last columns of [S, T, ...], zeros before."""
    padding = [(0, 0)] * series.ndim
    padding[1] = (stop - series.shape[1], 0)
    return np.pad(series, padding)


def _no_room(bars: int, why: str) -> DataError:
    return DataError(
        f"agent.curriculum: no episode has room in the timeframe of {bars} bars ({why}); leave it out (of the preset: "
        "agent.curriculum={name: tasks, timeframes: [1, 2]}), or shorten environment.episode_bars"
    )
