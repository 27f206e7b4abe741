"""The ground of agents: an account has its share of the book's money, and validation has to have something to say."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from edgeproof.backtest.policies.follow import FollowConfig
from edgeproof.core.errors import DataError
from edgeproof.core.progress import silent
from edgeproof.recipe.agent import Ground, agent_forecast, learn_agent
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.templates import template_body

BARS = 40
FREE = ["costs={commission_bps: 0.0, half_spread_bps: 0.0}", "window=2"]


def ground(*overrides, symbols=4, ready=True) -> Ground:
    """Prices that never move."""
    present = np.ones((symbols, BARS), bool)
    panel = SimpleNamespace(prices=np.ones((symbols, BARS, 5)), present=present, interval_ns=3_600 * 10**9)
    table = SimpleNamespace(ready=present & ready)
    prepared: Any = SimpleNamespace(panel=panel, table=table)
    config = load_run_config(template_body("rl_training"), [*FREE, *overrides])
    return Ground(config, prepared, np.zeros((symbols, BARS, 2), np.float32))


def held(layout):
    del layout
    return lambda seen: torch.full((len(seen.dense),), 2)


@pytest.mark.parametrize("symbols", [2, 4])
@pytest.mark.parametrize("exposure", [1.0, 2.0])
def test_costs_that_depend_on_size_are_those_of_the_book(symbols, exposure):
    """A fee of 1 a trade on 100 in the book: a position of one symbol is 100 x exposure / symbols of it."""
    more = ["costs.commission_minimum=1.0", "account.start=100", "account.leverage=2", f"exposure={exposure}"]
    walked = ground(*more, symbols=symbols).walk(held, slice(0, BARS))
    assert walked is not None
    earned = walked[0].earned[0].sum(axis=1)
    assert earned == pytest.approx(math.log1p(-symbols / (100 * exposure)), rel=2e-2)


def test_what_is_decided_in_the_last_bar_and_before_a_ruin_is_what_was_asked_for():
    """The account begins anew in the step that ends it, flat: that is no decision of the agent."""
    world = ground()
    world.prepared.panel.prices[1, 5:, :4] = 3.0
    walked = world.walk(lambda _: lambda seen: torch.zeros(len(seen.dense), dtype=torch.long), slice(0, BARS))
    assert walked is not None
    made, position = walked[0].made[0], walked[0].position[0]
    assert made.sum(axis=1).tolist() == [BARS - 2, 4, BARS - 2, BARS - 2]
    assert (position == np.where(made, -1.0, 0.0)).all()


def test_validation_without_a_ready_window_is_said_before_anything_is_trained(tmp_path):
    recorded: list[str] = []
    nothing = ground(ready=False)
    assert nothing.walk(held, slice(0, BARS)) is None
    with pytest.raises(DataError, match="validation bars 30:40 hold no ready window"):
        learn_agent(
            nothing,
            train=slice(0, 30),
            validation=slice(30, BARS),
            record=recorded.append,
            folder=tmp_path,
            write=silent,
        )
    assert not recorded


def test_a_span_with_ready_bars_but_no_whole_window_has_no_account():
    scattered = ground()
    scattered.prepared.table.ready[:, ::2] = False
    assert scattered.walk(held, slice(0, BARS)) is None


@pytest.mark.parametrize("place", [5, BARS - 2, None])
def test_a_ruined_account_says_that_its_position_is_over(place):
    """Sold short before a price trebles; the book, of which it is a part, must not hold on to it."""
    world = ground()
    if place is not None:
        world.prepared.panel.prices[1, place:, :4] = 3.0
    short: Any = SimpleNamespace(decide=lambda seen, account: torch.zeros(len(seen), dtype=torch.long))
    told = agent_forecast(world, short, [slice(0, BARS)], sha="")
    decide = np.ones(BARS, bool)
    weights = FollowConfig().weights(told.probability, told.made, decide, 0.5, 1) * 4
    assert (weights[[0, 2, 3], 1:] == -1.0).all()
    assert (weights[1] == np.where(np.arange(BARS) < (place or BARS), weights[0], 0.0)).all()


def test_an_agent_of_the_processor_is_the_trial_that_it_was_before_there_were_other_devices():
    assert "device" not in ground().config.trial_identity()["agent"]
    assert ground("agent.device=cuda").config.trial_identity()["agent"]["device"] == "cuda"
