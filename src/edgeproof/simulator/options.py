"""Every rule of the account in one typed record; zero means off, and what is not built refuses to be switched on."""

from typing import Annotated, Literal

from pydantic import Field

from edgeproof.core.config import Config
from edgeproof.core.errors import OptionError

__all__ = ["UNBUILT", "Options", "require_built"]

NotNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=0)]

UNBUILT = (
    "leverage",
    "maintenance_margin",
    "liquidation_bps",
    "lot",
    "minimum_notional",
    "turnover_limit",
    "participation",
    "carry_unfilled",
    "stop_loss",
    "take_profit",
    "stop_volatilities",
    "take_volatilities",
    "bracket_bars",
    "impact",
    "impact_bars",
    "commission_per_unit",
    "commission_minimum",
    "borrow_bps_per_bar",
    "fill_at_close",
)


class Options(Config):
    """How an account trades; the sign of a target weight is its side, so short needs no option.

    Attributes:
        start: money of the account before the first bar (the one option whose zero means nothing).
        rebalance: `changes` trades an asset only where its target differs from the one its last fill was made for,
            so positions are held in units; `always` brings every asset back to its target at every decision.
        delisting_bars: a position is closed at the last valid price, at full cost, once its asset has had no bar for
            this many bars in a row.
        leverage: gross exposure allowed after costs, in equities; 0 means 1.
        maintenance_margin: share of gross exposure below which the account is liquidated.
        liquidation_bps: penalty on the notional of a liquidation.
        lot: units are whole multiples of it.
        minimum_notional: smaller orders are dropped.
        turnover_limit: notional that may be traded in a bar, as a share of equity.
        participation: largest share of a bar's volume that an order may be.
        carry_unfilled: what participation left open stays an order.
        stop_loss: distance of the stop from the entry price, as a share of it.
        take_profit: distance of the target from the entry price, as a share of it.
        stop_volatilities: distance of the stop in volatilities of the entry's decision bar.
        take_volatilities: distance of the target in volatilities of the entry's decision bar.
        bracket_bars: bars from the fill after which a bracket closes its position.
        impact: coefficient of the square-root law (Toth et al. 2011): volatility x sqrt(traded / volume).
        impact_bars: past bars from which its volatility and volume are taken.
        commission_per_unit: money per unit traded.
        commission_minimum: smallest commission of an order, in money.
        borrow_bps_per_bar: paid on short notional for each bar held.
        fill_at_close: fill at the close of the decision itself: an ablation that no market offers.
    """

    start: Annotated[float, Field(gt=0.0)] = 1.0
    rebalance: Literal["changes", "always"] = "changes"
    delisting_bars: Count = 0
    leverage: NotNegative = 0.0
    maintenance_margin: NotNegative = 0.0
    liquidation_bps: NotNegative = 0.0
    lot: NotNegative = 0.0
    minimum_notional: NotNegative = 0.0
    turnover_limit: NotNegative = 0.0
    participation: NotNegative = 0.0
    carry_unfilled: bool = False
    stop_loss: NotNegative = 0.0
    take_profit: NotNegative = 0.0
    stop_volatilities: NotNegative = 0.0
    take_volatilities: NotNegative = 0.0
    bracket_bars: Count = 0
    impact: NotNegative = 0.0
    impact_bars: Count = 0
    commission_per_unit: NotNegative = 0.0
    commission_minimum: NotNegative = 0.0
    borrow_bps_per_bar: NotNegative = 0.0
    fill_at_close: bool = False


def require_built(options: Options) -> None:
    """Refuse an option whose behaviour this version does not have.

    Raises:
        OptionError: one line that names the first such option and its value.
    """
    for name in UNBUILT:
        value = getattr(options, name)
        if value:
            raise OptionError(f"simulator option {name}={value!r} is not available in this version; leave it at zero")
