"""From files and frames to markets: the same bars give the same market on every road."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from edgeproof.core.clock import HOUR_NS, parse_time
from edgeproof.core.errors import DataError
from edgeproof.data.intake import from_frame, import_market
from edgeproof.data.panel import build_panel
from edgeproof.data.quality import QualityConfig
from edgeproof.data.sources.frames import read_frame
from edgeproof.data.store import open_market
from edgeproof.ledger.span import Span

from .hand import START, scaled, walk, without


def frame_of(*items) -> pl.DataFrame:
    parts = []
    for bars in items:
        columns = {name: bars.ohlcv[:, n] for n, name in enumerate(("open", "high", "low", "close", "volume"))}
        time = pl.Series(bars.open_time).cast(pl.Datetime("ns", "UTC"))
        parts.append(pl.DataFrame({"timestamp": time, "symbol": [bars.symbol] * len(bars), **columns}))
    return pl.concat(parts)


def checks(market) -> dict:
    return {finding.check.removeprefix("quality."): finding for finding in market.findings()}


def test_every_road_gives_the_same_market(tmp_path):
    frame = frame_of(walk("A"), walk("B", seed=1))
    frame.write_parquet(tmp_path / "x.parquet")
    frame.with_columns(pl.col("timestamp").dt.strftime("%Y-%m-%d %H:%M:%S")).write_csv(tmp_path / "x.csv")
    (tmp_path / "folder").mkdir()
    for (symbol,), part in frame.partition_by("symbol", as_dict=True).items():
        part.drop("symbol").with_columns(pl.col("timestamp").dt.epoch("ms")).write_csv(
            tmp_path / "folder" / f"{symbol}.csv"
        )
    pandas = pd.DataFrame({name: frame[name].to_list() for name in frame.columns})
    markets = [
        import_market(tmp_path / "x.parquet", tmp_path / "m1"),
        import_market(tmp_path / "x.csv", tmp_path / "m2"),
        import_market(tmp_path / "folder", tmp_path / "m3"),
        from_frame(frame, tmp_path / "m4"),
        from_frame(frame.lazy(), tmp_path / "m5"),
        from_frame(pandas, tmp_path / "m6"),
        from_frame(pandas.set_index("timestamp"), tmp_path / "m7"),
        from_frame(pandas.set_index(["symbol", "timestamp"]), tmp_path / "m8"),
    ]
    assert {market.hash for market in markets} == {markets[0].hash}
    assert {tuple(checks(market)) for market in markets} == {("survivorship",)}


def test_pandas_kinds(tmp_path):
    frame = frame_of(walk("A", 50)).drop("symbol")
    pandas = pd.DataFrame({name: frame[name].to_numpy() for name in frame.columns if name != "timestamp"})
    times = pd.to_datetime(frame["timestamp"].to_list())
    expected = read_frame(frame, symbol="X").bars[0].sha
    for index in (times.tz_convert("America/New_York"), times.tz_localize(None), times.astype(str)):
        named = pandas.set_axis(pd.Index(index, name="date"))
        assert read_frame(named, symbol="X").bars[0].sha == expected
    unnamed = pandas.set_axis(times)
    assert read_frame(unnamed).bars[0].symbol == "ASSET"
    lacking = unnamed.copy()
    lacking.iloc[3, 0] = np.nan
    assert np.isnan(read_frame(lacking).bars[0].ohlcv[3, 0])


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ([1, 2], "builtins.list is not a frame"),
        (pd.Series([1]), "Series is not a frame"),
        (pd.DataFrame({"close": [1.0]}), "no column for time, open, high, low, volume; columns found: close"),
        (pd.DataFrame(np.ones((2, 2)), columns=["close", "close"]), "'close' comes twice"),
        (pd.DataFrame(np.ones((1, 2)), columns=pd.MultiIndex.from_tuples([("A", "o"), ("A", "c")])), "several levels"),
        (pl.DataFrame(), "no bars"),
    ],
)
def test_refused_frames(frame, words):
    with pytest.raises(DataError, match=words):
        read_frame(frame)


def test_a_frame_without_a_folder_is_kept_by_content(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = frame_of(walk("A"))
    one, two = from_frame(frame), from_frame(frame)
    assert one.path == two.path
    assert one.path.parts[:2] == (".edgeproof", "frames")
    assert from_frame(frame, universe="fixed").path != one.path
    assert from_frame(frame_of(walk("A", seed=3))).path != one.path


def test_findings_travel_with_the_market(tmp_path):
    bars = scaled(without(walk("L", 600), slice(200, 300)), 200, 5000)
    bars.ohlcv[50, 3] = -1
    frame = pl.concat([frame_of(bars), frame_of(bars)[7:8]])
    market = import_market(_parquet(tmp_path, frame), tmp_path / "m", universe="fixed")
    assert market.symbols == ("L", "L.2")
    assert open_market(tmp_path / "m").manifest.symbols[1].cut_from == "L"
    assert set(checks(market)) == {"duplicates", "order", "reuse", "bad_prices"}


def _parquet(tmp_path, frame):
    frame.write_parquet(tmp_path / "x.parquet")
    return tmp_path / "x.parquet"


def test_options_reach_the_reader(tmp_path):
    path = _parquet(tmp_path, frame_of(walk("A")))
    end = START + 200 * HOUR_NS
    assert import_market(path, tmp_path / "a", drop_last=True).end_ns == end - HOUR_NS
    assert import_market(path, tmp_path / "b", retrieved_ns=end - HOUR_NS // 2).end_ns == end - HOUR_NS


def test_a_membership_file_makes_a_point_in_time_universe(tmp_path):
    path = _parquet(tmp_path, frame_of(walk("A"), walk("B", seed=1), walk("C", seed=2)))
    (tmp_path / "members.csv").write_text(
        "Ticker,From,To\nA,2023-11-15 00:00,2023-11-16\nA,2023-11-17,\nB,,\nGONE,2020-01-01,2021-01-01\n"
    )
    market = import_market(path, tmp_path / "m", universe=str(tmp_path / "members.csv"))
    assert market.manifest.universe == "point_in_time"
    assert set(checks(market)) == {"universe"}
    panel = build_panel(market, Span("m", market.manifest.apart_ns, market.manifest.apart_ns), QualityConfig())
    a, day = panel.present[0], parse_time("2023-11-16")
    assert not a[panel.open_time < parse_time("2023-11-15")].any()
    assert a[(panel.open_time >= day - HOUR_NS * 24) & (panel.open_time < day)].all()
    assert not a[(panel.open_time >= day) & (panel.open_time < parse_time("2023-11-17"))].any()
    assert a[panel.open_time >= parse_time("2023-11-17")].all()
    assert panel.present[1].all()
    assert not panel.present[2].any()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("symbol,from\nA,2020-01-01\n", "no column for to; columns found: symbol, from"),
        ("symbol,from,to\nA,2020-01-02,2020-01-01\n", "row 2: 'to' is not after 'from'"),
        ("symbol,from,to\nA,2020-01-01,\nA,never,\n", "row 3: time 'never'"),
        ("symbol,from,to\n", "no rows"),
        ("symbol,from,to\nZ,2020-01-01,\n", "none of the market's symbols is a member"),
        ("", "not readable"),
    ],
)
def test_refused_memberships(tmp_path, text, words):
    path = _parquet(tmp_path, frame_of(walk("A")))
    (tmp_path / "members.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        import_market(path, tmp_path / "m", universe=str(tmp_path / "members.csv"))
    assert not (tmp_path / "m").exists()


def test_a_universe_that_is_neither_word_nor_file(tmp_path):
    with pytest.raises(DataError, match="no such membership file; write survivors, fixed"):
        import_market(_parquet(tmp_path, frame_of(walk("A"))), tmp_path / "m", universe="survivor")


def test_bars_without_any_use_are_refused(tmp_path):
    bars = walk("A")
    bars.ohlcv[:, 4] = np.nan
    with pytest.raises(DataError, match="no bar has positive prices and a volume"):
        import_market(_parquet(tmp_path, frame_of(bars)), tmp_path / "m")
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]
