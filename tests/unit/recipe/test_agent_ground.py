"""The ground of agents: an account has its share of the book's money, and validation has to have something to say."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from edgeproof.core.errors import DataError
from edgeproof.core.progress import silent
from edgeproof.recipe.agent import Ground, learn_agent
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
