"""Console text: complete, without markup from data, and readable at any width."""

import io

import pytest
from rich.console import Console

from edgeproof.core.finding import Finding
from edgeproof.report.console import print_demo, print_findings, print_verdict, verdict_html
from edgeproof.report.verdict import GUARDS

from . import runs


def console(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=False, color_system=None)


def text_of(screen: Console) -> str:
    stream = screen.file
    assert isinstance(stream, io.StringIO)
    return stream.getvalue()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_verdict_shows_answer_figures_guards_and_report(width):
    screen = console(width)
    print_verdict(runs.verdict("edge", opened=True), screen, report="runs/first/report.html")
    text = text_of(screen)
    assert "EDGE" in text
    assert "6.90" in text
    assert text.count("✓") == 10
    assert "Report: runs/first/report.html" in text
    assert max(len(line) for line in text.splitlines()) <= width


def test_the_demo_is_side_by_side_where_there_is_room():
    planted, noise = runs.verdict("edge", opened=True), runs.verdict("no_edge", opened=True)
    wide, narrow = console(120), console(60)
    print_demo(planted, noise, wide, report="demo/report.html")
    print_demo(planted, noise, narrow, report="demo/report.html")
    heads = [line for line in text_of(wide).splitlines() if "EDGE" in line]
    assert len(heads) == 1
    assert "Planted edge: EDGE" in heads[0]
    assert "Pure noise: NO EDGE" in heads[0]
    assert all(
        text_of(screen).count(name) == 2 for screen in (wide, narrow) for name in ("Timing beats", "by survival")
    )
    tiny = console(48)
    print_demo(planted, noise, tiny)
    assert text_of(tiny).count("p_timing") == 2
    assert "looks absurd because" in " ".join(text_of(narrow).split())
    assert "demo/report.html" in text_of(narrow).splitlines()[-1]


def test_square_brackets_in_data_are_not_markup():
    screen = console(120)
    print_findings([Finding("quality.gaps", "warning", "[bold]x[/bold]", {}, "[red]S", "do [this]")], screen)
    text = text_of(screen)
    assert "[red]S: [bold]x[/bold]" in text
    assert "do [this]" in text
    body = runs.verdict("no_edge", opened=True)
    body["reasons"][0] |= {"text": "[/] [link]", "value": None}
    print_verdict(body, screen)
    assert "[/] [link]" in text_of(screen)


def test_many_findings_are_cut_and_counted():
    screen = console(100)
    print_findings([Finding("quality.gaps", "warning", f"gap {k}") for k in range(40)], screen)
    assert "and 28 more of level warning" in text_of(screen)
    print_findings([], screen)
    assert "nothing to report" in text_of(screen)


def test_the_fragment_for_notebooks_counts_the_guards():
    text = verdict_html(runs.verdict("inconclusive", opened=False))
    assert "inconclusive" in text
    assert "7 passed, 3 after opening" in text
    assert len(GUARDS) == 10
