"""Faults of the account: fills, fees, brackets, short positions, funding, delisting, what a policy is charged."""

from tests.sabotage.fault import Fault

__all__ = ["MONEY"]

SIMULATOR = "tests/unit/simulator"

MONEY = (
    Fault(
        "orders fill at the close that decided them",
        "simulator/settle.py",
        "if rules.at_close and money[ORDERS] > 0.0:",
        "if money[ORDERS] > 0.0:",
        (f"{SIMULATOR}/test_settle.py::test_one_round_trip_by_hand",),
        "nobody trades at a price that had to be known first",
        mode="kernel",
    ),
    Fault(
        "fees are paid to the account",
        "simulator/fill.py",
        "account.money[CASH] -= (now - units) * price + cost",
        "account.money[CASH] -= (now - units) * price - cost",
        (f"{SIMULATOR}/test_settle.py::test_one_round_trip_by_hand",),
        "the more it trades the more it earns",
        mode="kernel",
    ),
    Fault(
        "only the way out costs a fee",
        "simulator/fill.py",
        "cost_of(size, price, rate, fill.impact, rules)",
        "cost_of(fill.closing, price, rate, fill.impact, rules)",
        (f"{SIMULATOR}/test_settle.py::test_one_round_trip_by_hand",),
        "half of the costs are missing",
        mode="kernel",
    ),
    Fault(
        "slippage is a gift",
        "simulator/fill.py",
        "notional * (rules.spread + rules.slippage)",
        "notional * (rules.spread - rules.slippage)",
        (f"{SIMULATOR}/test_options.py::test_slippage_is_always_adverse",),
        "the price runs towards the order",
        mode="kernel",
    ),
    Fault(
        "the target comes before the stop",
        "simulator/hold.py",
        "if feed.low[t, a] <= stop:",
        "if feed.low[t, a] <= stop and feed.high[t, a] < take:",
        (f"{SIMULATOR}/test_options.py::test_a_bracket_in_the_bar_after_the_entry",),
        "a bar that holds both is always won",
        mode="kernel",
    ),
    Fault(
        "a gap through the stop is filled at the stop",
        "simulator/hold.py",
        "return smaller(start, stop), BY_STOP",
        "return stop, BY_STOP",
        (f"{SIMULATOR}/test_options.py::test_a_bracket_in_the_bar_after_the_entry",),
        "losses overnight are made small",
        mode="kernel",
    ),
    Fault(
        "a short is worth its price",
        "simulator/settle.py",
        "equity += units * asset[a, MARK]",
        "equity += abs(units) * asset[a, MARK]",
        (f"{SIMULATOR}/test_settle.py::test_a_short_that_loses_more_than_everything_ends_at_zero_and_stays_there",),
        "shorts gain when prices rise",
        mode="kernel",
    ),
    Fault(
        "longs receive the funding",
        "simulator/hold.py",
        "paid = units * (feed.open[t, a] if feed.present[t, a] else asset[a, MARK]) * rate",
        "paid = -units * (feed.open[t, a] if feed.present[t, a] else asset[a, MARK]) * rate",
        (f"{SIMULATOR}/test_options.py::test_funding_is_due_at_its_own_times_on_what_is_held_into_the_open",),
        "a perpetual pays for being held the wrong way round",
        mode="kernel",
    ),
    Fault(
        "a delisted asset keeps its value",
        "simulator/hold.py",
        "0.0 if feed.present[t, a] else asset[a, MISSING] + 1.0",
        "0.0 if feed.present[t, a] else 1.0",
        (f"{SIMULATOR}/test_settle.py::test_a_delisted_asset_is_closed_at_its_last_price_and_not_bought_back",),
        "what can no longer be sold stands in the equity for ever",
        mode="kernel",
    ),
    Fault(
        "the first trade is free",
        "truth/trading.py",
        "np.abs(np.diff(weights_ST, axis=1, prepend=0.0))",
        "np.abs(np.diff(weights_ST, axis=1, prepend=weights_ST[:, :1]))",
        ("tests/unit/truth/test_first_trade.py",),
        "the way into the first position is not paid for",
    ),
    Fault(
        "the threshold is chosen on the bars it is judged on",
        "recipe/judging.py",
        'theta, year = bundle.thresholds["theta"], market.bars_per_year',
        'theta, year = __import__("edgeproof.recipe.trade").recipe.trade.choose(config, prepared, forecast, bars)'
        ".theta, market.bars_per_year",
        ("tests/unit/recipe/test_what_is_chosen_where.py",),
        "the best of twenty thresholds on sealed bars is no forecast",
    ),
    Fault(
        "a threshold that lost is kept",
        "backtest/run.py",
        "return float(thetas[best]) if growth[best] > 0.0 else None",
        "return float(thetas[best])",
        ("tests/unit/backtest/test_run.py::test_without_growth_the_model_never_trades",),
        "a model that lost at every threshold is traded all the same",
    ),
)
