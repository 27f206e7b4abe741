"""A copy in the making: bars that may be read, where each sample's window ends among them, noise keyed by bar.

What an augmentation draws for a bar hangs on the seed, the copy, the symbol and the bar's time alone, so that neither
later bars, nor a longer span, nor another symbol moves it.
"""

# S symbols, T bars

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import numpy as np

from edgeproof.core.identity import sha_array, sha_json
from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel

__all__ = ["Augmentation", "Draft", "draft_of", "uniforms", "with_bars"]

PER_COUNT = 4  # numbers that one count of Philox gives
HALF_STEP = 2.0**-54  # uniforms are multiples of 2^-53 from 0 on; this keeps them inside (0, 1)


@dataclass(frozen=True)
class Draft:
    """Bars of a copy.

    Attributes:
        panel: bars on the market's clock.
        ends: i64[S, T] slot of this panel at which the window of sample (s, t) ends; -1: this copy has none of it.
        since: i64[T] first slot that a window ending at this slot may begin at.
        run: i64[T] number of the unbroken run of bars that the slot belongs to; -1: not to be read.
        window: L.
    """

    panel: Panel
    ends: np.ndarray
    since: np.ndarray
    run: np.ndarray
    window: int


class Augmentation(Protocol):
    """What an entry of AUGMENTATIONS does; one that depends on the window also has `check(window)`.

    Attributes:
        when_forecasting: it leaves every sample in its place and hears of no later bar, so that it may also be done to
            the bars of a forecast.
    """

    when_forecasting: ClassVar[bool]

    def augment(self, draft: Draft, rng: Rng) -> Draft:
        """The draft with something done to it.

        Args:
            draft: of the copy; bars that it does not hold are not to be read.
            rng: of this copy and this augmentation.
        """
        ...


def draft_of(panel: Panel, run: np.ndarray, window: int) -> Draft:
    """A copy of these bars before anything was done to them; bars of no run are taken out.

    Args:
        panel: bars.
        run: i64[T] number of each slot's run, in the order of time; -1: not to be read.
        window: L.
    """
    T = len(run)
    begins = np.flatnonzero(np.r_[True, run[1:] != run[:-1]])
    since = begins[np.cumsum(np.isin(np.arange(T), begins)) - 1]
    ends = np.broadcast_to(np.where(run >= 0, np.arange(T), -1), panel.present.shape)
    if (run < 0).any():
        panel = with_bars(panel, panel.prices, panel.present & (run >= 0))
    return Draft(panel, ends, since, run, window)


def with_bars(panel: Panel, prices: np.ndarray, present: np.ndarray) -> Panel:
    """The panel with other bars, 0 where none is, and the hash that belongs to them."""
    prices = np.where(present[:, :, np.newaxis], prices, 0.0)
    head = [panel.symbols, panel.interval_ns, panel.calendar]
    sha = sha_json([head, sha_array(prices, present, panel.open_time)])
    return replace(panel, prices=prices, present=present, sha=sha)


def uniforms(rng: Rng, panel: Panel) -> np.ndarray:
    """f64[S, T] inside (0, 1): one number for each symbol and open time, whatever else the panel holds."""
    slot = panel.open_time // panel.interval_ns
    first, count = int(slot[0]), int(slot[-1] - slot[0]) + 1
    skipped = first % PER_COUNT
    rows = []
    for symbol in panel.symbols:
        generator = rng.child(symbol).numpy()
        generator.bit_generator.advance(first // PER_COUNT)  # pyright: ignore[reportAttributeAccessIssue] - Philox has it
        rows.append(generator.random(skipped + count)[skipped:][slot - first])
    return np.stack(rows) + HALF_STEP
