"""Every registered rule of regimes: a code for each bar, names for the codes, and no bar that knows a later one."""

from dataclasses import replace

import numpy as np
import pytest

from edgeproof.core.catalog import whole
from edgeproof.core.clock import DAY_NS
from edgeproof.regimes import REGIMES, UNKNOWN, Regimes
from tests.unit.features.panels import rough_panel

EVERY = whole(REGIMES, "regimes")
BARS = 400
PANEL = replace(rough_panel(3, BARS, 21), interval_ns=DAY_NS)


def regimes_of(name: str, panel=PANEL) -> Regimes:
    return EVERY[name]().regimes(panel)  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("name", EVERY)
def test_codes_and_names(name: str):
    assert EVERY[name]().name == name  # pyright: ignore[reportAttributeAccessIssue]
    found = regimes_of(name)
    assert (found.code.shape, found.code.dtype) == ((BARS,), np.int8)
    assert found.code.min() >= UNKNOWN
    assert found.code.max() < len(found.names) == len(set(found.names))
    assert (found.code != UNKNOWN).sum() > 100
    assert found.rule.endswith(".")


@pytest.mark.parametrize("name", EVERY)
def test_no_bar_knows_a_later_one(name: str):
    was, draw = regimes_of(name).code, np.random.default_rng(0)
    for at in draw.integers(60, BARS - 1, 15):
        prices = PANEL.prices.copy()
        prices[:, at + 1 :] *= np.exp(draw.standard_normal(prices[:, at + 1 :].shape))
        np.testing.assert_array_equal(was[: at + 1], regimes_of(name, replace(PANEL, prices=prices)).code[: at + 1])
        end = slice(None, at + 1)
        cut = replace(
            PANEL,
            prices=PANEL.prices[:, end],
            present=PANEL.present[:, end],
            open_time=PANEL.open_time[end],
            close_time=PANEL.close_time[end],
        )
        np.testing.assert_array_equal(was[end], regimes_of(name, cut).code)
