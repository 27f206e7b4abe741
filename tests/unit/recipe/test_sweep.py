"""The rate that a sweep suggests: the smallest that is nearly as good as the best."""

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.core.errors import OptionError
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.rates import UPDATES, shortened_agent, suggested, weak
from edgeproof.recipe.templates import template_body
from edgeproof.rl.settings import PpoConfig

RATES = (1e-4, 1e-3, 1e-2, 1e-1)


def test_the_smallest_rate_that_reaches_nine_tenths_of_the_gain():
    assert suggested(RATES, (0.69, 0.61, 0.60, 2.0), 0.70) == 1e-3  # 0.09 of 0.10
    assert suggested(RATES, (0.69, 0.62, 0.60, 2.0), 0.70) == 1e-2


def test_nothing_is_suggested_where_nothing_was_learned():
    assert suggested(RATES, (0.70, 0.71, 0.72, 2.0), 0.70) is None
    assert suggested((), (), 0.70) is None


def test_a_gain_is_weak_where_luck_could_show_it():
    def points(values, errors):
        return [{"value": value, "gain_errors": errors} for value in values]

    learned = [0.70] * 15 + [0.65] * 5
    assert not weak(points(learned, 4.0), 0.69, 1)
    assert weak(points(learned, 1.9), 0.69, 1)
    assert weak(points([0.70] * 18 + [0.65] * 2, 4.0), 0.69, 1)  # two of twenty
    assert weak(points([0.70, None], 4.0), 0.69, 1)
    assert not weak(points([0.5, 0.6, 0.7], 4.0), 0.5, -1)  # more is better
    assert weak(points([0.65] * 5 + [0.70] * 15, 4.0), 0.69, 1)  # the smaller the rate the better
    assert weak(points([None] + [0.65] * 5 + [0.70] * 14, 4.0), 0.69, 1)


@given(st.lists(st.floats(0.1, 3.0), min_size=1, max_size=4), st.floats(0.1, 3.0))
def test_it_is_one_of_the_rates_and_better_than_nothing(losses, nothing):
    rates = RATES[: len(losses)]
    found = suggested(rates, losses, nothing)
    if min(losses) >= nothing:
        assert found is None
        return
    assert found is not None
    place = rates.index(found)
    assert losses[place] < nothing
    best = losses.index(min(losses))
    assert place <= best
    assert all(loss > losses[place] or index >= place for index, loss in enumerate(losses))


def test_a_point_of_an_agent_has_its_steps_and_no_schedule():
    """What the rate does is seen on the whole market: by one agent, without stages, at the same rate throughout."""
    more = ["agent.total_steps=1000000", "agent.curriculum=tasks", "combine={name: multi_start, seeds: 3}"]
    config = load_run_config(template_body("rl_training"), more)
    small = config.model_copy(update={"agent": config.agent.model_copy(update={"accounts": 64, "steps": 16})})
    short = shortened_agent(small, None).model_dump()
    assert short["agent"]["total_steps"] == 100_000
    assert shortened_agent(small, 20_000).model_dump()["agent"]["total_steps"] == 20_000
    assert (short["agent"]["schedule"], short["agent"]["warmup_share"]) == ("none", 0.0)
    assert (short["agent"]["curriculum"]["name"], short["combine"]["name"]) == ("none", "single")
    assert short["agent"]["gamma"] == config.model_dump()["agent"]["gamma"]


def test_a_point_of_an_agent_is_never_an_update_or_two():
    """65,536 steps of 128 accounts and 64 steps are 8 updates: a tenth of them would be one rollout."""
    agent = ["agent.total_steps=65536", "agent.accounts=128", "agent.steps=64"]
    config = load_run_config(template_body("rl_training"), agent)
    assert cast("PpoConfig", shortened_agent(config, None).agent).updates == UPDATES
    assert cast("PpoConfig", shortened_agent(config, 9 * 8192 + 1).agent).updates == UPDATES
    with pytest.raises(OptionError, match="write --steps 81920 or more"):
        shortened_agent(config, 9 * 8192)
