"""Plots: thinning keeps every extreme, and plotly's own validator accepts what is drawn."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgeproof.report.page as page_module
from edgeproof.report.backtest import drawdown_figure, equity_figure, return_figure
from edgeproof.report.chart import MAX_POINTS, line, plot, share_scale, thin
from edgeproof.report.costs import cost_figure
from edgeproof.report.forecast import calibration_figure, oracle_figure, threshold_figure
from edgeproof.report.part import Figure
from edgeproof.report.training import training_section

from . import runs

values = st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=400)


@given(values, st.integers(4, 60))
def test_thinning_keeps_ends_and_extremes_and_order(numbers, limit):
    y = np.array(numbers, dtype=np.float64)
    x = np.arange(len(y))
    across, up = thin(x, y, limit)
    finite = y[np.isfinite(y)]
    assert len(up) <= max(limit, 0)
    assert (np.diff(across) > 0).all()
    assert (y[across] == up).all()
    if len(finite):
        assert up.min() == finite.min()
        assert up.max() == finite.max()
        assert (up[0], up[-1]) == (finite[0], finite[-1])


def test_one_spike_in_a_million_bars_is_still_drawn():
    y = np.zeros(1_000_000)
    y[123_457], y[777_777] = 5.0, -7.0
    across, up = thin(np.arange(len(y)), y)
    assert len(up) <= MAX_POINTS
    assert 5.0 in up
    assert across[np.argmin(up)] == 777_777


def test_a_short_line_is_left_as_it_is():
    across, up = thin([1, 2, 3], [0.5, float("nan"), 0.25], 100)
    assert across.tolist() == [1, 3]
    assert up.tolist() == [0.5, 0.25]


def figures(run: Any) -> list[Figure]:
    grid: Any = training_section(run.history, run.verdict).blocks[0]
    found = [
        equity_figure(run.track),
        drawdown_figure(run.track),
        cost_figure(run.track),
        return_figure(run.track),
        calibration_figure(run.predictions),
        threshold_figure(run.thresholds),
        oracle_figure(run.verdict),
        *grid.blocks,
    ]
    assert all(figure is not None for figure in found)
    return [figure for figure in found if figure is not None]


def theme() -> set[str]:
    style = (Path(page_module.__file__).parent / "pages" / "style.css.j2").read_text()
    return set(re.findall(r"--([\w-]+):", style))


def painted(value: Any, key: str, names: set[str]) -> Any:
    """The figure with every colour of the theme replaced, as the page does it."""
    if isinstance(value, str) and value.startswith("@"):
        assert key.lower().endswith("color"), key
        assert value[1:] in names, f"{value} is no colour of the theme"
        return "#123456"
    if isinstance(value, dict):
        return {name: painted(item, name, names) for name, item in value.items()}
    if isinstance(value, list):
        return [painted(item, key, names) for item in value]
    return value


@pytest.mark.parametrize("opened", [True, False])
def test_every_figure_is_valid_plotly_in_theme_colours_with_words(opened):
    names = theme()
    for figure in figures(runs.run(bars=6000, opened=opened)):
        assert figure.caption
        assert figure.conclusion.endswith(".")
        body = painted(figure.plot, "", names)
        go.Figure(**body)
        assert all(len(trace["x"]) == len(trace["y"]) <= MAX_POINTS for trace in body["data"])


def test_a_shared_scale_holds_both_plots():
    low = plot([line([0, 1], [1.0, 2.0], name="a", color="@net")], x={}, y={})
    high = plot([line([0, 1], [3.0, 11.0], name="b", color="@net")], x={}, y={})
    ranges = [drawn["layout"]["yaxis"]["range"] for drawn in share_scale([low, high])]
    assert ranges == [[0.6, 11.4]] * 2
    assert "range" not in low["layout"]["yaxis"]
    growth = plot([line([0, 1], [1.0, 100.0], name="c", color="@net")], x={}, y={"type": "log"})
    assert share_scale([low, growth])[0]["layout"]["yaxis"]["range"] == pytest.approx([-0.08, 2.08])
