"""Returns of any other tool, judged by the same statistics; without a seal the answer is at best `inconclusive`.

Declared trials are not counted ones: they enter in print, by Sidak, and nothing that a caller says can make an edge.
"""

# T bars, K series

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from edgeproof.core.clock import DAY_NS
from edgeproof.core.rng import Rng
from edgeproof.ledger.trials import TrialTable
from edgeproof.stats.blocks import BlockTest, block_t, upper_bound
from edgeproof.stats.bootstrap import sharpe_interval
from edgeproof.stats.compare import sidak
from edgeproof.stats.deflated import dsr, expected_maximum
from edgeproof.stats.performance import performance
from edgeproof.stats.sharpe import minimum_track, moments, psr
from edgeproof.verdict.display import answer_html
from edgeproof.verdict.limit import bars_needed, detection_limit
from edgeproof.verdict.ready import json_ready
from edgeproof.verdict.selection import select

__all__ = ["OutsideVerdict", "judge_outside"]

SHORT_BAR, LONG_BAR = 0.05, 0.2  # median size of a return beyond which it was written in per cent; below a day, or not
LOST = -0.9995  # a total return that is printed as -100.0%


@dataclass(frozen=True)
class OutsideVerdict:
    """What the statistics say about returns whose trials nobody counted.

    Attributes:
        answer: `no_edge` where the upper bound of the Sharpe ratio is at most the smallest interesting one, else
            `inconclusive`.
        judged: the column that was judged.
        figures: everything that is printed; no NaN, no infinity, absence is null.
        reasons: why it is no more than this, in sentences.
    """

    answer: Literal["no_edge", "inconclusive"]
    judged: str
    figures: dict[str, Any]
    reasons: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """The verdict as a JSON object."""
        body = {"verdict": self.answer, "judged": self.judged, "figures": self.figures, "reasons": list(self.reasons)}
        return json_ready(body)

    def __repr__(self) -> str:
        """What was judged, its net annual Sharpe ratio and p, alone and among the declared trials."""
        words = {
            "sharpe": self.figures["sharpe"],
            "p": self.figures["p"],
            "p_declared": _counted(self.figures),
        }
        said = ", ".join(f"{name}={_short(value)}" for name, value in words.items())
        return f"OutsideVerdict({self.answer!r}, judged={self.judged!r}, {said})"

    def _repr_html_(self) -> str:
        about = f"{self.judged}: net annual Sharpe ratio {_short(self.figures['sharpe'])}"
        return answer_html(self.answer, about, [(None, "", reason) for reason in self.reasons])


