"""Purged splits for outside use: any split, by its name or as a config, as a scikit-learn splitter.

splitter = PurgedSplitter("cpcv", decided=opened, resolved=closed)
cross_val_score(model, X, y, cv=splitter)
"""

# N samples

from collections.abc import Iterator
from typing import Any, Protocol, cast

import numpy as np

from edgeproof.core.catalog import lookup
from edgeproof.core.errors import ConfigError, SplitError
from edgeproof.samples.interval import Samples
from edgeproof.samples.split import SPLITS

__all__ = ["PurgedSplitter", "Splits"]


class Splits(Protocol):
    """A split config: what `PurgedSplitter` asks of it."""

    def train_test(self, samples: Samples, *, bars: int, horizon_bars: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(train, test) sample indices of every split, without a validation part."""
        ...


class PurgedSplitter:
    """Row numbers of every split of a split config, in scikit-learn's splitter protocol.

    The rows may stand in any order, and several may share a time (symbols). A fold's training side is whole: no
    validation part is cut from it. With times in place of bars, bars are the distinct times that occur: an embargo
    counts those, and walk-forward lengths such as `12mo` work.

    Args:
        config: a split's name (`holdout`, `walk_forward`, `kfold`, `cpcv`; its defaults), or a config: `HoldoutConfig`,
            `WalkForwardConfig`, `KFoldConfig`, `CombinatorialConfig`.
        decided: bar, or datetime64, at which each row is decided.
        resolved: at which its label is known.
        first: first that its features read; default: its decision.
        horizon_bars: label horizon, the default embargo; default: the longest label.

    Raises:
        ConfigError: no split of that name, or neither a name nor a config.
        SplitError: arrays of different lengths or kinds, missing times, or a row that resolves before its decision.
    """

    def __init__(
        self,
        config: Splits | str,
        *,
        decided: Any,
        resolved: Any,
        first: Any = None,
        horizon_bars: int | None = None,
    ) -> None:
        self.config = _config(config)
        self.samples, self.bars = _samples(decided, resolved, decided if first is None else first)
        longest = int((self.samples.resolved - self.samples.decided).max(initial=0))
        self.horizon_bars = longest if horizon_bars is None else horizon_bars

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Train and test rows of every split; `y` and `groups` are ignored, as the times say all."""
        del y, groups
        if X is not None and np.shape(X)[0] != len(self.samples):
            raise SplitError(f"X has {np.shape(X)[0]} rows, the splitter's times {len(self.samples)}; give one a row")
        yield from self.config.train_test(self.samples, bars=self.bars, horizon_bars=self.horizon_bars)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many splits there are."""
        return sum(1 for _ in self.split(X, y, groups))


def _config(given: Splits | str) -> Splits:
    """The config of a name, or the config itself."""
    found = lookup(SPLITS, "splits", given)() if isinstance(given, str) else given
    if isinstance(found, type) or not callable(getattr(found, "train_test", None)):
        what = f"the class {found.__name__}" if isinstance(found, type) else f"{type(found).__name__}"
        raise ConfigError(
            f"config: {what} is no split; give a name ({', '.join(SPLITS)}) or a config such as "
            "CombinatorialConfig(n_groups=6, k_test=2)"
        )
    return cast("Splits", found)


def _samples(decided: Any, resolved: Any, first: Any) -> tuple[Samples, int]:
    times = [np.asarray(part) for part in (first, decided, resolved)]
    if len({part.shape for part in times}) > 1 or times[0].ndim != 1 or not len(times[0]):
        raise SplitError("decided, resolved and first need one bar or time a row, all of the same number")
    clock = None
    if all(part.dtype.kind == "M" for part in times):
        if any(np.isnat(part).any() for part in times):
            raise SplitError("a row without a time (NaT) among decided, resolved or first; drop it")
        stacked = np.stack([part.astype("datetime64[ns]").astype(np.int64) for part in times])
        clock, bars = np.unique(stacked, return_inverse=True)
        times = list(bars.reshape(stacked.shape))
    elif any(part.dtype.kind not in "iu" for part in times):
        raise SplitError("decided, resolved and first are whole bar numbers, or all of them datetime64 in one zone")
    read, bar, known = (part.astype(np.int64) for part in times)
    wrong = np.flatnonzero((read > bar) | (bar > known))
    if len(wrong):
        raise SplitError(f"row {wrong[0]}: first, decided and resolved are not in the order of time")
    return Samples(np.arange(len(bar)), read, bar, known, clock), int(known.max()) + 1
