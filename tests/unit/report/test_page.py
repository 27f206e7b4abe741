"""A page is one file: data stays data, nothing is fetched, and it is never larger than 2 MB."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import polars as pl
import pytest

from edgeproof.core.errors import DataError
from edgeproof.core.finding import Finding
from edgeproof.report.console import verdict_html
from edgeproof.report.demo import ABSURD, demo_page
from edgeproof.report.page import MAX_BYTES, render
from edgeproof.report.part import Cell, Code, Section, Table, Text
from edgeproof.report.run import SECTIONS, RunData, run_page

from . import runs

EVIL = "<script>alert(1)</script>"


class Seen(HTMLParser):
    """What a browser would make of the page: elements, their attributes, and the text outside of scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.inside = tag if tag in ("script", "style") else ""
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts.append(data)
        elif not self.inside:
            self.words.append(data)


def seen(page: str) -> Seen:
    reader = Seen()
    reader.feed(page)
    return reader


def evil(run: RunData) -> RunData:
    """The same run with markup in every text that comes from data."""
    body = json.loads(json.dumps(run.verdict))
    body["market"] |= {"hash": EVIL, "symbols": [EVIL, f'"{EVIL}'], EVIL: EVIL}
    body["net"][EVIL] = 1.0
    body["seconds"][EVIL] = 1.0
    body["reasons"][0] |= {"text": EVIL, "value": EVIL}
    body["reasons"].append({"name": EVIL, "value": None, "threshold": None, "passed": False, "text": EVIL})
    body["would_change"] = [EVIL]
    findings = [Finding(EVIL, "error", EVIL, {EVIL: [EVIL, {EVIL: EVIL}]}, EVIL, EVIL)]
    predictions = run.predictions.with_columns(symbol=pl.lit(EVIL))
    return replace(
        run, verdict=body, findings=findings, predictions=predictions, config_yaml=f"x: {EVIL}", title=f"{EVIL}&"
    )


@pytest.mark.parametrize("make", [run_page, lambda run: demo_page(run, replace(run, config_yaml=f"y: {EVIL}"))])
def test_markup_in_data_is_inert(make):
    reader = seen(make(evil(runs.run(bars=400))))
    assert reader.tags.count("script") == 3  # plots, library, drawing
    assert not any("alert(1)" in script for script in reader.scripts if "Plotly.react(node" in script)
    assert reader.handlers == []
    assert EVIL in "".join(reader.words)
    json.loads(reader.scripts[0])


def test_the_notebook_fragment_is_inert_too():
    reader = seen(verdict_html(evil(runs.run(bars=100)).verdict))
    assert "script" not in reader.tags
    assert "Edge" in "".join(reader.words)


def test_nothing_is_fetched():
    page = run_page(runs.run(bars=400))
    reader = seen(page)
    assert all(link.startswith("#") for link in reader.links)
    assert not {"link", "img", "iframe", "object", "embed", "base"} & set(reader.tags)
    assert "default-src 'none'" in page
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_a_long_run_stays_under_the_limit():
    long = runs.run(bars=100_000)
    noisy = replace(
        long,
        predictions=runs.predictions(100_000, 1, opened=True),
        findings=[
            Finding(f"quality.{k % 60}", "warning", "x" * 900, {"first": list(range(500))}, f"S{k}", f"do {k}")
            for k in range(20_000)
        ],
        config_yaml="key: value\n" * 50_000,
    )
    assert len(long.track) == len(noisy.predictions) == 200_000
    assert 1_500_000 < len(run_page(noisy).encode()) <= MAX_BYTES
    assert len(demo_page(noisy, replace(noisy, title="other")).encode()) <= MAX_BYTES


def test_a_page_over_the_limit_is_refused_in_one_line():
    with pytest.raises(DataError, match="bytes, the limit is 2,000,000") as refused:
        render("big", [Section("s", "", [Code("c", "x" * MAX_BYTES)])])
    assert "\n" not in str(refused.value)


def test_a_page_without_plots_does_not_carry_the_library():
    page = render("small", [Section("One", "why", [Text("a & b"), Table(("a", "b"), [(Cell("x"), Cell("1"))])])])
    assert len(page) < 40_000
    assert "<script" not in page
    assert "a &amp; b" in page


def test_the_verdict_comes_first_and_every_section_has_its_place():
    page = run_page(runs.run(bars=400))
    found = re.findall(r'<section id="([^"]+)"', page)
    assert found == [
        "verdict",
        "guards",
        "trading",
        "regimes",
        "costs",
        "trades",
        "forecasts",
        "truth",
        "recipe",
        "training",
        "data",
        "setup",
    ]
    assert page.index('class="banner edge"') < page.index('class="guards')
    assert run_page(runs.run(bars=400), ["setup"]).count("<section id=") == 1
    assert set(SECTIONS) == {
        "verdict",
        "trading",
        "paths",
        "regimes",
        "costs",
        "trades",
        "forecasts",
        "truth",
        "training",
        "recipe",
        "data",
        "setup",
    }


def test_the_demo_says_what_is_the_same_and_why_the_sharpe_is_absurd():
    planted, noise = runs.run(bars=400, title="Planted edge"), runs.run("no_edge", bars=400, title="Pure noise")
    text = "".join(seen(demo_page(planted, noise)).words)
    assert ABSURD in text
    assert "found the one and refused the other" in text
    assert "the same config, letter by letter" in text
    other = replace(noise, config_yaml=planted.config_yaml.replace("epochs: 15", "epochs: 16"))
    assert "differ only in: epochs" in "".join(seen(demo_page(planted, other)).words)
    wrong = replace(noise, verdict=runs.verdict("edge", opened=True))
    assert "the noise was called an edge" in "".join(seen(demo_page(planted, wrong)).words)
    assert "was not proven" in "".join(seen(demo_page(noise, noise)).words)
