"""Every rule of the account in one typed record; zero means off."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from edgeproof.core.config import Config

__all__ = ["Options"]

NotNegative = Annotated[float, Field(ge=0.0)]
Bps = Annotated[float, Field(ge=0.0, lt=10_000.0)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]


def _within(share: float, most: float, *, at_most: bool) -> float:
    """A share in the range in which it means something; 5 is nearly always 5% gone wrong."""
    if share > most or (share == most and not at_most):
        raise ValueError(f"{share:g} is {'above' if at_most else 'not below'} {most:g}; it is a share: 0.05 is 5%")
    return share


BelowOne = Annotated[NotNegative, AfterValidator(partial(_within, most=1.0, at_most=False))]
UpToOne = Annotated[NotNegative, AfterValidator(partial(_within, most=1.0, at_most=True))]


class Options(Config):
    """How an account trades; the sign of a target weight is its side, so short needs no option.

    Attributes:
        start: money of the account before the first bar, at most 1e15 (the one option whose zero means nothing).
        rebalance: `changes` trades an asset only where its target differs from the one its last fill was made for,
            so positions are held in units; `always` brings every asset back to its target at every decision.
        delisting_bars: a position is closed at the last valid price, at full cost, once its asset has had no bar for
            this many bars in a row.
        leverage: gross exposure allowed after costs, in equities; 0 means 1.
        maintenance_margin: share of gross exposure; an account whose equity is below it at a close is liquidated:
            everything is closed at the marks, and an asset is entered again only once its signal changes.
        liquidation_bps: penalty on the notional of a liquidation, booked with the commission.
        lot: units are whole multiples of it, rounded towards zero.
        minimum_notional: smaller fills are dropped, but for those that close a position.
        turnover_limit: notional that orders may trade in a bar, as a share of equity; closings come first.
        participation: largest share of the last known bar's volume that an order may trade, at most 1.
        carry_unfilled: what participation left open stays an order.
        stop_loss: distance of the stop from the entry price, as a share of it (0.05 is 5%), below 1.
        take_profit: distance of the target from the entry price, as a share of it, at most 1; farther in volatilities.
        stop_volatilities: distance of the stop in volatilities of the entry's decision bar.
        take_volatilities: distance of the target in volatilities of the entry's decision bar.
        bracket_bars: bars from the fill after which a bracket closes its position, at the open.
        fill_at_close: fill at the close of the decision itself: an ablation that no market offers.
    """

    also_called: ClassVar[Mapping[str, str]] = {  # elsewhere, in FinRL among others
        "initial_cash": "start",
        "initial_amount": "start",
        "initial_capital": "start",
        "initial_balance": "start",
        "cash": "start",
    }

    start: Annotated[float, Field(gt=0.0, le=1_000_000_000_000_000)] = 1.0
    rebalance: Literal["changes", "always"] = "changes"
    delisting_bars: Count = 0
    leverage: NotNegative = 0.0
    maintenance_margin: NotNegative = 0.0
    liquidation_bps: Bps = 0.0
    lot: NotNegative = 0.0
    minimum_notional: NotNegative = 0.0
    turnover_limit: NotNegative = 0.0
    participation: UpToOne = 0.0
    carry_unfilled: bool = False
    stop_loss: BelowOne = 0.0
    take_profit: UpToOne = 0.0
    stop_volatilities: NotNegative = 0.0
    take_volatilities: NotNegative = 0.0
    bracket_bars: Count = 0
    fill_at_close: bool = False

    @model_validator(mode="after")
    def _fit_together(self) -> "Options":
        """Refuse rules that exclude each other."""
        for share, volatilities in (("stop_loss", "stop_volatilities"), ("take_profit", "take_volatilities")):
            if getattr(self, share) > 0.0 and getattr(self, volatilities) > 0.0:
                raise ValueError(f"{share} and {volatilities} are two distances of one bracket; set one of them")
        if self.maintenance_margin * (self.leverage or 1.0) >= 1.0:
            raise ValueError("maintenance_margin x leverage is at least 1: a full account would be liquidated at once")
        if self.liquidation_bps > 0.0 and self.maintenance_margin == 0.0:
            raise ValueError("liquidation_bps needs maintenance_margin; without it nothing is liquidated")
        if self.carry_unfilled and self.participation == 0.0:
            raise ValueError("carry_unfilled needs participation; without it nothing is left unfilled")
        return self

    @property
    def has_bracket(self) -> bool:
        """Positions may be closed inside a bar, or after a number of bars."""
        return self.in_volatilities or max(self.stop_loss, self.take_profit, self.bracket_bars) > 0

    @property
    def in_volatilities(self) -> bool:
        """A bracket is measured in volatilities."""
        return max(self.stop_volatilities, self.take_volatilities) > 0.0
