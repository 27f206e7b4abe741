"""The list of trades: the moments of entry and exit, and sums that are the track's to the last cent."""

import numpy as np
import polars as pl
import pytest

from edgeproof.core.clock import HOUR_NS
from edgeproof.recipe.tables import trades_table
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import COST_KINDS


def bars(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (3, count)), axis=1))
    opened = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    high, low = np.maximum(opened, close) * 1.001, np.minimum(opened, close) * 0.999
    return np.stack([opened, high, low, close, np.full_like(close, 1e6)], axis=2), np.ones((3, count), bool)


def test_entry_and_exit_by_hand():
    prices, present = np.ones((1, 6, 5)), np.ones((1, 6), bool)
    prices[0, 4, [1, 3]] = 1.2  # reaches the target of the second trade in its bar
    weights = np.array([[1.0, 0.0, -1.0, 1.0, 1.0, 1.0]])
    track = simulate(
        prices, present, weights, np.ones(6, bool), CostsConfig(), options=Options(start=1000.0, take_profit=0.1)
    )
    close_time = (np.arange(6) + 1) * HOUR_NS
    rows = trades_table(track, ["COIN"], close_time, HOUR_NS, "sealed").to_dicts()
    told = [(row["side"], row["reason"], row["bars"], row["entry_time"].hour, row["exit_time"].hour) for row in rows]
    # filled at the opens of bars 1, 3 and 4; the target is known at the close of bar 4
    assert told == [("long", "signal", 1, 1, 2), ("short", "signal", 1, 3, 4), ("long", "target", 1, 4, 5)]
    assert rows[0]["equity"] == 1000.0
    assert {row["symbol"] for row in rows} == {"COIN"}


@pytest.mark.parametrize(
    "options",
    [
        Options(delisting_bars=5),
        Options(stop_loss=0.01, take_profit=0.02, bracket_bars=9),
        Options(start=1e5, participation=0.1, lot=1.0, rebalance="always"),
        Options(leverage=3.0, maintenance_margin=0.25, liquidation_bps=20.0),
    ],
)
def test_trades_sum_to_the_track_and_each_to_its_net(options):
    prices, present = bars(400)
    present[1, 200:230] = False
    rng = np.random.default_rng(1)
    weights = np.repeat(rng.uniform(-1, 1, (3, 50)) * (options.leverage or 1.0) / 3, 8, axis=1)
    costs = CostsConfig(slippage_bps=2.0, borrow_bps_per_bar=0.5, interest_bps_per_bar=0.2)
    track = simulate(prices, present, weights, np.ones(400, bool), costs, options=options)
    rows = trades_table(track, ["A", "B", "C"], (np.arange(400) + 1) * HOUR_NS, HOUR_NS, "validation")
    assert len(rows) > 50
    scale = options.start
    assert abs(rows["gross"].sum() - track.gross.sum()) < 1e-9 * scale
    assert abs(rows["cost"].sum() - track.costs.sum()) < 1e-9 * scale
    for kind in COST_KINDS:
        assert abs(rows[kind].sum() - getattr(track, kind).sum()) < 1e-9 * scale
    assert rows.select((pl.sum_horizontal(COST_KINDS) - pl.col("cost")).abs().max()).item() < 1e-9 * scale
    assert abs(rows["net"].sum() - (track.equity[-1] - track.equity[0])) < 1e-9 * scale
    assert rows.select((pl.col("gross") - pl.col("cost") - pl.col("net")).abs().max()).item() < 1e-9 * scale
    assert (rows["bars"] >= 0).all()
    assert (rows["exit_time"] >= rows["entry_time"]).all()


def test_no_trades_are_a_table_without_rows():
    prices, present = bars(10)
    track = simulate(prices, present, np.zeros((3, 10)), np.ones(10, bool), CostsConfig())
    rows = trades_table(track, ["A", "B", "C"], (np.arange(10) + 1) * HOUR_NS, HOUR_NS, "sealed")
    assert (len(rows), rows.schema["entry_time"]) == (0, pl.Datetime("ns", "UTC"))
