"""The report's paths: how the folds fared where they were not chosen, and that it decides nothing."""

from datetime import timedelta
from io import StringIO
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from edgeproof.evaluate.paths import distribution
from edgeproof.report.console import print_verdict
from edgeproof.report.data import timeline
from edgeproof.report.number import DASH, MINUS
from edgeproof.report.paths import MOST_LINES, folds_table, paths_figure, paths_section, sharpe_figure, spread_table
from edgeproof.report.run import run_page
from edgeproof.report.verdict import key_figures
from tests.unit.report import runs


def stretch(first: int, last: int) -> dict[str, Any]:
    times = [(runs.START + timedelta(hours=hour)).strftime("%Y-%m-%d %H:%M") for hour in (first, last)]
    return {"start": times[0], "end": times[1], "bars": last - first}


def body(sharpes: list[float | None], *, folds: int = 4) -> dict[str, Any]:
    paths = [
        {"sharpe": value, "total_return": value and value / 10, "max_drawdown": 0.1, "bars": 400} for value in sharpes
    ]
    for path in paths:
        path |= {"sharpe_low": None, "sharpe_high": None}
    rows = [
        {
            "fold": number,
            "train": stretch(0, 1000),
            "validation": stretch(1000, 1200),
            "test": [stretch(1200 + 100 * number, 1300 + 100 * number)],
            "validation_auc": 0.56,
            "auc": 0.54,
            "validation_sharpe": 9.0,
            "sharpe": None if number == 2 else 1.0 - number,
            "total_return": 0.02,
        }
        for number in range(folds)
    ]
    spread = {key: distribution(paths, key) for key in ("sharpe", "total_return", "max_drawdown")}
    return {"folds": rows, "paths": paths, "distribution": spread}


def table(paths: int, bars: int = 400) -> pl.DataFrame:
    draw = np.random.default_rng(0)
    frames = [
        pl.DataFrame(
            {
                "close_time": runs.moments(1200, bars),
                "path": np.full(bars, number),
                "fold": np.arange(bars) * 4 // bars,
                "equity": np.cumprod(1 + 0.001 * draw.standard_normal(bars)),
            }
        )
        for number in range(paths)
    ]
    return pl.concat(frames)


def test_no_test_blocks_no_section():
    run = runs.run("edge")
    assert paths_section(run.paths, run.verdict) == []
    assert paths_section(run.paths, dict(run.verdict) | {"paths": None}) == []


def test_one_path_is_told_with_its_handovers():
    found = body([2.5])
    found["paths"][0] |= {"sharpe_low": -0.5, "sharpe_high": 5.0}
    (section,) = paths_section(table(1), {"paths": found})
    assert "never decides" in section.lead
    text = section.blocks[0].text  # pyright: ignore[reportAttributeAccessIssue]
    assert f"One path over 400 bars: net Sharpe 2.50 (95% interval {MINUS}0.50 to 5.00), 25.0% after costs." in text
    drawn = paths_figure(table(1), found)
    assert len(drawn.plot["data"]) == 1
    assert len(drawn.plot["layout"]["shapes"]) == 3  # four folds
    assert [block.kind for block in section.blocks] == ["text", "figure", "figure", "table"]


def test_many_paths_are_told_as_a_distribution():
    found = body([3.0, -1.0, 1.0, 2.0])
    (section,) = paths_section(table(4), {"paths": found})
    text = section.blocks[0].text  # pyright: ignore[reportAttributeAccessIssue]
    assert f"4 paths: net Sharpe {MINUS}1.00 to 3.00, median 1.50; 1 below zero." in text
    assert [block.kind for block in section.blocks] == ["text", "figure", "figure", "table", "table"]
    rows = [[cell.text for cell in row] for row in spread_table(found).rows]
    assert rows[0] == ["Sharpe, net", "1.25", "1.71", MINUS + "1.00", "0.50", "1.50", "2.25", "3.00", "25.0%"]
    assert rows[2][-1] == DASH
    figure = sharpe_figure(found)
    assert figure is not None
    assert figure.plot["data"][0]["y"] == [-1.0, 1.0, 2.0, 3.0]
    assert "no standard error" in figure.caption


def test_lines_are_limited_and_said_to_be():
    drawn = paths_figure(table(MOST_LINES + 3, 60), body([1.0] * (MOST_LINES + 3)))
    assert len(drawn.plot["data"]) == MOST_LINES
    assert "3 more are in paths.parquet" in drawn.caption


def test_a_fold_that_never_trades_says_why_it_has_no_sharpe():
    found = folds_table(body([1.0]))
    assert [row[7].text for row in found.rows] == ["1.00", "0.00", DASH, MINUS + "2.00"]
    assert dict(found.reasons) == {"the model never trades, or its returns do not vary": "3"}
    assert "60" not in found.caption
    assert "2 more are in verdict.json" in folds_table(body([1.0], folds=62)).caption


def test_the_console_says_it_in_two_sentences():
    console = Console(width=100, record=True, file=StringIO())
    print_verdict(dict(runs.verdict("edge", opened=False)) | {"paths": body([3.0, -1.0, 1.0])}, console)
    text = " ".join(console.export_text().replace("│", " ").split())
    assert (
        f"4 folds, each trained and given its threshold without its own test bars. 3 paths: net Sharpe {MINUS}1.00"
        in text
    )
    assert "Out of sample, decides nothing" in text


def test_the_timeline_shows_the_test_before_the_seal():
    run = runs.run("edge", opened=False)
    validation = {"start": stretch(1000, 1200)["start"], "end": stretch(1000, 1200)["end"]}
    drawn = timeline(dict(run.verdict) | {"paths": body([1.0]), "validation": validation}, run.track)
    assert drawn is not None
    assert [part["role"] for part in drawn.segments] == ["train", "validation", "test", "sealed"]
    days = [part["start"] for part in drawn.segments]
    assert days == ["2021-01-01", "2021-02-11", "2021-02-20", "2021-03-08"]


@pytest.mark.parametrize("sharpes", [[2.0], [2.0, None, -1.0], [None]])
def test_the_page_holds_the_chapter(sharpes):
    run = runs.run("edge")
    page = run_page(
        type(run)(
            **vars(run) | {"verdict": dict(run.verdict) | {"paths": body(sharpes)}, "paths": table(len(sharpes))}
        ),
        ["paths"],
    )
    assert "Out-of-sample paths" in page
    assert len(page) < 2_000_000


@pytest.mark.parametrize(
    ("sharpes", "value", "note"),
    [([2.0], "2.00", "one path over 400 bars"), ([3.0, -1.0, 1.0], "1.00", "median of 3 paths, \u22121.00 to 3.00")],
)
def test_the_banner_leads_with_what_was_not_chosen_until_the_opening(sharpes, value, note):
    found = body(sharpes)
    first = key_figures(runs.verdict("inconclusive", opened=False) | {"paths": found})[0]
    assert (first.label, first.value, first.note) == ("Sharpe, out of sample", value, f"{note}; decides nothing")
    opened = [item.label for item in key_figures(runs.verdict("edge", opened=True) | {"paths": found})]
    assert opened[:2] == ["Net Sharpe", "Sharpe, out of sample"]
    assert key_figures(runs.verdict("inconclusive", opened=False))[0].label == "Net Sharpe"
