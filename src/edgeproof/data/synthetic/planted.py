"""The kinds of known-truth market: which signal moves the mean of the next bar, and how strongly.

`noise` plants nothing: direction cannot be predicted (volatility can). `linear` plants an AR(1) of the wick
asymmetry, linear in two of the default features: the mean of the next body is kappa g_t volatilities.
"""

# T bars

import math
from dataclasses import dataclass, field

import numpy as np

from edgeproof.core.errors import ConfigError
from edgeproof.data.synthetic.law import Law
from edgeproof.data.synthetic.walk import NO_SIGNAL, WICK_SIGNAL

__all__ = ["KINDS", "Kind"]


@dataclass(frozen=True)
class Kind:
    """One kind of market.

    Attributes:
        name: key in `KINDS`, also the manifest's kind.
        claim: what is true of it, in a line.
        signal: code of the signal that the recursion follows.
        law: parameters of its generator.
        default_strength: kappa when none is asked for.
    """

    name: str
    claim: str
    signal: int
    law: Law = field(default_factory=Law)
    default_strength: float = 0.10

    def strength(self, asked: float | None) -> float:
        """Kappa of a market of this kind: 0 for one without a signal, whatever was asked.

        Raises:
            ConfigError: not a number from 0 to 1.
        """
        kappa = self.default_strength if asked is None else asked
        if not math.isfinite(kappa) or not 0.0 <= kappa <= 1.0:
            raise ConfigError(
                f"strength {kappa!r}: the planted mean in volatilities is a number from 0 to 1; 0.10 is usual"
            )
        return 0.0 if self.signal == NO_SIGNAL else float(kappa)

    def path(self, strength: float, bars: int) -> np.ndarray:
        """Kappa of every bar, f64[bars]."""
        return np.full(bars, strength)


KINDS: dict[str, Kind] = {
    "noise": Kind(
        name="noise",
        claim="direction cannot be predicted: returns are a martingale difference; volatility clusters",
        signal=NO_SIGNAL,
    ),
    "linear": Kind(
        name="linear",
        claim="the next bar's mean is linear in past wick asymmetries; oracle AUC about 0.5 + 0.545 strength",
        signal=WICK_SIGNAL,
    ),
}
