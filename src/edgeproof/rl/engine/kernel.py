"""One step of many accounts on the simulator's own functions: decide at a close, fill at the next open, mark, reward.

The agent has seen the close of bar t. Its targets become orders there (`decide`), which fill at the open of t + 1
(`open_bar`); brackets, marks and the margin follow up to the close of t + 1 (`close_bar`). The reward looks at this
step alone. An episode that ends leaves its last observation behind and is followed at once by the next one's first.
"""

# N accounts, G groups of A assets, T bars, M bars at which an episode may begin

import numba
import numpy as np
from numba.extending import register_jitable

from edgeproof.rl.engine.desk import (
    BAR,
    END,
    EPISODE,
    GROUP,
    OWNER,
    PEAK,
    RETURN,
    SEAT,
    SQUARE,
    STEPS,
    Desk,
    Screen,
    View,
    World,
)
from edgeproof.rl.engine.hints import ask_for, granted
from edgeproof.rl.engine.observe import write_account, write_window
from edgeproof.rl.reward import (
    DIFFERENTIAL_SHARPE,
    DIRECTION,
    DRAWDOWN,
    EXITS,
    EXPLORATION,
    MAGNITUDE,
    PNL,
    WEIGHTED,
    bracket_exits,
    clipped,
    deep_drawdown,
    differential_sharpe,
    growth_in_volatilities,
    growth_of,
    novelty,
    right_side,
)
from edgeproof.simulator.account import CASH, EQUITY, RUINED, TRADED, TRADES, Account, Feed
from edgeproof.simulator.fill import larger, smaller
from edgeproof.simulator.hold import ruin
from edgeproof.simulator.settle import close_bar, decide, open_bar

__all__ = ["begin_accounts", "draw", "show_accounts", "step_account", "step_accounts"]

BLOCK = 8  # accounts whose memory is asked for while those before them are stepped


@numba.njit(cache=True, nogil=True)
def draw(key: int, member: int, account: int, episode: int) -> float:
    """A number in [0, 1) that depends on nothing but these four.

    SplitMix64's finaliser (Steele, Lea and Flood 2014, OOPSLA, fig. 15), applied to each in turn.
    """
    state = np.uint64(key)
    for word in (np.uint64(member), np.uint64(account), np.uint64(episode)):
        state = (state ^ word) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    return float(state >> np.uint64(11)) * 2.0**-53


@register_jitable(forceinline=True)
def _feed(g: int, world: World) -> Feed:
    """What the accounts of group `g` read."""
    feed = world.feed
    return Feed(
        feed.open[g],
        feed.high[g],
        feed.low[g],
        feed.close[g],
        feed.present[g],
        feed.volatility[g],
        feed.funding[g],
        feed.impact[g],
        feed.capacity[g],
    )


@register_jitable(forceinline=True)
def _account(n: int, desk: Desk) -> Account:
    """The n-th account."""
    all_ = desk.accounts
    return Account(
        all_.target[n],
        all_.decided,
        all_.asset[n],
        all_.money[n],
        all_.bar[n],
        all_.rows,
        all_.equity,
        all_.weights,
        all_.trades[n],
    )


@register_jitable(forceinline=True)
def _show(n: int, world: World, desk: Desk, view: View) -> None:
    """Write what account `n` sees."""
    t, dense = int(desk.place[n, BAR]), view.dense[n]
    row = desk.place[n, GROUP] * world.bars + t
    view.row[n] = row
    if world.gathered:
        write_window(row, world.window, world.width, world.table, dense)
    write_account(t, desk.memory[n, PEAK], _account(n, desk), world.rules, dense)


