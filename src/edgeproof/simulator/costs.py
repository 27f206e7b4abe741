"""Trading costs, always adverse, most in basis points of the traded notional; there is no default run without them."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from edgeproof.core.config import Config
from edgeproof.simulator.presets import preset

__all__ = ["CostRates", "CostsConfig"]

Bps = Annotated[float, Field(ge=0.0, lt=10_000.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
NO_CHARGE = {"preset", "impact_bars"}


class CostRates(NamedTuple):
    """What is charged in proportion to the traded notional, as shares of it, as `settle` reads them."""

    commission: float
    spread: float
    slippage: float


class CostsConfig(Config):
    """What trading and holding cost; defaults after a crypto taker, a tight book, an account too small to move it.

    Attributes:
        preset: a fee schedule of `simulator.presets`, whose figures stand in for the keys that are not given.
        commission_bps: fee of the venue on the notional at the fill: the taker's.
        maker_bps: the fee instead where a bracket's target fills, an order that rested in the book; None: the same.
        commission_per_unit: fee in money per unit (share, contract) traded, on top.
        commission_minimum: smallest commission of an order, in money.
        half_spread_bps: half of the quoted spread: the open is a mid price.
        slippage_bps: what the price runs away, always against the order.
        impact: coefficient Y of the square-root law, cost = Y x volatility x sqrt(traded / volume) of the notional
            (Toth et al. 2011, PRX 1:021006; Y is about 1 for the last unit, 2/3 for the average one).
        impact_bars: past bars from which the law takes its volatility and its volume, both over this horizon.
        borrow_bps_per_bar: paid on short notional for each bar in which it is held.
        interest_bps_per_bar: paid for each bar on the money of longs beyond the equity.
    """

    preset: str | None = None
    commission_bps: Bps = 4.0
    maker_bps: Bps | None = None
    commission_per_unit: NotNegative = 0.0
    commission_minimum: NotNegative = 0.0
    half_spread_bps: Bps = 1.0
    slippage_bps: Bps = 0.0
    impact: NotNegative = 0.0
    impact_bars: Annotated[int, Field(ge=2, le=100_000)] = 24
    borrow_bps_per_bar: Bps = 0.0
    interest_bps_per_bar: Bps = 0.0

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, body: Any) -> Any:
        """The preset's figures where nothing else is said."""
        name = body.get("preset") if isinstance(body, Mapping) else None
        return body if name is None else {**preset(str(name)).charges, **body}

    @classmethod
    def free(cls) -> "CostsConfig":
        """No costs at all: for references and tests; a report says so."""
        return cls(commission_bps=0.0, half_spread_bps=0.0, slippage_bps=0.0)

    @property
    def is_free(self) -> bool:
        """Nothing is charged."""
        return not any(self.model_dump(exclude=NO_CHARGE).values())

    def times(self, factor: float) -> "CostsConfig":
        """Every cost times a factor (the ablation `costs x 2`)."""
        charges = self.model_dump(exclude=NO_CHARGE)
        return self.model_copy(update={name: value * factor for name, value in charges.items() if value is not None})

    def rates(self) -> CostRates:
        """Shares of notional instead of basis points."""
        return CostRates(self.commission_bps / 1e4, self.half_spread_bps / 1e4, self.slippage_bps / 1e4)
