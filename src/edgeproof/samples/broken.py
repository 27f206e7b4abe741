"""Bars that are missing or masked break every window that holds one: how many windows are whole, and what to do."""

# S symbols, T bars, L window

import numpy as np

from edgeproof.samples.dataset import windows_ready

__all__ = ["broken_windows"]

FEW = 0.5  # of all windows; with more whole ones it is not gaps that a span is too short by


def broken_windows(refusal: str, ready: np.ndarray, present: np.ndarray, *, window: int, reach_bars: int) -> str:
    """A split's refusal with what gaps leave of the span's windows; gaps alone where they leave none.

    Args:
        refusal: of the split, which stays as it is where most windows are whole, or no bar lacks.
        ready: bool[S, T] all features of the bar are known.
        present: bool[S, T] the bar exists and is not masked.
        window: L.
        reach_bars: bars that the longest feature reads back.
    """
    (S, T), lacking = present.shape, int((~present).sum())
    whole, possible = int(windows_ready(ready, window).sum()), S * max(0, T - reach_bars - window + 1)
    if not lacking or whole >= FEW * possible:
        return refusal
    before = f"{refusal};" if whole else f"{refusal.partition(':')[0]}:"
    return (
        f"{before} {whole} of {possible} windows of {window} bars are whole: {lacking} of {S * T} bars are masked or "
        f"missing, which breaks every window over them, and at most {_longest(ready)} bars in a row have all features; "
        "mend the bars (`edgeproof market check` names them), or lower window"
    )


def _longest(ready: np.ndarray) -> int:
    """Bars in the longest unbroken run of any symbol."""
    edges = np.flatnonzero(~np.pad(ready, ((0, 0), (1, 1))).reshape(-1))
    return int(np.diff(edges).max(initial=1)) - 1