@register_jitable
def _begin(n: int, world: World, desk: Desk) -> None:
    """The next episode of account `n`: flat, with its start money, marked at the close of the episode's first bar."""
    place, account, M = desk.place[n], _account(n, desk), world.starts.shape[0]
    if world.random:
        k = int(draw(world.key, place[OWNER], place[SEAT], place[EPISODE]) * M)
        start = world.starts[k if k < M else M - 1]
    else:
        start = world.starts[place[SEAT] % M]
    group, t = int(start // world.bars), int(start % world.bars)
    place[GROUP], place[BAR] = group, t
    place[END] = smaller(t + world.episode_bars, world.last) if world.episode_bars > 0 else world.last
    account.asset[:] = 0.0
    account.money[:] = 0.0
    account.bar[:] = 0.0
    account.target[:] = 0.0
    account.money[CASH], account.money[EQUITY] = world.start_money, world.start_money
    desk.memory[n, PEAK], desk.memory[n, RETURN], desk.memory[n, SQUARE] = world.start_money, 0.0, 0.0
    feed = _feed(group, world)
    open_bar(t, 1, feed, account, world.rules)
    close_bar(t, feed, account, world.rules)


@register_jitable
def _weighted(n: int, growth: float, world: World, desk: Desk, parts: np.ndarray) -> float:
    """The weighted reward of the step that ended at the account's bar; its parts are written, the sides are there."""
    place, price, account = desk.place[n], world.price, _account(n, desk)
    group, t, steps = int(place[GROUP]), int(place[BAR]), price.exploration_steps
    share = 1.0 - place[STEPS] / steps if place[STEPS] < steps else 0.0
    parts[PNL] = growth_in_volatilities(growth, world.volatility[group, t - 1])
    parts[EXITS] = bracket_exits(account)
    parts[EXPLORATION] = novelty(account, world.regime[group, t], desk.visits[n], share) if share > 0.0 else 0.0
    parts[DRAWDOWN] = deep_drawdown(account.money[EQUITY], desk.memory[n, PEAK])
    total = 0.0
    for k in range(parts.shape[0]):
        total += price.weights[k] * parts[k]
    return total


@register_jitable(forceinline=True)
def _settle(n: int, world: World, desk: Desk, screen: Screen) -> None:
    """Bar t + 1 of account `n`, and what it was worth."""
    place, memory, account, price, rules = desk.place[n], desk.memory[n], _account(n, desk), world.price, world.rules
    group, t, money = int(place[GROUP]), int(place[BAR]), account.money
    feed, before = _feed(group, world), money[EQUITY]
    account.bar[TRADED] = 0.0
    money[TRADES] = 0.0
    decide(t, 0, feed, account, rules)
    t += 1
    open_bar(t, 1, feed, account, rules)
    if price.kind == WEIGHTED:
        sides = right_side(t, feed, account, world.volatility[group, t - 1], price)
        screen.parts[n, DIRECTION], screen.parts[n, MAGNITUDE] = sides
    close_bar(t, feed, account, rules)
    if money[EQUITY] <= 0.0:
        ruin(t, account)
    place[BAR], after = t, money[EQUITY]
    memory[PEAK] = larger(memory[PEAK], after)
    growth = growth_of(before, after)
    reward = growth * price.scale
    if price.kind == DIFFERENTIAL_SHARPE:
        reward = price.scale * differential_sharpe(before, after, memory[RETURN : SQUARE + 1], price.rate)
    elif price.kind == WEIGHTED:
        reward = _weighted(n, growth, world, desk, screen.parts[n])
    place[STEPS] += 1
    screen.reward[n] = clipped(reward)
    screen.growth[n] = growth
    screen.turnover[n] = account.bar[TRADED] / before


@register_jitable(forceinline=True)
def _look_ahead(n: int, world: World, desk: Desk) -> None:
    """Ask for what the next step of account `n` reads from far memory: accounts stand at bars of their own."""
    group, t = int(desk.place[n, GROUP]), int(desk.place[n, BAR]) + 1
    ask_for(world.feed.open, (group, t, 0))
    ask_for(world.feed.present, (group, t, 0))
    if world.gathered:
        place = (group * world.bars + t) * world.width
        ask_for(world.table, (place,))
        ask_for(world.table, (place - (world.window - 1) * world.width,))


@register_jitable(forceinline=True)
def step_account(n: int, world: World, desk: Desk, screen: Screen) -> None:
    """Account `n` takes the step that its `target` asks for; an episode that ends is followed by the next one."""
    _settle(n, world, desk, screen)
    place = desk.place[n]
    ruined = desk.accounts.money[n, RUINED] != 0.0
    ended = ruined or place[BAR] >= place[END]
    screen.terminated[n], screen.truncated[n] = ruined, ended and not ruined
    if ended:
        _show(n, world, desk, screen.final)
        place[EPISODE] += 1
        _begin(n, world, desk)
    _show(n, world, desk, screen.now)


@register_jitable
def step_accounts(first: int, last: int, world: World, desk: Desk, screen: Screen) -> None:
    """Accounts `first` to `last` (excluded) take the step that their `target` asks for.

    Args:
        first: the first account.
        last: the one after the last.
        world: what all accounts read.
        desk: the accounts; changed in place.
        screen: what they are shown; written.
    """
    for n in range(first, min(first + BLOCK, last)):
        _look_ahead(n, world, desk)
    for start in range(first, last, BLOCK):
        stop = min(start + BLOCK, last)
        for n in range(stop, min(stop + BLOCK, last)):
            granted(n >= 0)
            _look_ahead(n, world, desk)
        for n in range(start, stop):
            granted(n >= 0)
            granted(desk.place[n, GROUP] >= 0)
            granted(desk.place[n, BAR] >= 0)
            step_account(n, world, desk, screen)


@register_jitable
def begin_accounts(first: int, last: int, world: World, desk: Desk, screen: Screen) -> None:
    """Accounts `first` to `last` (excluded) begin the episode of their number, and are shown its first bar."""
    for n in range(first, last):
        _begin(n, world, desk)
        _show(n, world, desk, screen.now)


@register_jitable
def show_accounts(first: int, last: int, world: World, desk: Desk, screen: Screen) -> None:
    """Accounts `first` to `last` (excluded) are shown where they stand."""
    for n in range(first, last):
        _show(n, world, desk, screen.now)
