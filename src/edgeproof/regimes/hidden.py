"""Regimes of a hidden Markov model that is fitted on the past only, filtered, and refitted on a recorded schedule."""

# T bars, K states

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from edgeproof.core.clock import bars_per_day
from edgeproof.core.config import Config
from edgeproof.data.panel import Panel
from edgeproof.regimes.markov import Chain, Fitted, chain_of_quantiles, filter_states, fit_chain
from edgeproof.regimes.regime import UNKNOWN, Regimes, market_index
from edgeproof.regimes.rules import rolling_volatility

__all__ = ["HiddenConfig", "observations"]

WORDS = {2: ("calm", "wild"), 3: ("calm", "middle", "wild")}
Days = Annotated[float, Field(gt=0.0, le=1000.0)]


class HiddenConfig(Config):
    """States of the market's return and log volatility, ordered by volatility.

    A fit at bar f sees the bars up to f and gives the states of f and later, until the next fit; the state of a bar is
    the likeliest one given the bars up to it. Fits go on from the one before.

    Attributes:
        states: K.
        volatility_days: days of bars round the clock that the volatility is taken over; at least 5 bars.
        first_days: days of observations before the first fit; at least 100 bars.
        refit_days: days from one fit to the next; at least 20 bars.
        most_steps: steps of EM at each fit, at most.
    """

    name: Literal["hidden"] = "hidden"
    states: Annotated[int, Field(ge=2, le=6)] = 2
    volatility_days: Days = 1.0
    first_days: Days = 60.0
    refit_days: Days = 30.0
    most_steps: Annotated[int, Field(ge=1, le=1000)] = 50

    def regimes(self, panel: Panel) -> Regimes:
        """The state of every bar of a panel."""
        per_day = bars_per_day(panel.interval_ns)
        change, known = market_index(panel.prices, panel.present)
        x_TD, seen = observations(change, known, max(5, round(self.volatility_days * per_day)))
        code = np.full(len(change), UNKNOWN, dtype=np.int8)
        least, step = max(100, round(self.first_days * per_day)), max(20, round(self.refit_days * per_day))
        at = np.flatnonzero(np.cumsum(seen) >= least)
        fits: list[dict[str, Any]] = []
        chain: Chain | None = None
        for first in range(int(at[0]) if len(at) else len(code), len(code), step):
            last = min(first + step, len(code))
            chain = self._fit(x_TD[: first + 1], seen[: first + 1], chain, fits)
            order = np.argsort(np.argsort(chain.mean[:, -1], kind="stable"))
            probability, _ = filter_states(x_TD[:last], seen[:last], chain)
            code[first:last] = order[probability[first:].argmax(axis=1)]
        rule = (
            f"The likeliest of {self.states} hidden states of the equal-weight market's return and volatility, ordered "
            f"by volatility; a Markov model, fitted on the bars until then every {self.refit_days:g} days, "
            f"{len(fits)} times."
        )
        return Regimes(code, _names(self.states), rule, tuple(fits))

    def _fit(self, x_TD: np.ndarray, seen: np.ndarray, chain: Chain | None, fits: list[dict[str, Any]]) -> Chain:
        """The chain of the bars so far, written down in `fits`."""
        begin = chain_of_quantiles(x_TD, seen, self.states) if chain is None else chain
        fitted = fit_chain(x_TD, seen, begin, most_steps=self.most_steps)
        fits.append(_record(len(x_TD) - 1, fitted))
        return fitted.chain


def observations(change: np.ndarray, known: np.ndarray, bars: int) -> tuple[np.ndarray, np.ndarray]:
    """What the model sees: log return and log volatility of each bar, f64[T, 2]; bool[T] where both exist.

    Args:
        change: f64[T] simple returns of the market.
        known: bool[T] where there is one.
        bars: of the volatility.
    """
    volatility = rolling_volatility(change, known, bars)
    seen = known & (volatility > 0.0) & (change > -1.0)
    x_TD = np.zeros((len(change), 2))
    x_TD[seen, 0], x_TD[seen, 1] = np.log1p(change[seen]), np.log(volatility[seen])
    return x_TD, seen


def _names(states: int) -> tuple[str, ...]:
    return WORDS.get(states, tuple(f"state_{k + 1}" for k in range(states)))


def _record(bar: int, fitted: Fitted) -> dict[str, Any]:
    """One fit, states in order of volatility."""
    order = np.argsort(fitted.chain.mean[:, -1], kind="stable")
    return {
        "bar": bar,
        "steps": len(fitted.log_likelihood) - 1,
        "settled": fitted.settled,
        "log_likelihood": fitted.log_likelihood[-1],
        "volatility": np.exp(fitted.chain.mean[order, -1]).tolist(),
        "mean": fitted.chain.mean[order, 0].tolist(),
        "stay": np.diag(fitted.chain.move)[order].tolist(),
    }
