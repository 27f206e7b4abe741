"""What an agent's accounts did along validation: figures of their money, episodes, and whether reward means growth."""

# P members, S symbols in G accounts of A assets, T bars

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.stats import rankdata

from edgeproof.core.finding import Finding
from edgeproof.recipe.tables import times
from edgeproof.rl.roll import Rolled
from edgeproof.stats.performance import performance

__all__ = ["account_name", "book_returns", "episodes_rows", "reward_agrees", "validation_figures"]

BPS = 1e4
MONEY = ("sharpe", "profit_factor", "consistency", "skew", "max_drawdown")
AGREES = 0.5  # rank correlation of what is rewarded and what is earned
EPISODES, LEAST = 20, 10  # episodes that a rank correlation is taken of, where there are bars for them


def validation_figures(rolled: Rolled, *, bars_per_year: float) -> dict[str, list[float]]:
    """Figures of each member; NaN where one is undefined.

    `score` is the net log growth of an account in bps a bar; `sharpe`, `profit_factor`, `consistency`, `skew` and
    `max_drawdown` are those of all accounts together, see `book_returns` and `stats.performance`.
    """
    active = np.abs(rolled.position).sum((1, 2)) / np.maximum(rolled.made.sum((1, 2)), 1)
    figures = {"score": rolled.net_growth * BPS, "turnover": rolled.turnover, "reward": rolled.reward, "active": active}
    money = [performance(returns, bars_per_year=bars_per_year) for returns in book_returns(rolled)]
    figures |= {name: np.array([one[name] for one in money], np.float64) for name in MONEY}
    return {name: [float(value) for value in values] for name, values in figures.items()}


def book_returns(rolled: Rolled) -> np.ndarray:
    """Simple returns f64[P, t] of equal money in every account, from the first step to the last one."""
    lived = np.flatnonzero(rolled.made.any((0, 1)))
    bars = slice(lived[0] + 1, lived[-1] + 2) if len(lived) else slice(0)
    return np.expm1(rolled.earned[:, :, bars].astype(np.float64)).mean(axis=1)


def reward_agrees(rolled: Rolled, episode_bars: int) -> tuple[Finding, ...]:
    """A warning where episodes that are rewarded more do not earn more: then the reward asks for something else.

    Spearman's rank correlation over the first member's episodes of validation: its accounts, cut into stretches of
    `episode_bars`, into shorter ones where that would give fewer than twenty.

    Args:
        rolled: what the agent did along validation.
        episode_bars: steps of an episode; 0: as many as there are.
    """
    lived = rolled.made[0]
    length = min(episode_bars or lived.shape[1], int(lived.sum()) // EPISODES)
    if length < 1:
        return ()
    paid, earned = (_sums(part[0], lived, length) for part in (rolled.paid, rolled.earned))
    if len(paid) < LEAST or np.ptp(paid) == 0.0 or np.ptp(earned) == 0.0:
        return ()
    rank = float(np.corrcoef(rankdata(paid), rankdata(earned))[0, 1])
    if not rank < AGREES:
        return ()
    return (
        Finding(
            check="rl.reward_agrees",
            level="warning",
            claim=f"over {len(paid)} episodes of validation, reward and net growth have rank correlation {rank:.2f}",
            evidence={"measured": rank, "threshold": AGREES, "episodes": len(paid), "bars": length},
            remedy="reward log_growth, or lower the weights of parts that pay for something else",
        ),
    )


def _sums(values: np.ndarray, lived: np.ndarray, length: int) -> np.ndarray:
    """Sums over whole stretches of so many steps of each account; `values` lie a bar behind what was decided."""
    sums = []
    for row, steps in zip(values, lived, strict=True):
        own = row[np.flatnonzero(steps) + 1].astype(np.float64)
        sums.append(own[: len(own) // length * length].reshape(-1, length).sum(axis=1))
    return np.concatenate(sums)


def account_name(symbols: Sequence[str]) -> str:
    """What an account is called: as its symbol, or by the first and the last of several."""
    return symbols[0] if len(symbols) == 1 else f"{symbols[0]} to {symbols[-1]}"


def episodes_rows(rolled: Rolled | None, accounts: Sequence[str], close_time: np.ndarray) -> pl.DataFrame:
    """The first member's accounts, one row for each bar that one lived through, in order of account and time.

    Args:
        rolled: what the agent did; None: nothing.
        accounts: their names.
        close_time: i64[T] ns UTC.

    Returns:
        close_time, symbol (the account's name), position (asked for at the bar before, the sum of its weights),
        reward, net_growth (log), equity (from 1).
    """
    parts = []
    for place, name in enumerate(accounts if rolled is not None else ()):
        assert rolled is not None  # noqa: S101 - there are no symbols without it
        at = np.flatnonzero(rolled.made[0, place])
        growth = rolled.earned[0, place, at + 1].astype(np.float64)
        weights = rolled.position[0].reshape(len(accounts), -1, rolled.position.shape[2])[place]
        columns = {
            "symbol": pl.Series([name] * len(at), dtype=pl.String),
            "position": pl.Series(weights[:, at].sum(axis=0)),
            "reward": pl.Series(rolled.paid[0, place, at + 1].astype(np.float64)),
            "net_growth": pl.Series(growth),
            "equity": pl.Series(np.exp(np.cumsum(growth))),
        }
        parts.append(pl.DataFrame([times(close_time[at + 1]), *(own.alias(key) for key, own in columns.items())]))
    return pl.concat(parts) if parts else pl.DataFrame()
