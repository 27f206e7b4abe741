"""What an account sees at the close of bar t: the window of the feature table that ends there, and its own state.

The state's K = 3 A + 3 numbers, each finite and within [-10, 10]:

    for each asset  position        units x mark / equity, below zero for a short
    for each asset  unrealised      gain of the trade in progress, less its costs so far, / equity
    for each asset  time in trade   bars in which the position was held, n / (n + 24); 0 where there is none
    account         drawdown        1 - equity / highest equity at a close of the episode
    account         exposure        sum of |positions| / the limit of gross exposure
    account         cash            cash / equity

After ruin, positions, exposure and cash are 0 and the drawdown is 1.
"""

# A assets, T bars, F features, L window, R rows of the table

import numpy as np
from numba.extending import register_jitable

from edgeproof.rl.reward import clipped
from edgeproof.simulator.account import (
    BORROWED,
    CASH,
    ENTRY,
    EQUITY,
    FEES,
    FUNDED,
    GAIN,
    MARK,
    PUSHED,
    UNITS,
    VOLUME,
    Account,
    Rules,
)

__all__ = ["HALF_LIFE_BARS", "account_names", "write_account", "write_window"]

HALF_LIFE_BARS = 24.0  # bars in a trade at which its time is shown as a half


def account_names(assets: int) -> tuple[str, ...]:
    """What each of the account's numbers is, in their order; of several assets each with its place from 1."""
    each = ("position", "unrealised", "time in trade")
    own = [name if assets == 1 else f"{name} {a + 1}" for name in each for a in range(assets)]
    return (*own, "drawdown", "exposure", "cash")


@register_jitable(forceinline=True)
def _unrealised(a: int, account: Account, rules: Rules) -> float:
    """Gain of the trade in progress after what it has cost until now."""
    asset = account.asset
    paid = asset[a, FEES] + asset[a, VOLUME] * (rules.spread + rules.slippage) + asset[a, PUSHED]
    return asset[a, GAIN] - paid - asset[a, BORROWED] - asset[a, FUNDED]


@register_jitable(forceinline=True)
def write_account(t: int, peak: float, account: Account, rules: Rules, out: np.ndarray) -> None:
    """The account's numbers at the close of `t`, at the end of `out` f32[..., K]."""
    asset, equity, exposure = account.asset, account.money[EQUITY], 0.0
    assets = asset.shape[0]
    at = out.shape[0] - 3 * assets - 3
    alive = equity > 0.0
    for a in range(assets):
        units = asset[a, UNITS]
        if alive and units != 0.0:
            position = units * asset[a, MARK] / equity
            exposure += abs(position)
            held = t - asset[a, ENTRY] + 1.0
            out[at + a] = clipped(position)
            out[at + assets + a] = clipped(_unrealised(a, account, rules) / equity)
            out[at + 2 * assets + a] = held / (held + HALF_LIFE_BARS)
        else:
            out[at + a], out[at + assets + a], out[at + 2 * assets + a] = 0.0, 0.0, 0.0
    last = at + 3 * assets
    out[last] = 1.0 - equity / peak
    out[last + 1] = clipped(exposure / rules.gross_limit)
    out[last + 2] = clipped(account.money[CASH] / equity) if alive else 0.0


@register_jitable(forceinline=True)
def write_window(row: int, window: int, width: int, table: np.ndarray, out: np.ndarray) -> None:
    """The rows row - L + 1 .. row of `table` f32[R * F], F = `width`, oldest first, at the beginning of `out`."""
    first, count = (row - window + 1) * width, window * width
    for k in range(count):
        out[k] = table[first + k]
