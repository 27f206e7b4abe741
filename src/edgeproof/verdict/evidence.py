"""Everything that a verdict stands on, in one value; the trials come as the ledger's own table."""

# T bars, S symbols

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.evaluate.figures import in_market, trading_figures
from edgeproof.evaluate.regimes import ByRegime
from edgeproof.ledger.trials import TrialTable
from edgeproof.simulator.track import Track

__all__ = ["Evidence", "SpanEvidence", "span_evidence"]


@dataclass(frozen=True)
class SpanEvidence:
    """What happened in one span, validation or sealed.

    Attributes:
        start_ns, end_ns: close times of its first and last bar.
        net, gross: f64[T] return per bar, zeros kept.
        hold: f64[T] return per bar of holding the track's own average weights of this span, free of cost.
        in_market: bool[T] bars with a position or a trade.
        figures: {"net": ..., "gross": ...} of `evaluate.figures.trading_figures`.
        forecast: figures of `evaluate.figures.forecast_figures`.
        benchmarks: net figures by name, such as flat and buy_and_hold, under the same costs.
        regimes: the span regime by regime; None where no regimes are known.
    """

    start_ns: int
    end_ns: int
    net: np.ndarray
    gross: np.ndarray
    hold: np.ndarray
    in_market: np.ndarray
    figures: Mapping[str, Mapping[str, Any]]
    forecast: Mapping[str, Any] = field(default_factory=dict)
    benchmarks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    regimes: ByRegime | None = None


@dataclass(frozen=True)
class Evidence:
    """All that `judge` asks for.

    Attributes:
        validation: the span that the model was chosen on.
        sealed: the opened span; None before the opening.
        opening: number k of the opening that `sealed` was read under; None before.
        openings: openings of this sealed span in the ledger, this one included.
        sealed_bars: length of the sealed span, opened or not.
        trials: the ledger's table of all counted trials.
        candidate_before_opening: the bundle was in the ledger before the first opening.
        findings: every finding of data, split and leakage checks.
        universe: `survivors`, `fixed` or `point_in_time`.
        bars_per_year, bars_per_day: of the market's calendar and interval.
        horizon_bars: of the label.
        market: {"hash", "symbols", "bars", "start", "end"}.
        trial: id of the candidate's own trial; None where it is not known.
        smallest_sharpe: smallest interesting net annual Sharpe, from the ledger; None for the detection limit.
        oracle: what could be known on a known-truth market; None elsewhere.
        seconds: time by stage.
        notes: sentences to print with the verdict.
        rng: of the bootstraps.
    """

    validation: SpanEvidence
    sealed: SpanEvidence | None
    opening: int | None
    openings: int
    sealed_bars: int
    trials: TrialTable
    candidate_before_opening: bool
    findings: Sequence[Finding]
    universe: str
    bars_per_year: float
    bars_per_day: int
    horizon_bars: int
    market: Mapping[str, Any]
    trial: str | None = None
    smallest_sharpe: float | None = None
    oracle: Mapping[str, Any] | None = None
    seconds: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    rng: Rng = Rng(0)  # noqa: RUF009 - frozen: one value serves all

    def __post_init__(self) -> None:
        if (self.sealed is None) != (self.opening is None):
            raise ValueError("the sealed span and the number of its opening come together or not at all")
        if self.trials.count != self.trials.returns.shape[1] + self.trials.without_returns:
            raise ValueError("the table of trials does not add up; take it from ledger.trials.trials_of")

    @property
    def judged(self) -> SpanEvidence:
        """The sealed span once it is open, validation before."""
        return self.validation if self.sealed is None else self.sealed


def span_evidence(
    track: Track,
    hold_return: np.ndarray,
    close_time: np.ndarray,
    *,
    bars_per_year: float,
    bars: slice = slice(None),
    forecast: Mapping[str, Any] | None = None,
    benchmarks: Mapping[str, Mapping[str, Any]] | None = None,
    regimes: ByRegime | None = None,
) -> SpanEvidence:
    """The evidence of one span of a track.

    Args:
        track: T bars of money.
        hold_return: f64[T] of holding the track's own average weights of this span.
        close_time: i64[T] ns UTC.
        bars_per_year: annualises.
        bars: the span, the whole track by default.
        forecast: figures of the forecasts in the span.
        benchmarks: net figures by name.
        regimes: the span regime by regime.
    """
    times = close_time[bars]
    if len(times) == 0:
        raise ValueError(f"no bar in {bars}")
    return SpanEvidence(
        start_ns=int(times[0]),
        end_ns=int(times[-1]),
        net=track.net_return[bars],
        gross=track.gross_return[bars],
        hold=hold_return[bars],
        in_market=in_market(track)[bars],
        figures=trading_figures(track, bars_per_year=bars_per_year, span=bars, hold_return=hold_return),
        forecast=dict(forecast or {}),
        benchmarks=dict(benchmarks or {}),
        regimes=regimes,
    )
