"""Decision bars: every n-th bar by the calendar, so that no symbol's history and no start of the data moves them."""

# T bars

import numpy as np

from edgeproof.core.errors import ConfigError
from edgeproof.data.panel import Panel

__all__ = ["decision_bars"]


def decision_bars(panel: Panel, every: int) -> np.ndarray:
    """bool[T]: close_time divided by the interval, rounded down, is a multiple of `every`.

    Raises:
        ConfigError: `every` is below 1.
    """
    if every < 1:
        raise ConfigError(f"decide_every: {every} is below 1; write 1 for every bar")
    return panel.close_time // panel.interval_ns % every == 0