def judge_outside(
    returns: np.ndarray,
    names: Sequence[str],
    *,
    declared_trials: int,
    bars_per_year: float,
    interval_ns: int,
    column: str | None = None,
    smallest_sharpe: float | None = None,
    calendar: str | None = None,
) -> OutsideVerdict:
    """Judge net returns per bar.

    Args:
        returns: f64[T, K] net simple returns; further columns are the other trials whose returns are known.
        names: K names.
        declared_trials: how many strategies were tried, the given ones included; nobody can check it.
        bars_per_year: annualises.
        interval_ns: length of a bar.
        column: the one to judge; default: the one with the largest Sharpe ratio.
        smallest_sharpe: smallest interesting net annual Sharpe ratio; default: the detection limit.
        calendar: that `bars_per_year` rests on, `continuous` or `sessions`; for the text.
    """
    place = _judged(returns, names, column)
    x, trials = returns[:, place], max(declared_trials, returns.shape[1])
    active, per_day = x != 0.0, max(1, DAY_NS // interval_ns)
    test = block_t(x, active, bars_per_day=per_day)
    root, limit = math.sqrt(bars_per_year), detection_limit(len(x), bars_per_year)
    bound = upper_bound(x)
    smallest = limit if smallest_sharpe is None else smallest_sharpe
    figures = {
        **performance(x, bars_per_year=bars_per_year),
        **_interval(x, root),
        "bars": len(x),
        "bars_per_year": bars_per_year,
        "calendar": calendar,
        "sharpe_bound": None if bound is None else bound * root,
        "t": test.adjusted,
        "p": test.p,
        "units": test.units,
        "declared_trials": trials,
        "p_declared": None if test.p is None else sidak(0.0, test.p, trials),
        "expected_maximum_sharpe": expected_maximum(trials) / math.sqrt(len(x)) * root,
        "detection_limit": limit,
        "smallest_sharpe": smallest,
        **_conventions(x, returns, trials),
        **_among(returns, place, trials),
    }
    sharpe = figures["sharpe"]
    figures["bars_needed"] = None if not isinstance(sharpe, float) else bars_needed(sharpe, bars_per_year)
    none = not active.any() or (bound is not None and smallest is not None and bound * root <= smallest)
    reasons = [*_percent(x, returns, interval_ns), *_reasons(test, figures, active=active, none=none)]
    return OutsideVerdict("no_edge" if none else "inconclusive", names[place], figures, reasons)


def _judged(returns: np.ndarray, names: Sequence[str], column: str | None) -> int:
    if column is not None:
        return list(names).index(column)
    ratios = [0.0 if (known := moments(x)) is None else known.sharpe for x in returns.T]
    return int(np.argmax(ratios))


def _interval(x: np.ndarray, root: float) -> dict[str, float | None]:
    found = sharpe_interval(x, Rng(0).child("outside", "interval").numpy(), repetitions=1000)
    return {
        "sharpe_low": None if found is None else found.sharpe_low * root,
        "sharpe_high": None if found is None else found.sharpe_high * root,
    }


def _conventions(x: np.ndarray, returns: np.ndarray, trials: int) -> dict[str, float | None]:
    """PSR, DSR and the minimum track record; for one series DSR takes the spread that luck alone gives, 1/T."""
    known = moments(x)
    if known is None:
        return {"psr": None, "dsr": None, "minimum_track_bars": None}
    law = known.independent
    ratios = [0.0 if (one := moments(column)) is None else one.sharpe for column in returns.T]
    spread = float(np.var(ratios, ddof=1)) if len(ratios) > 1 else 1.0 / len(x)
    return {
        "psr": psr(known.sharpe, known.periods, law),
        "dsr": dsr(known.sharpe, known.periods, law, trials=trials, trial_variance=spread),
        "minimum_track_bars": minimum_track(known.sharpe, law),
    }


def _among(returns: np.ndarray, place: int, trials: int) -> dict[str, float | None]:
    """The judged one among several given series, by the rule for counted trials; those declared alone by Sidak."""
    bars, known = returns.shape
    if known < 2:
        return {"p_max": None, "pbo": None, "probability_of_loss": None}
    ids = tuple(str(column) for column in range(known))
    table = TrialTable(ids, (), returns, np.arange(bars), trials - known, trials)
    found = select(table, Rng(0).child("outside"), chosen=ids[place])
    return {"p_max": found.p_max, "pbo": found.pbo, "probability_of_loss": found.probability_of_loss}


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, int | float) else "None"


def _counted(figures: dict[str, Any]) -> float | None:
    """The p as the best of the declared trials: the larger of Sidak's and that among the given series."""
    known = [p for p in (figures["p_declared"], figures["p_max"]) if p is not None]
    return max(known, default=None)


def _of_declared(figures: dict[str, Any]) -> str:
    """Sidak's p bounds that of related trials, but not what the given series themselves show."""
    sidak_p, among = figures["p_declared"], figures["p_max"]
    return f"at most {sidak_p:.3g}" if among is None or among <= sidak_p else f"{among:.3g}, among those given"


def _percent(x: np.ndarray, returns: np.ndarray, interval_ns: int) -> list[str]:
    """A question where returns are of a size that per cents have."""
    median, most = float(np.median(np.abs(x))), SHORT_BAR if interval_ns < DAY_NS else LONG_BAR
    if median > most:
        return [f"Half of the returns are beyond {median:.3g} a bar: did you write percent? 0.01 is 1%."]
    lost = float(np.prod(1.0 + returns, axis=0).min()) - 1.0
    if lost <= LOST:
        return [f"A total return is {lost:.0%}, all of the money: did you write percent? 0.01 is 1%."]
    return []


def _reasons(test: BlockTest, figures: dict[str, Any], *, active: np.ndarray, none: bool) -> list[str]:
    said = []
    if not active.any():
        return ["Every return is zero: nothing was traded."]
    if none:
        said.append(
            f"The 95% upper bound of the net annual Sharpe ratio, {figures['sharpe_bound']:.2f}, is at most the "
            f"smallest interesting one, {figures['smallest_sharpe']:.2f}."
        )
    if test.p is not None:
        said.append(
            f"As the only strategy ever tried its p is {test.p:.3g}; as the best of {figures['declared_trials']:,} "
            f"declared ones it is {_of_declared(figures)}."
        )
    else:
        said.append("Too few bars, or no variation: the 14 blocks cannot be tested.")
    if figures["units"] < 30:
        said.append(f"It rests on {figures['units']} units (episodes or days); fewer than 30 carry no answer.")
    return [
        *said,
        f"Luck alone gives the best of that many an annual Sharpe ratio of {figures['expected_maximum_sharpe']:.2f}.",
        "Never an edge from here: the trials are declared and not counted, no bar was sealed before they were made, "
        "and costs, fills and leaks cannot be seen in returns. Positions are not given either, so drift is not told "
        "from timing.",
    ]
