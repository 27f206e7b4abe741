"""Bracket: each entry is an event of its own that ends at its target, its stop or its time, as a barrier label says.

Target, stop and time are those of the account (`simulator.options`); nothing is accounted for here. The signal of a
symbol is its event, and after an exit the account stays flat until that signal changes:

- An event begins at a decision with p >= theta (short: p <= 1 - theta) while none of the symbol is alive.
- It is alive until H bars after its fill, also where target or stop ended the position earlier. What is forecast
  meanwhile belongs to it: labels that overlap are not events of their own, and a position is never enlarged. An
  entry that could not be filled is tried again while its event is alive.
- A symbol that was closed as delisted has no event: it ends there.
- Then the target weight is 0 for one decision, which is the change that the account waits for. So two entries of a
  symbol are at least H + 2 bars apart, and a forecast that stays high is entered again and again.
"""

# S symbols, T bars, K thresholds

from typing import Annotated, Literal

import numba
import numpy as np
from pydantic import Field, model_validator

from edgeproof.backtest.policies.policy import HIGHEST_QUANTILE, distances, nowhere, sides
from edgeproof.core.config import Config, from_mapping
from edgeproof.core.errors import ConfigError
from edgeproof.labels.label import Bracket
from edgeproof.simulator.options import Options

__all__ = ["BracketConfig"]

NotNegative = Annotated[float, Field(ge=0.0)]


class BracketConfig(Config):
    """Enter when p >= theta; leave at the target, at the stop or after H bars; each symbol weighs 1/S.

    Without `take_profit` and `stop_loss` the exits are those of the label, which then must have barriers.

    Attributes:
        short: enter short when p <= 1 - theta, with the same distances on the other side. Of most barrier labels
            1 - p is not the probability of the mirror image: a fall need not be what a rise is not.
        take_profit: distance of the target from the fill; 0 with a `stop_loss` is none.
        stop_loss: distance of the stop from the fill; 0 with a `take_profit` is none.
        in_volatilities: both are in volatilities of one bar (of the last 24), not in shares of the price.
        bars: H; 0 for the label's.
        thetas: how many thresholds are tried on validation, each counted as a trial.
    """

    name: Literal["bracket"] = "bracket"
    short: bool = False
    take_profit: NotNegative = 0.0
    stop_loss: NotNegative = 0.0
    in_volatilities: bool = False
    bars: Annotated[int, Field(ge=0, le=100_000)] = 0
    thetas: Annotated[int, Field(ge=1, le=1000)] = 20

    @model_validator(mode="after")
    def _distances_of_the_unit(self) -> "BracketConfig":
        if self.in_volatilities and self.from_label:
            raise ValueError(
                "in_volatilities is the unit of take_profit and stop_loss, and neither is given; set one of them, or "
                "leave in_volatilities out: the label's exits come in the label's own unit"
            )
        return self

    @property
    def from_label(self) -> bool:
        """The exits are those of the label."""
        return max(self.take_profit, self.stop_loss) == 0.0

    def account(self, options: Options, label: Bracket | None, horizon_bars: int) -> Options:
        """The account's options with this policy's exits.

        Args:
            options: of the account, without exits of its own.
            label: exits that the label speaks of, if it does.
            horizon_bars: H of the label.

        Raises:
            ConfigError: there are no exits, or two of them, or the label's are others than an account's.
        """
        if options.has_bracket:
            raise ConfigError("policy bracket and the account both have exits; leave those of `account` out")
        if self.from_label and label is None:
            raise ConfigError(
                "policy bracket: the label has no barriers to leave at; set policy.take_profit and policy.stop_loss, "
                "or choose label opportunity or triple_barrier"
            )
        if self.from_label and label is not None and not label.in_range:
            raise ConfigError(
                "policy bracket: the label's barriers are touched by closes alone, an account's by highs and lows; "
                "set label.touch=range, or policy.take_profit and policy.stop_loss of your own"
            )
        own = Bracket(self.take_profit, self.stop_loss, horizon_bars, self.in_volatilities)
        exits = label if self.from_label and label is not None else own
        names = ("take_volatilities", "stop_volatilities") if exits.in_volatilities else ("take_profit", "stop_loss")
        distance = dict(zip(names, (exits.take_profit, exits.stop_loss), strict=True))
        body = options.model_dump() | distance | {"bracket_bars": self.bars or exits.bars}
        return from_mapping(Options, body, "policy bracket")  # which refuses distances that no account takes

    def candidates(self, p: np.ndarray, made: np.ndarray) -> np.ndarray:
        """Quantiles of p from 0 to 0.98: a label with barriers need not be balanced; with `short`, as `threshold`."""
        if self.short or not made.any():
            return distances(p, made, self.thetas)
        return np.unique(np.quantile(p[made], np.linspace(0.0, HIGHEST_QUANTILE, self.thetas)))

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
        """Target weights, see `Policy.weights`: 1/S while an event is alive, whatever became of its position."""
        usable = made & decide
        up, down = sides(p, usable, theta) if self.short else (usable & (p >= theta), usable & False)
        alive, gone = (self.bars or horizon_bars) + 1, nowhere(forgotten, made)
        return _events(up.astype(np.int8) - down, alive, gone) / len(p)


@numba.njit(cache=True, nogil=True)
def _events(signal: np.ndarray, alive: int, gone: np.ndarray) -> np.ndarray:
    """The side of the event that is alive, f64[S, T]: `alive` bars from a signal on, then one bar of none.

    An event ends at once where its symbol is gone; a signal of that bar or a later one begins the next.
    """
    side = np.zeros(signal.shape)
    for s in range(signal.shape[0]):
        now, age = 0, alive + 1  # bars since the event began
        for t in range(signal.shape[1]):
            if gone[s, t]:
                now, age = 0, alive + 1
            if age > alive and signal[s, t] != 0:
                now, age = signal[s, t], 0
            if age < alive:
                side[s, t] = now
            age += 1
    return side
