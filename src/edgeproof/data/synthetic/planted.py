"""The kinds of known-truth market: which signal moves the mean of the next bar, how strongly, and for how long.

The mean of the next body is kappa g_t volatilities. `noise` plants nothing: direction cannot be predicted (volatility
can). `costly` and `dead` come with a strength and a cost a side at which trading every change of a true signal loses.
"""

# T bars

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgeproof.core.errors import ConfigError
from edgeproof.data.synthetic.law import Law
from edgeproof.data.synthetic.signals import (
    FORMULAS,
    LEVEL_SIGNAL,
    NO_SIGNAL,
    REGIME,
    SLOPE_SIGNAL,
    WICK_SIGNAL,
)

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
        largest_strength: a signal that feeds back on prices makes them explode above it.
        fixed: the strength belongs to the kind and cannot be chosen.
        switched: the signal counts in one regime of the market only.
        half_life_share: after this share of the bars half the strength is left; 0 keeps it.
        cost_bps: cost a side that the kind is about; None where it is about none.
    """

    name: str
    claim: str
    signal: int
    law: Law = field(default_factory=Law)
    default_strength: float = 0.10
    largest_strength: float = 1.0
    fixed: bool = False
    switched: bool = False
    half_life_share: float = 0.0
    cost_bps: float | None = None

    def strength(self, asked: float | None) -> float:
        """Kappa of a market of this kind: 0 for one without a signal, whatever was asked.

        Raises:
            ConfigError: not a number from 0 to the largest, or asked for where the kind fixes it.
        """
        if self.fixed and asked is not None:
            raise ConfigError(
                f"strength {asked!r}: kind {self.name!r} fixes it at {self.default_strength:g}; leave it out, "
                "or take kind 'linear'"
            )
        kappa = self.default_strength if asked is None else asked
        if not math.isfinite(kappa) or not 0.0 <= kappa <= self.largest_strength:
            raise ConfigError(
                f"strength {kappa!r}: the planted mean in volatilities is a number from 0 to "
                f"{self.largest_strength:g} for kind {self.name!r}; {self.default_strength:.2f} is usual"
            )
        return 0.0 if self.signal == NO_SIGNAL else float(kappa)

    def path(self, strength: float, bars: int, beyond: int = 1) -> np.ndarray:
        """Kappa of every bar and of some after the last, f64[bars + beyond]."""
        if self.half_life_share == 0.0:
            return np.full(bars + beyond, strength)
        return strength * np.exp2(-np.arange(bars + beyond) / (self.half_life_share * bars))

    def stated(self, bars: int) -> dict[str, Any]:
        """What the truth parameters say about the signal beyond the law; nothing for `noise` and `linear`."""
        said: dict[str, Any] = {}
        if self.name not in ("noise", "linear"):
            said["signal"] = FORMULAS[self.signal]
        if self.switched:
            said["regime"] = dict(REGIME)
        if self.half_life_share:
            said["half_life_bars"] = self.half_life_share * bars
        if self.cost_bps is not None:
            said["cost_bps"] = self.cost_bps
        return said


_ALL = (
    Kind(
        name="noise",
        claim="direction cannot be predicted: returns are a martingale difference; volatility clusters",
        signal=NO_SIGNAL,
    ),
    Kind(
        name="linear",
        claim="the next bar's mean is linear in past wick asymmetries; oracle AUC about 0.5 + 0.545 strength",
        signal=WICK_SIGNAL,
    ),
    Kind(
        name="nonlinear",
        claim="momentum that the level of volume turns round: an interaction; a linear model finds a minor part",
        signal=LEVEL_SIGNAL,
        largest_strength=0.25,
    ),
    Kind(
        name="temporal",
        claim="momentum that the trend of volume turns round: the window read backwards has the opposite sign",
        signal=SLOPE_SIGNAL,
        largest_strength=0.25,
    ),
    Kind(
        name="regime",
        claim="linear while the market's variance is high, nothing otherwise; the regime is seen in past bars",
        signal=WICK_SIGNAL,
        switched=True,
    ),
    Kind(
        name="decaying",
        claim="linear, with half the strength gone after 15% of the bars: found early, nothing left at the end",
        signal=WICK_SIGNAL,
        half_life_share=0.15,
    ),
    Kind(
        name="costly",
        claim="linear at 10 bps a side: following every change of the signal loses, a band without trades earns",
        signal=WICK_SIGNAL,
        default_strength=0.05,
        fixed=True,
        cost_bps=10.0,
    ),
    Kind(
        name="dead",
        claim="a true signal that is gone after one bar: at 10 bps a side the best is never to trade",
        signal=WICK_SIGNAL,
        law=Law(sigma=0.005, signal_memory=0.0),
        default_strength=0.06,
        fixed=True,
        cost_bps=10.0,
    ),
)
KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
