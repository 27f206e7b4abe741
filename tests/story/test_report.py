"""`edgeproof report` writes the page of whatever a folder holds, its figures beside it, and shows no sealed bar."""

import json
import shutil

import polars as pl
import pytest

from edgeproof.core.files import write_json
from edgeproof.recipe.survey import survey
from tests.unit.report import runs
from tests.unit.report.folders import put
from tests.unit.report.recipes import gates
from tests.unit.report.studies import study

CONFIG = "market: /markets/m\ncosts:\n  commission_bps: 4.0\n  half_spread_bps: 1.0\nmodel: logistic\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from dataclasses import replace

    return put(replace(runs.run(bars=600), config_yaml=CONFIG), tmp_path_factory.mktemp("reported") / "run")


@pytest.mark.parametrize(
    ("page", "has", "lacks"),
    [
        ("verdict", "Net return beats luck", "Gradient norm"),
        ("backtest", "Drawdown", "Gradient norm"),
        ("training", "Gradient norm", "Drawdown"),
        ("data", "14 bars are missing", "Drawdown"),
    ],
)
def test_one_chapter_of_a_run_is_a_page_with_its_figures_beside_it(edgeproof, folder, page, has, lacks):
    assert edgeproof("report", folder, "--page", page).status == 0
    text = (folder / f"{page}.html").read_text()
    main = text[text.index("<main>") : text.index("</main>")]
    assert has in main
    assert lacks not in main
    assert f"is in {page}.json beside it" in text
    body, verdict = (json.loads((folder / name).read_text()) for name in (f"{page}.json", "verdict.json"))
    assert all(body[key] == verdict[key] for key in body if key in verdict)
    assert {"training": "history", "data": "findings", "backtest": "net", "verdict": "reasons"}[page] in body


def test_the_whole_report_of_a_run_holds_every_chapter(edgeproof, folder, tmp_path):
    assert edgeproof("report", folder, "--out", tmp_path / "page.html").status == 0
    text = (tmp_path / "page.html").read_text()
    assert "<h1>logistic on m</h1>" in text
    for anchor in ("verdict", "guards", "trading", "training", "data", "setup"):
        assert f'<section id="{anchor}">' in text
    assert json.loads((tmp_path / "page.json").read_text())["verdict"] == "edge"


def test_a_run_that_a_check_stopped_has_a_page_of_its_gates_alone(edgeproof, tmp_path):
    from edgeproof.core.files import write_text

    write_json(tmp_path / "run" / "run.json", {"identity": {"market": "m", "workspace": str(tmp_path)}})
    write_text(tmp_path / "run" / "config.yaml", CONFIG)
    assert "has not come to an end" in edgeproof("report", tmp_path / "run").err
    write_json(tmp_path / "run" / "gates.json", gates() | {"stopped": None})
    assert "has not come to an end" in edgeproof("report", tmp_path / "run").err
    write_json(tmp_path / "run" / "gates.json", gates(stopped=True))
    assert edgeproof("report", tmp_path / "run").status == 0
    text = (tmp_path / "run" / "report.html").read_text()
    assert "<h1>logistic on m</h1>" in text
    assert "Stopped at step 2, Skeleton" in text
    assert json.loads((tmp_path / "run" / "report.json").read_text()) == json.loads(json.dumps(gates(stopped=True)))
    answer = edgeproof("report", tmp_path / "run", "--page", "training")
    assert answer.status == 2
    assert "stopped this run, so it has no training page; use --page gates" in answer.err
    assert edgeproof("report", tmp_path / "run", "--page", "gates").status == 0


def test_the_gates_of_a_finished_run_are_a_page(edgeproof, folder):
    assert edgeproof("report", folder, "--page", "gates").status == 0
    assert "made without gates" in (folder / "gates.html").read_text()
    assert not (folder / "gates.json").exists()
    write_json(folder / "gates.json", gates(full=True))
    assert edgeproof("report", folder, "--page", "gates").status == 0
    assert "dropout 0.2" in (folder / "gates.html").read_text()
    assert json.loads((folder / "gates.json").read_text()) == gates(full=True)  # as the run wrote it


def test_a_search_has_a_page(edgeproof, tmp_path):
    write_json(tmp_path / "study.json", study())
    assert edgeproof("report", tmp_path).status == 0
    assert "By luck alone" in (tmp_path / "report.html").read_text()


def test_a_market_s_page_counts_its_open_bars(edgeproof, tiny_market, tmp_path):
    place = tmp_path / "m"
    shutil.copytree(tiny_market, place)
    answer = edgeproof("report", place, "--workspace", tmp_path)
    assert answer.status == 0
    body = json.loads((place / "report.json").read_text())
    assert body["open"]["bars"] == 3 * 1920  # the last fifth of 2,400 is sealed
    assert [row["bars"] for row in body["symbols"]] == [1920] * 3
    assert all(row["missing"] == 0 for row in body["symbols"])
    close = pl.read_parquet(place / "bars" / "00000.parquet")["close"]
    assert body["symbols"][0]["change"] == pytest.approx(close[1919] / close[0] - 1, rel=1e-12)
    deviation = (close / close.shift(1)).log().head(1920).std()
    assert body["symbols"][0]["volatility"] == pytest.approx(deviation * 8760**0.5, rel=1e-9)
    assert sum(body["histogram"]["counts"]) == body["histogram"]["returns"] == 3 * 1919


