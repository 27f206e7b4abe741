"""Markets on disk: what is read is what was written, sealed bars stay apart, and nothing altered passes."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from edgeproof.core.clock import HOUR_NS
from edgeproof.core.errors import DataError
from edgeproof.core.finding import Finding
from edgeproof.data.bars import Bars
from edgeproof.data.store import Market, clock_of, open_market, write_market
from edgeproof.ledger.span import Span

from .hand import START, walk, without

SOURCE = Path(__file__).resolve().parents[3] / "src" / "edgeproof"


def write(out: Path, *bars: Bars, **changes) -> Market:
    facts = {"interval_ns": HOUR_NS, "calendar": "continuous", "universe": "fixed"} | changes
    return write_market(out, bars, **facts)


def until(bar: int) -> Span:
    """An open span that ends with this many bars."""
    return Span("m", START + bar * HOUR_NS, START + bar * HOUR_NS)


def opened(bar: int, seal: int) -> Span:
    return Span("m", START + bar * HOUR_NS, START + seal * HOUR_NS, "opening")  # as the vault makes it


def test_bars_come_back_as_they_went(tmp_path):
    a, b = walk("A"), walk("../B/€ C", 190, seed=1)
    write(tmp_path / "m", a, b, source="hand", kind="noise", truth={"kappa": 0.1})
    market = open_market(tmp_path / "m")
    assert market.symbols == ("A", "../B/€ C")
    for item in (a, b):
        back = market.all_bars(item.symbol)
        assert back.ohlcv.tobytes() == item.ohlcv.tobytes()
        np.testing.assert_array_equal(back.close_time, item.close_time)
        assert back.sha == item.sha
    assert (market.start_ns, market.end_ns) == (START, START + 200 * HOUR_NS)
    assert market.manifest.truth == {"kappa": 0.1}
    assert market.bars_per_year == 8760
    assert {path.name for path in tmp_path.iterdir()} == {"m"}


def test_the_last_fifth_is_stored_apart(tmp_path):
    market = write(tmp_path / "m", walk("A", 201), walk("B", 150))
    assert market.manifest.apart_ns == START + 161 * HOUR_NS
    assert [entry.sealed_bars for entry in market.manifest.symbols] == [40, 0]


def test_sealed_files_are_not_even_opened_for_an_open_span(tmp_path):
    market = write(tmp_path / "m", walk("A"))
    (tmp_path / "m" / "sealed" / "00000.parquet").write_bytes(b"gone")
    assert len(market.bars("A", until(160))) == 160
    with pytest.raises(DataError, match="altered"):
        market.bars("A", opened(161, 160))


@pytest.mark.parametrize(
    ("span", "count"), [(until(100), 100), (until(160), 160), (until(180), 180), (until(900), 200)]
)
def test_a_span_ends_where_it_says(tmp_path, span, count):
    """A seal of the ledger may lie before or behind the place where the files part."""
    assert len(write(tmp_path / "m", walk("A")).bars("A", span)) == count


def test_without_an_opening_the_seal_rules(tmp_path):
    market = write(tmp_path / "m", walk("A"))
    assert len(market.bars("A", Span("m", START + 200 * HOUR_NS, START + 150 * HOUR_NS))) == 150
    assert len(market.bars("A", opened(190, 150))) == 190


def test_truth_is_aligned_with_bars(tmp_path):
    bars = without(walk("A"), slice(20, 30))
    arrays = {"A": {name: bars.ohlcv[:, 3] + n for n, name in enumerate(("p_up", "mean", "volatility"))}}
    market = write(tmp_path / "m", bars, truth_arrays=arrays)
    for span in (until(100), opened(200, 160)):
        truth = market.truth("A", span)
        assert truth is not None
        np.testing.assert_array_equal(truth["mean"], market.bars("A", span).ohlcv[:, 3] + 1)
    assert write(tmp_path / "n", bars).truth("A", until(100)) is None


def test_the_hash_is_of_the_bars_not_of_the_place(tmp_path):
    one, two = write(tmp_path / "a", walk("A")), write(tmp_path / "b", walk("A"), source="elsewhere")
    assert one.hash == two.hash
    assert one.hash != write(tmp_path / "c", walk("A", seed=5)).hash
    assert one.hash != write(tmp_path / "d", walk("B")).hash


def test_fingerprints_know_a_renamed_market(tmp_path):
    one, two = write(tmp_path / "a", walk("A", 900)), write(tmp_path / "b", walk("Z", 900))
    assert one.fingerprints().hash == two.fingerprints().hash


def test_findings_and_clock_come_back(tmp_path):
    finding = Finding("quality.gaps", "info", "x", {"count": 1}, "A", "y")
    market = write(tmp_path / "m", without(walk("A"), slice(3, 9)), findings=[finding])
    assert market.findings() == [finding]
    assert len(market.clock()) == 200
    assert market.clock(START + 50 * HOUR_NS).tolist() == [START + n * HOUR_NS for n in range(50)]
    session = write(tmp_path / "s", without(walk("A"), slice(3, 9)), calendar="sessions")
    assert len(session.clock()) == 194


def test_altered_or_missing_files_are_refused(tmp_path):
    write(tmp_path / "m", walk("A"))
    bars = tmp_path / "m" / "bars" / "00000.parquet"
    good = bars.read_bytes()
    bars.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(DataError, match=r"bars/00000\.parquet: altered"):
        open_market(tmp_path / "m").all_bars("A")
    bars.unlink()
    with pytest.raises(DataError, match=r"bars/00000\.parquet: missing"):
        open_market(tmp_path / "m")


def test_an_altered_manifest_is_refused(tmp_path):
    write(tmp_path / "m", walk("A"))
    path = tmp_path / "m" / "manifest.json"
    body = json.loads(path.read_text())
    body["symbols"][0]["symbol"] = "B"
    path.write_text(json.dumps(body))
    with pytest.raises(DataError, match="altered"):
        open_market(tmp_path / "m")
    path.write_text('{"format": "other"}')
    with pytest.raises(DataError, match="not a manifest"):
        open_market(tmp_path / "m")
    path.write_text(json.dumps({key: value for key, value in body.items() if key != "apart_ns"}))
    with pytest.raises(DataError, match="incomplete"):
        open_market(tmp_path / "m")


def test_what_is_no_market_is_named(tmp_path):
    with pytest.raises(DataError, match="no such market folder"):
        open_market(tmp_path / "none")
    with pytest.raises(DataError, match="not a market"):
        open_market(tmp_path)
    with pytest.raises(DataError, match="no symbol 'B'; it has A"):
        write(tmp_path / "m", walk("A")).all_bars("B")


@pytest.mark.parametrize(
    ("bars", "words"),
    [
        ((), "no bars"),
        ((walk("A", 0),), "no bars"),
        ((walk("A"), walk("B", 0)), "'B' has no bars"),
        ((walk("A"), walk("A")), "comes twice"),
        ((walk("A", start=START + 1), walk("B")), "clock"),
    ],
)
def test_bars_that_are_no_market_are_refused_and_nothing_is_written(tmp_path, bars, words):
    with pytest.raises(DataError, match=words):
        write(tmp_path / "m", *bars)
    assert not list(tmp_path.iterdir())


def test_unordered_bars_are_refused(tmp_path):
    item = walk("A")
    back = Bars("A", item.open_time[::-1].copy(), item.close_time[::-1].copy(), item.ohlcv)
    with pytest.raises(DataError, match="out of order"):
        write(tmp_path / "m", back)


def test_an_existing_folder_is_left_alone(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "mine.txt").write_text("x")
    with pytest.raises(DataError, match="not empty"):
        write(tmp_path / "m", walk("A"))
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["mine.txt"]


def test_only_checks_of_the_file_itself_read_every_bar():
    callers = {
        str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if re.search(r"\.all_bars\(", path.read_text())
    }
    assert callers <= {"data/store.py", "data/quality.py"}, callers


def test_a_long_clock_keeps_its_last_bar():
    for count in (2, 19_999, 20_000, 20_001, 200_000):
        times = START + HOUR_NS * np.arange(count)
        bars = Bars("A", times, times + HOUR_NS, np.ones((count, 5)), "made")
        assert (clock_of([bars], HOUR_NS, "continuous") == times).all()
