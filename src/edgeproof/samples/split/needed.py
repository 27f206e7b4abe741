"""A span too short for its split is refused with the number of bars that would do."""

# N samples, T bars

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edgeproof.core.errors import SplitError
from edgeproof.samples.interval import Samples
from edgeproof.samples.split.fold import Fold

__all__ = ["bars_needed", "check_folds", "open_samples", "whole"]

_ENOUGH = 1 << 20  # 120 years of hours: who needs more asks for something impossible

Cut = Callable[[Samples, int, int], Sequence[Fold]]


def open_samples(samples: Samples, bars: int) -> Samples:
    """The samples that are resolved within the first `bars` bars."""
    return samples.take(samples.resolved < bars)


def check_folds(
    name: str,
    folds: Sequence[Fold],
    samples: Samples,
    cut: Cut,
    *,
    facts: Mapping[str, int],
    shorter: Callable[[], str] = str,
) -> None:
    """Refuse folds that lack training, validation or test samples.

    Args:
        name: of the split.
        folds: what it made; none at all is refused too.
        samples: what they were made from.
        cut: (samples, bars, horizon_bars) -> folds, to find out how many bars would do.
        facts: `bars`, `horizon_bars`, `window`, `reach_bars`.
        shorter: asked on a refusal for keys that fit, such as `split.test=500`; empty text: none to name.

    Raises:
        SplitError: says what is missing and how many bars are enough.
    """
    if whole(folds):
        return
    bars, horizon = facts["bars"], facts["horizon_bars"]
    every = _every(samples)
    first = facts["reach_bars"] + facts["window"] - 1
    needed = bars_needed(cut, first=first, every=every, horizon_bars=horizon, step_ns=_step(samples.clock))
    keys = shorter()
    such = f", such as {keys}" if keys else ""
    raise SplitError(
        f"split {name}: {bars} open bars leave {_missing(folds)} (features read {facts['reach_bars']} bars back, "
        f"window {facts['window']}, label horizon {horizon}); with a decision "
        f"{'at every bar' if every == 1 else f'every {every} bars'} and no gaps "
        + (
            f"{needed} open bars are enough: bring more bars, or ask for shorter or fewer blocks{such}"
            if needed
            else "no number of bars is enough: its blocks are too short for the label, or its shares too small"
        )
    )


def bars_needed(cut: Cut, *, first: int, every: int, horizon_bars: int, step_ns: int) -> int | None:
    """Open bars that are enough for whole folds in one symbol without gaps; None where no number is.

    Args:
        cut: (samples, bars, horizon_bars) -> folds.
        first: bars before the first decision.
        every: bars from one decision to the next.
        horizon_bars: label horizon.
        step_ns: length of a bar.
    """

    def enough(bars: int) -> bool:
        decided = np.arange(first, bars - horizon_bars - 1, every, dtype=np.int64)
        clock = np.arange(1, bars + 1, dtype=np.int64) * step_ns
        samples = Samples(decided, decided - first, decided, decided + horizon_bars + 1, clock)
        return whole(cut(samples, bars, horizon_bars))

    high = first + 2
    while not enough(high):
        high *= 2
        if high > _ENOUGH:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def whole(folds: Sequence[Fold]) -> bool:
    """Whether there are folds, and every part of each holds samples."""
    return bool(folds) and all(len(part) for fold in folds for part in (fold.train, fold.validation, fold.test))


def _missing(folds: Sequence[Fold]) -> str:
    for fold in folds:
        counts = {name: len(getattr(fold, name)) for name in ("train", "validation", "test")}
        if not all(counts.values()):
            return (
                f"fold {fold.number} {counts['train']} training, {counts['validation']} validation and "
                f"{counts['test']} test samples"
            )
    return "no fold"


def _every(samples: Samples) -> int:
    gaps = np.diff(np.unique(samples.decided))
    return int(gaps.min()) if len(gaps) else 1


def _step(clock: np.ndarray | None) -> int:
    return 1 if clock is None or len(clock) < 2 else int(np.diff(clock).min())
