"""Evidence of a span is cut from a track as it is."""

import numpy as np
import pytest

from edgeproof.evaluate.figures import in_market, trading_figures
from edgeproof.verdict.evidence import span_evidence
from tests.unit.evaluate.test_figures import HAND

CLOSE = np.arange(1, 7) * 10


def test_a_span_of_a_track():
    hold = np.arange(6) / 1000
    part = span_evidence(HAND, hold, CLOSE, bars=slice(1, 5), bars_per_year=6, forecast={"auc": 0.5})
    assert (part.start_ns, part.end_ns) == (20, 50)
    np.testing.assert_array_equal(part.net, HAND.net_return[1:5])
    np.testing.assert_array_equal(part.gross, HAND.gross_return[1:5])
    np.testing.assert_array_equal(part.hold, hold[1:5])
    np.testing.assert_array_equal(part.in_market, in_market(HAND)[1:5])
    assert part.figures == trading_figures(HAND, bars_per_year=6, span=slice(1, 5), hold_return=hold)
    assert part.forecast == {"auc": 0.5}


def test_the_whole_track_is_the_default():
    assert len(span_evidence(HAND, np.zeros(6), CLOSE, bars_per_year=6).net) == 6


def test_an_empty_span_is_refused():
    with pytest.raises(ValueError, match="no bar"):
        span_evidence(HAND, np.zeros(6), CLOSE, bars=slice(6, 6), bars_per_year=6)
