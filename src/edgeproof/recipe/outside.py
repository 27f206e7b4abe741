"""Returns of any other tool, from a file or a frame, to what the statistics say of them."""

from pathlib import Path
from typing import Any

from edgeproof.core.clock import bars_per_year
from edgeproof.core.errors import ConfigError
from edgeproof.data.sources.returns import returns_of_file, returns_of_frame
from edgeproof.verdict.outside import OutsideVerdict, judge_outside

__all__ = ["judge"]

MOST_TRIALS = 1_000_000_000


def judge(
    returns: Any, *, declared_trials: int, column: str | None = None, smallest_sharpe: float | None = None
) -> OutsideVerdict:
    """Judge net returns per bar that another tool made; the answer is `no_edge` or `inconclusive`, never `edge`.

    Args:
        returns: a CSV file's path, or a pandas or Polars frame: a time column or index and one column a strategy.
        declared_trials: strategies that were tried until this one was kept, all of them; nobody can check it.
        column: the strategy to judge; default: the one with the largest Sharpe ratio.
        smallest_sharpe: smallest interesting net annual Sharpe ratio; default: what the span can detect.

    Raises:
        DataError: no returns, with file, row and column.
        ConfigError: a number of trials below 1 or above a billion, or a column that is not there.
    """
    if declared_trials < 1:
        raise ConfigError(f"declared_trials: {declared_trials} is below 1; the strategy itself is a trial")
    if declared_trials > MOST_TRIALS:
        raise ConfigError(f"declared_trials: above {MOST_TRIALS:,}; no track tells the best of so many from luck")
    series = returns_of_file(Path(returns)) if isinstance(returns, str | Path) else returns_of_frame(returns)
    if column is not None and column not in series.names:
        raise ConfigError(f"column: no {column!r} among {', '.join(series.names[:8])}")
    if smallest_sharpe is not None and not smallest_sharpe > 0:
        raise ConfigError(f"smallest_sharpe: {smallest_sharpe:g} is not above 0")
    return judge_outside(
        series.returns,
        series.names,
        declared_trials=declared_trials,
        bars_per_year=bars_per_year(series.interval_ns, series.calendar),
        interval_ns=series.interval_ns,
        column=column,
        smallest_sharpe=smallest_sharpe,
        calendar=series.calendar,
    )
