"""Trading costs, always adverse, in basis points of the traded notional; there is no default run without them."""

from typing import Annotated, NamedTuple

from pydantic import Field

from edgeproof.core.config import Config

__all__ = ["CostRates", "CostsConfig"]

Bps = Annotated[float, Field(ge=0.0, lt=10_000.0)]


class CostRates(NamedTuple):
    """The same costs as shares of notional, as `settle` reads them."""

    commission: float
    spread: float
    slippage: float


class CostsConfig(Config):
    """What each side of a trade pays on its notional at the fill; defaults after a crypto taker, a tight book.

    Attributes:
        commission_bps: fee of the venue.
        half_spread_bps: half of the quoted spread: the open is a mid price.
        slippage_bps: what the price runs away, always against the order.
    """

    commission_bps: Bps = 4.0
    half_spread_bps: Bps = 1.0
    slippage_bps: Bps = 0.0

    @classmethod
    def free(cls) -> "CostsConfig":
        """No costs at all: for references and tests; a report says so."""
        return cls(commission_bps=0.0, half_spread_bps=0.0, slippage_bps=0.0)

    @property
    def is_free(self) -> bool:
        """Nothing is charged."""
        return self == CostsConfig.free()

    def times(self, factor: float) -> "CostsConfig":
        """Every cost times a factor (the ablation `costs x 2`)."""
        return CostsConfig(**{name: value * factor for name, value in self.model_dump().items()})

    def rates(self) -> CostRates:
        """Shares of notional instead of basis points."""
        return CostRates(self.commission_bps / 1e4, self.half_spread_bps / 1e4, self.slippage_bps / 1e4)
