"""Decision bars follow the calendar."""

import numpy as np
import pytest

from edgeproof.core.clock import HOUR_NS
from edgeproof.core.errors import ConfigError
from edgeproof.labels import decision_bars
from tests.unit.features.panels import random_panel


def test_every_sixth_hour_of_the_day():
    panel = random_panel(1, 30, 0)  # closes at 01:00, 02:00, ...
    chosen = decision_bars(panel, 6)
    assert (panel.close_time[chosen] // HOUR_NS).tolist() == [6, 12, 18, 24, 30]
    assert decision_bars(panel, 1).all()


def test_the_start_of_the_data_moves_no_decision():
    panel = random_panel(1, 30, 0)
    whole = decision_bars(panel, 4)
    later = type(panel)(**{**panel.__dict__, "close_time": panel.close_time[7:]})
    np.testing.assert_array_equal(decision_bars(later, 4), whole[7:])


def test_below_one_is_refused():
    with pytest.raises(ConfigError, match="decide_every: 0 is below 1"):
        decision_bars(random_panel(1, 5, 0), 0)
