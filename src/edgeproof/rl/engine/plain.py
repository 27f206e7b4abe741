"""The plain case as constants: one asset an account, costs in proportion, log growth. It runs a fifth faster.

The kernel asks at every bar whether there is impact, a margin, a lot, and loops over assets. What a plain world fixes
is stated here once, so that the compiler leaves out what it rules out. The source is the same, and so is every bit.
"""

from numba.extending import register_jitable

from edgeproof.rl.engine.desk import Desk, Screen, World
from edgeproof.rl.engine.hints import granted
from edgeproof.rl.engine.kernel import step_accounts
from edgeproof.rl.reward import LOG_GROWTH, Price
from edgeproof.simulator.account import Rules

__all__ = ["is_plain", "step_plain_accounts"]


def is_plain(world: World, desk: Desk) -> bool:
    """Whether nothing changes where the plain case is taken for granted."""
    one = desk.accounts.asset.shape[1] == 1
    return one and world.price.kind == LOG_GROWTH and _rules(world.rules) == world.rules


@register_jitable(forceinline=True)
def _rules(rules: Rules) -> Rules:
    """These rules with everything off but proportional costs, the exposure limit and fixed brackets."""
    return Rules(
        commission=rules.commission,
        maker=rules.maker,
        spread=rules.spread,
        slippage=rules.slippage,
        per_unit=0.0,
        minimum=0.0,
        borrow=0.0,
        interest=0.0,
        gross_limit=rules.gross_limit,
        margin=0.0,
        penalty=rules.penalty,
        lot=0.0,
        smallest=0.0,
        turnover=0.0,
        stop=rules.stop,
        take=rules.take,
        stop_volatilities=0.0,
        take_volatilities=0.0,
        bracket_bars=rules.bracket_bars,
        delisting_bars=0,
        always=False,
        carry=False,
        capped=False,
        impacted=False,
        funded=False,
        bracketed=rules.bracketed,
        in_volatilities=False,
        convex=False,
        at_close=False,
        brief=rules.brief,
    )


@register_jitable(forceinline=True)
def _price(price: Price) -> Price:
    """Log growth."""
    return Price(
        kind=LOG_GROWTH,
        scale=price.scale,
        rate=price.rate,
        weights=price.weights,
        exploration_steps=price.exploration_steps,
        around=price.around,
    )


@register_jitable(forceinline=True)
def _plainly(world: World) -> World:
    """The same world; what is plain about it is a constant."""
    return World(
        key=world.key,
        rules=_rules(world.rules),
        feed=world.feed,
        table=world.table,
        width=world.width,
        volatility=world.volatility,
        regime=world.regime,
        starts=world.starts,
        random=world.random,
        bars=world.bars,
        last=world.last,
        episode_bars=world.episode_bars,
        window=world.window,
        gathered=world.gathered,
        start_money=world.start_money,
        price=_price(world.price),
    )


@register_jitable
def step_plain_accounts(first: int, last: int, world: World, desk: Desk, screen: Screen) -> None:
    """As `step_accounts`, of a plain world alone."""
    granted(desk.accounts.asset.shape[1] == 1)
    step_accounts(first, last, _plainly(world), desk, screen)
