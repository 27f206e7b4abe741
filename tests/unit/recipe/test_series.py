"""Series of several runs are compared bar for bar, forecast for forecast."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from edgeproof.recipe.series import shared_losses, shared_returns

START = datetime(2024, 1, 1, tzinfo=UTC)


def forecasts(rows):
    """Rows of (hour, symbol, probability, label), all on validation."""
    hours, symbols, p, y = zip(*rows, strict=True)
    when = [START + timedelta(hours=hour) for hour in hours]
    return pl.DataFrame({"close_time": when, "symbol": symbols, "probability": p, "label": y, "span": "validation"})


def test_a_run_that_forecasts_fewer_symbols_is_compared_on_these_alone():
    both = forecasts([(0, "A", 0.5, 1), (0, "B", 0.001, 1), (1, "A", 0.5, 0), (2, "A", 0.9, None)])
    one = forecasts([(0, "A", 0.5, 1), (1, "A", 0.25, 0), (2, "A", 0.9, None)])
    bars, count = shared_losses([both, one], "validation")
    assert count == 2
    assert bars["0"].to_list() == pytest.approx([0.693147, 0.693147], abs=1e-6)  # ln 2: B's bad forecast is no part
    assert bars["1"].to_list() == pytest.approx([0.693147, 0.287682], abs=1e-6)  # -ln 0.75


def test_forecasts_of_different_labels_are_not_compared():
    up, down = forecasts([(0, "A", 0.5, 1)]), forecasts([(0, "A", 0.5, 0)])
    bars, count = shared_losses([up, down], "validation")
    assert (len(bars), count) == (0, 0)


def test_returns_stand_side_by_side_on_the_bars_of_all():
    tracks = [
        pl.DataFrame({"close_time": [START + timedelta(hours=hour) for hour in hours], "net_return": values})
        for hours, values in (((0, 1, 2), (0.1, 0.2, 0.3)), ((2, 1, 1), (0.5, 0.6, 0.6)))
    ]
    assert shared_returns(tracks).drop("close_time").rows() == [(0.2, 0.6), (0.3, 0.5)]
