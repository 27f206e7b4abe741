"""Round trips are all written, none beside the table, however small a target is against the position."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.simulator import engines
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import Engine, simulate, simulate_curves, simulate_many
from edgeproof.simulator.opening import open_accounts
from edgeproof.simulator.options import Options
from edgeproof.simulator.track import REASONS
from tests.unit.simulator.cases import MONEY, market
from tests.unit.simulator.test_settle import check_against_the_second_account

FREE, ALWAYS = CostsConfig.free(), Options(rebalance="always")
SIZES = [0.0, 0.5, 0.3, 0.01, 1e-6, 1e-11, 1e-13, 2.8e-17, 1e-30, 5e-324]


def flat(weights, *, engine: Engine = "python", options=None):
    """One asset at a constant price of 100, decided at every bar, no costs."""
    count = len(weights)
    every = np.ones(count, bool)
    prices = np.full((1, count, 5), 100.0)
    targets = np.array([weights], float)
    return simulate(prices, every[np.newaxis], targets, every, FREE, options=options or Options(), engine=engine)


@pytest.mark.parametrize("engine", ["python", "njit"])
def test_a_target_lost_in_the_rounding_of_the_position_is_flat_and_every_round_trip_is_there(engine):
    # 0.005 - 0.005 + 2.8e-19 units is no number of its own: the account is flat at every odd target
    track = flat([0.5, 2.8e-17] * 10, engine=engine)
    assert len(track.trades) == 10
    assert track.trades["entry_bar"].tolist() == list(range(1, 20, 2))
    assert [REASONS[reason] for reason in track.trades["reason"]] == ["signal"] * 9 + ["end"]
    assert track.weights[1:, 0].tolist() == pytest.approx([0.5, 0.0] * 9 + [0.5])
    assert (track.weights[2::2] == 0.0).all()


def test_a_millionth_of_the_position_is_still_a_position():
    track = flat([0.5, 5e-7, 0.5, 0.0, 0.0])
    assert track.weights[:, 0].tolist() == pytest.approx([0.0, 0.5, 5e-7, 0.5, 0.0], rel=1e-6)
    assert track.trades["exit_bar"].tolist() == [4]


def test_a_table_that_is_too_short_grows_and_nothing_else_changes(monkeypatch):
    rng = np.random.default_rng(5)
    prices, present, every = market(rng, 3, 60), np.ones((3, 60), bool), np.ones(60, bool)
    many = rng.choice([-0.3, 0.0, 0.3], (4, 3, 60))
    whole = simulate_many(prices, present, many, every, CostsConfig())
    monkeypatch.setattr("edgeproof.simulator.opening._most_trades", lambda *_: 1)
    for engine in ("python", "njit"):
        grown = simulate_many(prices, present, many, every, CostsConfig(), engine=engine)
        for one, other in zip(grown, whole, strict=True):
            assert len(one.trades) > 1
            assert one.trades.tobytes() == other.trades.tobytes()
            assert all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in MONEY)
    curves = simulate_curves(prices, present, many, every, CostsConfig())
    assert [trades.tobytes() for trades in curves.trades] == [track.trades.tobytes() for track in whole]


@pytest.mark.parametrize("weights", [[-0.9, -0.9, -0.9, -0.9], [0.9, 0.0, 0.9, 0.9]])
def test_no_row_is_written_past_the_table(weights):
    prices = np.full((1, 4, 5), 100.0)
    prices[0, 2:, :4] = 1000.0  # the short is ruined
    every = np.ones((1, 4), bool)
    rules = engines.rules_of(FREE, Options(), funded=False)
    feed = engines.feed_of(prices, every, FREE, Options(), engines.NOTHING)
    for engine in ("python", "njit"):
        accounts = open_accounts(np.array([[weights]]), every, Options(), kept=1, room=0)
        store = np.full((1, 2, 11), -7.0)
        engines._engine(engine)(feed, accounts._replace(trades=store[:, :0]), rules)
        assert (store == -7.0).all()
        assert accounts.money[0, 4] >= 1.0  # it is counted all the same


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from([Options(), ALWAYS, Options(delisting_bars=1), Options(lot=0.01)]))
def test_tiny_and_continuous_targets_agree_in_both_engines_and_with_the_second_account(data, options):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    assets, count = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 24))
    sizes = rng.choice(data.draw(st.lists(st.sampled_from(SIZES), min_size=2, max_size=4)), (assets, count)) / assets
    if data.draw(st.booleans()):
        sizes = sizes * rng.uniform(0.5, 1.0, sizes.shape)
    weights = sizes * rng.choice([1.0, data.draw(st.sampled_from([1.0, -1.0]))], sizes.shape)
    prices, present = market(rng, assets, count, 0.05), rng.random((assets, count)) > 0.1
    decided = rng.random((assets, count)) < data.draw(st.sampled_from([0.5, 1.0]))
    one, other = (
        simulate(prices, present, weights, decided, CostsConfig(), options=options, engine=engine)
        for engine in ("python", "njit")
    )
    assert one.trades.tobytes() == other.trades.tobytes()
    assert all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in MONEY)
    check_against_the_second_account((prices, present, weights, decided), CostsConfig(), options)
