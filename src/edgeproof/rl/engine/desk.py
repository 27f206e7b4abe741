"""What a market environment holds: what all accounts read, what each account is, what each account is shown."""

# N accounts, G groups of A assets, T bars, F features, K numbers of an account's state, L window, R regimes

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from edgeproof.rl.reward import PARTS, Price
from edgeproof.simulator.account import ASSET_COLUMNS, KINDS, MONEY_ENTRIES, TRADE_COLUMNS, Account, Feed, Rules

__all__ = ["Desk", "Screen", "View", "World", "account_numbers", "open_desk", "open_screen", "turned"]

# Columns of `place`.
GROUP, BAR, END, EPISODE, STEPS, OWNER, SEAT = range(7)
PLACES = 7
# Columns of `memory`.
PEAK, RETURN, SQUARE = range(3)
MEMORIES = 3
EXITS_A_BAR = 3  # an asset may be reversed, stopped and liquidated in one bar


class World(NamedTuple):
    """What all accounts read.

    `feed` has a leading axis of G; `table` f32[G * T * width], rows of `width` = A * F numbers; `volatility`
    f64[G, T, A], or [G, 0, 0] where no reward reads it; `regime` i64[G, T, A] likewise; `starts` i64[M] rows at which
    episodes begin, drawn by chance if `random`; T bars of a group's rows, of which `last` is the last one that may be
    read; `gathered`: windows are written out; `key` is that of the randomness.
    """

    key: int
    rules: Rules
    feed: Feed
    table: np.ndarray
    width: int
    volatility: np.ndarray
    regime: np.ndarray
    starts: np.ndarray
    random: bool
    bars: int
    last: int
    episode_bars: int
    window: int
    gathered: bool
    start_money: float
    price: Price


class Desk(NamedTuple):
    """The accounts and their episodes: everything that later steps depend on, but for the key.

    `accounts` has a leading axis of N and one row of targets; `place` i64[N, 7] where each account is in its episode
    and who it is; `memory` f64[N, 3]; `visits` f64[N, 3 R].
    """

    accounts: Account
    place: np.ndarray
    memory: np.ndarray
    visits: np.ndarray


class View(NamedTuple):
    """What accounts see: `row` i64[N] of the table, `dense` f32[N, L * A * F + K], or [N, K] if nothing is gathered."""

    row: np.ndarray
    dense: np.ndarray


class Screen(NamedTuple):
    """What a step brought.

    `now` and `final`, the last view of an episode that has ended; `reward`, `growth`, `turnover` f32[N]; `parts`
    f32[N, 6] of the weighted reward.
    """

    now: View
    final: View
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    growth: np.ndarray
    turnover: np.ndarray
    parts: np.ndarray


def account_numbers(assets: int) -> int:
    """K: three numbers of each asset, three of the account."""
    return 3 * assets + 3


def open_desk(owners: np.ndarray, assets: int, regimes: int, *, exits: bool) -> Desk:
    """Accounts before their first episode; `owners` i64[N, 2] is the member of each and its number in the member.

    `exits`: trades that end are written down, for a reward that asks why they did.
    """
    n = len(owners)
    accounts = Account(
        target=np.zeros((n, 1, assets)),
        decided=np.ones((1, assets), bool),
        asset=np.zeros((n, assets, ASSET_COLUMNS)),
        money=np.zeros((n, MONEY_ENTRIES)),
        bar=np.zeros((n, KINDS)),
        rows=np.zeros((KINDS, 0)),
        equity=np.zeros(0),
        weights=np.zeros((0, assets)),
        trades=np.zeros((n, EXITS_A_BAR * assets if exits else 0, TRADE_COLUMNS)),
    )
    place = np.zeros((n, PLACES), np.int64)
    place[:, OWNER:] = owners
    return Desk(accounts, place, np.zeros((n, MEMORIES)), np.zeros((n, 3 * regimes)))


def open_screen(n: int, numbers: int, parts: bool) -> Screen:
    """Outputs of N accounts, found in memory once."""
    return Screen(
        now=View(np.zeros(n, np.int64), np.zeros((n, numbers), np.float32)),
        final=View(np.zeros(n, np.int64), np.zeros((n, numbers), np.float32)),
        reward=np.zeros(n, np.float32),
        terminated=np.zeros(n, bool),
        truncated=np.zeros(n, bool),
        growth=np.zeros(n, np.float32),
        turnover=np.zeros(n, np.float32),
        parts=np.zeros((n if parts else 0, len(PARTS)), np.float32),
    )


def turned(values: Any, turn: Callable[[Any], Any], kind: type) -> Any:
    """The same record of records, with everything of one kind turned into something else."""
    if isinstance(values, kind):
        return turn(values)
    if not isinstance(values, tuple):
        return values
    parts = [turned(each, turn, kind) for each in values]
    return type(values)(*parts) if hasattr(values, "_fields") else tuple(parts)
