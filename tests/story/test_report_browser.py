"""A report in a real browser: it fits a phone and a desk, complains of nothing, and asks nothing of any network."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgeproof.data.synthetic import make_market
from edgeproof.recipe.compare import compare
from edgeproof.recipe.survey import survey as look_at
from edgeproof.report.campaign import campaign_page
from edgeproof.report.demo import demo_page
from edgeproof.report.gates import gates_page
from edgeproof.report.market import market_page
from edgeproof.report.page import MAX_BYTES
from edgeproof.report.run import PAGES, run_page
from edgeproof.report.study import study_page
from edgeproof.report.sweep import sweep_page
from tests.story.chromium import Browser, binary, chromium
from tests.unit.report import runs
from tests.unit.report.agents import agent_run
from tests.unit.report.campaigns import campaign, swept
from tests.unit.report.folders import moved, put
from tests.unit.report.markets import survey
from tests.unit.report.recipes import gates
from tests.unit.report.studies import study

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = binary()
    if program is None:
        pytest.skip("no Chromium on the path; install it with: apt-get install chromium")
    with chromium(program) as running:
        yield running


def compared(folder: Path, count: int) -> str:
    """The page of so many runs beside each other."""
    one = runs.run(bars=1500)
    names = [f"runs/a_rather_long_name_of_a_run_{number}" for number in range(count)]
    other = runs.run("no_edge", bars=1500)  # the same noise with another drift where something is held
    places = [put(moved(other if number else one, 1e-5 * number), folder / name) for number, name in enumerate(names)]
    return compare(places, out=folder / f"comparison-{count}").report().read_text(encoding="utf-8")


def sampled(folder: Path) -> dict[str, Any]:
    """A made market, its samples, and the defects that another one has."""
    make_market("linear", folder / "m", symbols=3, bars=3000, seed=4)
    config = {"costs": {"commission_bps": 4.0, "half_spread_bps": 1.0}}
    return look_at(folder / "m", config=config, workspace=folder) | {"defects": survey()["defects"]}


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    planted, noise = runs.run(title="Planted edge"), runs.run("no_edge", title="Pure noise")
    texts = {
        "edge": run_page(planted),
        "agent": run_page(agent_run()),
        "sealed": run_page(runs.run("inconclusive", opened=False)),
        "demo": demo_page(planted, noise),
        "study": study_page(study()),
        "two": compared(folder, 2),
        "eight": compared(folder, 8),
        "market": market_page(survey(), "crypto_spot_1h"),
        "samples": market_page(sampled(folder), "linear"),
        "campaign": campaign_page(campaign(), market="crypto_spot_1h"),
        "sweep": sweep_page(swept()),
        "stopped": gates_page(gates(stopped=True), "mlp on market"),
        **{name: run_page(replace(planted, gates=gates(full=True)), PAGES[name]) for name in PAGES},
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}


LEAST_PLOTS = {
    "edge": 8,
    "agent": 18,
    "sealed": 8,
    "demo": 8,
    "study": 10,
    "two": 6,
    "eight": 6,
    "market": 4,
    "samples": 5,
    "campaign": 3,
}
LEAST_PLOTS |= {"sweep": 1, "verdict": 0, "backtest": 4, "training": 6, "data": 0, "gates": 0, "stopped": 0}


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", LEAST_PLOTS)
def test_a_page_fits_and_is_quiet(browser, pages, name, width):
    assert pages[name].stat().st_size <= MAX_BYTES
    browser.look(pages[name], width=width)
    assert browser.complaints() == []
    assert browser.requests() == [pages[name].as_uri()]
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    plots = browser.evaluate("document.querySelectorAll('.plot').length")
    assert plots >= LEAST_PLOTS[name]
    assert browser.evaluate("document.querySelectorAll('.plot .main-svg').length") >= plots
    spill = "[...document.querySelectorAll('.plot')].filter((n) => n.scrollWidth > n.clientWidth + 1).length"
    assert browser.evaluate(spill) == 0
    small = (
        "[...document.querySelectorAll('main *')].filter((n) => parseFloat(getComputedStyle(n).fontSize) < 9).length"
    )
    assert browser.evaluate(small) == 0


SPILL = """[...document.querySelectorAll('svg.sketch')].filter((n) => {
  const box = n.getBoundingClientRect(), frame = n.closest('.step').getBoundingClientRect();
  return box.width && (box.right > frame.right || [...n.querySelectorAll('text')].some((t) => {
    const word = t.getBoundingClientRect();
    return word.right > box.right + 1 || word.left < box.left - 1;
  }));
}).length"""


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["stopped", "gates"])
def test_the_recipe_s_checks_unfold_and_their_plots_stay_inside(browser, pages, name, width):
    browser.look(pages[name], width=width)
    shown = "[...document.querySelectorAll('svg.sketch')].filter((n) => n.checkVisibility()).length"
    assert browser.evaluate(shown) == (1 if name == "stopped" else 0)  # of passed checks, all are folded
    browser.evaluate("document.querySelectorAll('details').forEach((n) => { n.open = true; })")
    assert browser.evaluate(shown) == 5
    assert browser.evaluate(SPILL) == 0
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_plots_follow_the_reader_s_colour_scheme(browser, pages):
    colour = "getComputedStyle(document.querySelector('.scatterlayer .lines path:last-child')).stroke"
    ink = "getComputedStyle(document.body).color"
    found = set()
    for scheme in ("light", "dark"):
        browser.look(pages["edge"], width=1280, scheme=scheme)
        found.add((browser.evaluate(colour), browser.evaluate(ink)))
    assert len(found) == 2
    assert all(stroke != "none" for stroke, _ in found)


def test_a_printed_page_is_light_and_unfolded(browser, pages):
    browser.look(pages["edge"], width=1280, scheme="dark")
    dark = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert browser.evaluate("document.querySelectorAll('details:not([open])').length") == 0
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    widest = "Math.max(...[...document.querySelectorAll('.main-svg')].map((n) => n.getBoundingClientRect().width))"
    assert browser.evaluate(widest) <= 641
    browser.evaluate("dispatchEvent(new Event('afterprint'))")
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    assert browser.evaluate("document.querySelectorAll('details:not([open])').length") > 0
    assert browser.complaints() == []


def test_markup_in_a_symbol_name_does_not_run(browser, tmp_path):
    run = runs.run(bars=400)
    evil = "<img src=x onerror=window.hurt=1><script>window.hurt=1</script>"
    body = dict(run.verdict) | {"market": dict(run.verdict["market"]) | {"symbols": [evil]}}
    page = tmp_path / "evil.html"
    page.write_text(run_page(replace(run, verdict=body, title=evil, config_yaml=evil)), encoding="utf-8")
    browser.look(page, width=390)
    assert browser.evaluate("window.hurt === undefined")
    assert browser.evaluate("document.querySelector('h1').textContent") == evil
    assert browser.complaints() == []
