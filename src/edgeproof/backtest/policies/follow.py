"""Follow: an agent has said which position it takes, and that position is held; nothing is left to choose.

An agent speaks in forecasts as every model does: a position w between -1 and 1 is said as the probability 0.5 + w/4, so
that it has a finite logit, ranks as a score does, and one table holds both.
"""

# S symbols in accounts of A assets, T bars, K thresholds

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from edgeproof.backtest.policies.policy import nowhere
from edgeproof.core.config import Config
from edgeproof.core.lately import last_known

__all__ = ["WHOLE", "FollowConfig", "said_as"]

WHOLE = 0.25  # of probability, for a whole position
DIGITS = 5  # of a position; a forecast is float32


class FollowConfig(Config):
    """A position is a weight of its account's money, of which the book has S/A alike: its weight there is A/S of that.

    It is the only policy of an agent, and only an agent's.

    Attributes:
        assets: A, that one account of the agent holds: `environment.assets`, from which it is taken whenever a config
            is read, so that none that is written says it twice.
    """

    name: Literal["follow"] = "follow"
    assets: Annotated[int, Field(ge=1, le=100_000, exclude=True)] = 1

    def candidates(self, p: np.ndarray, made: np.ndarray) -> np.ndarray:
        """One, which changes nothing, see `Policy.candidates`."""
        return np.array([0.5]) if made.any() else np.empty(0)

    def weights(
        self,
        p: np.ndarray,
        made: np.ndarray,
        decide: np.ndarray,
        theta: float,
        horizon_bars: int,
        *,
        forgotten: np.ndarray | None = None,
    ) -> np.ndarray:
        """Target weights, see `Policy.weights`; theta and H have no part."""
        heard = made & decide
        position = np.where(heard, np.clip(np.round((p - 0.5) / WHOLE, DIGITS), -1.0, 1.0), 0.0)
        return last_known(position, heard | nowhere(forgotten, heard), 0.0) / (len(p) / self.assets)


def said_as(position: np.ndarray) -> np.ndarray:
    """The log-odds in which a position between -1 and 1 is said, f32 of the same shape."""
    p = 0.5 + WHOLE * np.clip(position, -1.0, 1.0)
    return np.log(p / (1.0 - p)).astype(np.float32)