def _walk(seed: int, name: str):
    """2,000 hourly bars that move; the last 400 will be sealed."""
    import numpy as np

    from edgeproof.data.bars import Bars

    count, hour = 2000, 3_600_000_000_000
    start = 1_577_836_800_000_000_000 + hour * np.arange(count)
    draw = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(0.01 * draw.standard_normal(count)))
    opens = np.r_[close[0], close[:-1]]
    ends = np.maximum(opens, close) * 1.002, np.minimum(opens, close) / 1.002
    return Bars(name, start, start + hour, np.stack([opens, *ends, close, 4 + draw.random(count)], axis=1), "made")


def _flawed(bars):
    """The same open bars with a spike; behind the seal another spike, a halving, a flat stretch and no volume."""
    from dataclasses import replace

    sealed = bars.ohlcv.copy()
    sealed[1700, 1] *= 4
    sealed[1750:, :4] /= 2
    sealed[1800:1850, :4], sealed[1800:1850, 4] = sealed[1800, 3], 0.0
    return replace(bars, ohlcv=sealed)


@pytest.mark.parametrize("config", [None, {"costs": {"commission_bps": 4.0, "half_spread_bps": 1.0}, "window": 8}])
def test_nothing_of_a_market_s_page_moves_when_its_sealed_bars_do(tmp_path, config):
    """The same open bars before another future give the same bytes, the hash that names the file apart."""
    from edgeproof.data.store import write_market
    from edgeproof.report.market import market_page

    texts = []
    for name, change in (("one", lambda bars: bars), ("other", _flawed)):
        series = [_walk(seed, symbol) for seed, symbol in ((5, "A"), (6, "B"))]
        series[0].ohlcv[900, 1] *= 3.0
        bars = [change(each) for each in series]
        place = tmp_path / name / "m"
        write_market(place, bars, interval_ns=3_600_000_000_000, calendar="continuous", universe="fixed")
        body = survey(place, config=config, workspace=tmp_path / name)
        assert [each["time"] for each in body["defects"]] == ["2020-02-07 12:00"]
        assert ("samples" in body) is (config is not None)
        texts.append(market_page(body, "m").replace(body["market"]["hash"][:19], "hash"))
    assert texts[0] == texts[1]


def test_with_a_config_the_page_shows_the_samples_too(edgeproof, tiny_market, tmp_path):
    (tmp_path / "config.yaml").write_text("costs: {commission_bps: 4.0, half_spread_bps: 1.0}\nwindow: 8\n")
    words = ("report", tiny_market, "--workspace", tmp_path, "--out", tmp_path / "data.html")
    assert edgeproof(*words, "--config", tmp_path / "config.yaml").status == 0
    text, body = (tmp_path / "data.html").read_text(), json.loads((tmp_path / "data.json").read_text())
    assert "forward return" in text
    for anchor in ("defects", "samples", "labels", "gallery", "features", "correlations", "outliers", "drift"):
        assert f'<section id="{anchor}">' in text
    assert len(body["samples"]["gallery"]) == 24
    assert {each["check"] for each in body["samples"]["findings"]} >= {"samples.drift", "samples.duplicates"}
    assert "http" not in text[text.index("<main>") : text.index("</main>")].replace("http://www.w3.org/2000/svg", "")


def test_a_comparison_has_its_page_and_a_page_goes_into_a_folder(edgeproof, folder, tmp_path):
    write_json(tmp_path / "beside" / "comparison.json", {"runs": []})
    assert "compare` writes it again" in edgeproof("report", tmp_path / "beside").err
    (tmp_path / "beside" / "report.html").write_text("the page")
    assert edgeproof("report", tmp_path / "beside").status == 0
    assert edgeproof("report", tmp_path / "beside", "--out", tmp_path / "new").status == 0
    assert (tmp_path / "new" / "report.html").read_text() == "the page"
    assert edgeproof("report", folder, "--page", "training", "--out", tmp_path / "chapter").status == 0
    assert sorted(path.name for path in (tmp_path / "chapter").iterdir()) == ["training.html", "training.json"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("missing",), "no such folder"),
        (("empty",), "holds no run, search, campaign, sweep, comparison or market"),
        (("begun",), "has not come to an end"),
        (("asked",), "has not come to an end"),
        (("calibrated",), "holds a calibration, which has no page"),
        (("run", "--page", "trading"), "no such page; there are verdict, backtest, training, data, gates"),
        (("run", "--out", "page.pdf"), "ends in .html"),
        (("search", "--page", "data"), "which has one page"),
        (("search", "--config", "c.yaml"), "give it with a market"),
    ],
)
def test_bad_input_is_one_line(edgeproof, folder, tmp_path, words, said):
    put(runs.run(bars=60), tmp_path / "begun")
    (tmp_path / "begun" / "verdict.json").unlink()
    (tmp_path / "empty").mkdir()
    write_json(tmp_path / "asked" / "identity.json", {"sha": "x"})
    write_json(tmp_path / "calibrated" / "identity.json", {"sha": "x"})
    write_json(tmp_path / "calibrated" / "calibration.json", {})
    write_json(tmp_path / "search" / "study.json", study())
    place = folder if words[0] == "run" else tmp_path / words[0]
    answer = edgeproof("report", place, *words[1:])
    assert answer.status == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1
