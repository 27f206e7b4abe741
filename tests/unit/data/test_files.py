"""Files as people publish them: the same bars whatever the layout, each repair a finding with rows, one line if not."""

import gzip
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from edgeproof.core.clock import DAY_NS, HOUR_NS, iso, parse_time
from edgeproof.core.errors import DataError
from edgeproof.data.sources.columns import find_columns
from edgeproof.data.sources.files import read_files, symbol_of

HOURS = [f"2024-01-0{1 + n // 24} {n % 24:02d}:00:00" for n in range(60)]
PLAIN = [f"{time},{100 + n},{102 + n},{99 + n},{101 + n},{10 + n}" for n, time in enumerate(HOURS)]
HEADER = "timestamp,open,high,low,close,volume"


def write(folder: Path, *lines: str, name: str = "AAAUSDT_1h.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def read(path: Path, **changes):
    arranged = read_files(path, **changes)
    return arranged, {finding.check.removeprefix("quality."): finding for finding in arranged.findings}


def same_bars(arranged, symbol="AAAUSDT"):
    (bars,) = arranged.bars
    assert bars.symbol == symbol
    assert [iso(int(time)) for time in bars.open_time[:2]] == ["2024-01-01 00:00", "2024-01-01 01:00"]
    np.testing.assert_array_equal(bars.ohlcv, [[100 + n, 102 + n, 99 + n, 101 + n, 10 + n] for n in range(60)])
    assert (arranged.interval_ns, arranged.calendar) == (HOUR_NS, "continuous")


def test_a_clean_file_has_no_finding(tmp_path):
    arranged, found = read(write(tmp_path, HEADER, *PLAIN))
    same_bars(arranged)
    assert found == {}


@pytest.mark.parametrize(
    "header",
    [
        "Date,Open,High,Low,Close,Volume",
        "OPEN_TIME,OPEN,HIGH,LOW,CLOSE,VOLUME",
        "Unix Timestamp,open,high,low,close,Volume BTC",
        "<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>",
        "t,o,h,l,c,v",
    ],
)
def test_names_in_any_case(tmp_path, header):
    same_bars(read(write(tmp_path, header, *PLAIN))[0])


def test_order_of_columns_and_others_do_not_matter(tmp_path):
    lines = [",".join((*line.split(",")[::-1], "x")) for line in PLAIN]
    same_bars(read(write(tmp_path, "Volume,Close,Low,High,Open,Date,tradecount", *lines))[0])


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_separators(tmp_path, separator):
    lines = [line.replace(",", separator) for line in (HEADER, *PLAIN)]
    same_bars(read(write(tmp_path, *lines, name="AAAUSDT.txt"))[0])


def test_decimal_commas_and_thousands(tmp_path):
    lines = [line.replace(",", ";") + ",0" for line in PLAIN]
    same_bars(read(write(tmp_path, HEADER.replace(",", ";"), *lines))[0])
    lines = [line.rsplit(",", 1)[0] + f',"{1000 + n:,}.5"' for n, line in enumerate(PLAIN)]
    assert read(write(tmp_path, HEADER, *lines))[0].bars[0].ohlcv[3, 4] == 1003.5


def test_encodings_and_line_ends(tmp_path):
    text = "\r\n".join((HEADER, *PLAIN)) + "\r\n"
    for number, data in enumerate((text.encode("utf-8-sig"), text.encode("utf-16"), text.encode("latin-1"))):
        path = tmp_path / str(number) / "AAAUSDT_1h.csv"
        path.parent.mkdir()
        path.write_bytes(data)
        same_bars(read(path)[0])
    zipped = tmp_path / "AAAUSDT_1h.csv.gz"
    zipped.write_bytes(gzip.compress(text.encode()))
    same_bars(read(zipped)[0])


def test_banner_blank_lines_and_repeated_headers(tmp_path):
    lines = ["Created on 07-30-2019,https://x.example", HEADER, *PLAIN[:20], "", HEADER, *PLAIN[20:], "", ""]
    arranged, found = read(write(tmp_path, *lines))
    same_bars(arranged)
    assert found["banner"].evidence["rows"] == [1]
    assert found["headers"].evidence["rows"] == [24]


def test_klines_without_a_header(tmp_path):
    lines = [f"{parse_time(line[:19]) // 10**6},{line[20:]},9,9,9" for line in PLAIN]
    arranged, found = read(write(tmp_path, *lines))
    same_bars(arranged)
    assert "header" in found


def test_date_and_time_in_two_columns(tmp_path):
    lines = [line.replace(" ", ",", 1) for line in PLAIN]
    same_bars(read(write(tmp_path, "<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>", *lines))[0])


def test_newest_first_is_reversed_and_breaks_are_named(tmp_path):
    arranged, found = read(write(tmp_path, HEADER, *PLAIN[::-1]))
    same_bars(arranged)
    assert found["order"].level == "info"
    broken = [*PLAIN[:10], PLAIN[11], PLAIN[10], *PLAIN[12:]]
    arranged, found = read(write(tmp_path, HEADER, *broken))
    same_bars(arranged)
    assert (found["order"].level, found["order"].evidence["rows"]) == ("warning", [13])


def test_equal_rows_are_dropped(tmp_path):
    arranged, found = read(write(tmp_path, HEADER, *PLAIN, PLAIN[5]))
    same_bars(arranged)
    assert found["duplicates"].evidence["count"] == 1
    assert found["duplicates"].evidence["times"] == ["2024-01-01 05:00"]


def test_of_conflicting_rows_the_complete_one_with_more_volume_stays(tmp_path):
    less = "2024-01-01 05:00:00,105,106,104,105.5,3"  # saved before its close
    lacking = "2024-01-01 07:00:00,107,109,106,NULL,999"
    arranged, found = read(write(tmp_path, HEADER, *PLAIN, less, lacking))
    same_bars(arranged)
    assert found["conflicts"].evidence["rows"] == [62, 63]
    assert found["conflicts"].evidence["kept_rows"] == [7, 9]
    assert found["conflicts"].evidence["closes_apart"] == 2
    assert found["conflicts"].level == "warning"
    later = "2024-01-01 05:00:00,1,1,1,1,15"
    assert read(write(tmp_path, HEADER, *PLAIN, later))[0].bars[0].ohlcv[5].tolist() == [1, 1, 1, 1, 15]


def test_files_that_contradict_each_other_throughout_are_an_error(tmp_path):
    other = [line.replace(",1", ",2") for line in PLAIN]
    write(tmp_path, HEADER.replace("volume", "volume,symbol"), *(f"{line},X" for line in PLAIN), name="a.csv")
    write(tmp_path, HEADER.replace("volume", "volume,symbol"), *(f"{line},X" for line in other), name="b.csv")
    finding = read(tmp_path)[1]["conflicts"]
    assert finding.level == "error"
    assert finding.evidence["rows"][0] == "a.csv:2"


def test_a_folder_gives_one_symbol_a_file(tmp_path):
    write(tmp_path, HEADER, *PLAIN, name="BBB_1h.csv")
    write(tmp_path, HEADER, *PLAIN[:40], name="AAA-hourly.csv")
    write(tmp_path, "about these files", name="README.md")
    arranged, found = read(tmp_path)
    assert [(bars.symbol, len(bars)) for bars in arranged.bars] == [("AAA", 40), ("BBB", 60)]
    assert found["files"].evidence["files"] == ["README.md"]


def test_two_files_of_one_symbol_are_joined(tmp_path):
    frame = pl.DataFrame({"time": HOURS, "symbol": "AAAUSDT"}).with_columns(pl.col("time").str.to_datetime())
    prices = np.array([[float(x) for x in line.split(",")[1:]] for line in PLAIN])
    frame = frame.with_columns(
        pl.Series(n, prices[:, k]) for k, n in enumerate(("open", "high", "low", "close", "volume"))
    )
    frame[30:].write_parquet(tmp_path / "new.parquet")
    frame[:31].write_parquet(tmp_path / "old.parquet")
    arranged, found = read(tmp_path)
    same_bars(arranged)
    assert set(found) == {"duplicates"}


def test_many_symbols_in_one_column(tmp_path):
    lines = [f"{line},{symbol}" for line in PLAIN for symbol in ("ETH/USDT", "BTC/USDT")]
    arranged, found = read(write(tmp_path, HEADER + ",Pair", *lines))
    assert [bars.symbol for bars in arranged.bars] == ["ETH/USDT", "BTC/USDT"]
    assert found == {}


@pytest.mark.parametrize(
    ("names", "symbol", "volume"),
    [
        (["Volume USDT", "Volume ETH"], "ETHUSDT", "Volume ETH"),
        (["Volume BTC", "Volume USD"], "BTCUSD", "Volume BTC"),
        (["Volume ETH", "Volume BTC"], "ETHBTC", "Volume ETH"),
        (["Volume_(Currency)", "Volume_(BTC)"], "", "Volume_(Currency)"),
        (["quote_volume", "volume"], "", "volume"),
        (["Volume XRP", "Volume USD"], "", "Volume XRP"),
    ],
)
def test_base_volume_is_taken(names, symbol, volume):
    assert find_columns(["time", "open", "high", "low", "close", *names], "f", symbol).volume == volume


def test_the_bar_that_was_open_when_the_file_was_made_is_dropped(tmp_path):
    path = write(tmp_path, HEADER, *PLAIN)
    inside, before = parse_time("2024-01-03T11:20") // 10**9, parse_time("2020-01-01") // 10**9
    os.utime(path, (inside, inside))
    arranged, found = read(path)
    assert len(arranged.bars[0]) == 59
    assert found["unclosed"].evidence["rows"] == [61]
    os.utime(path, (before, before))  # implausible: copied with another date
    assert len(read(path)[0].bars[0]) == 60
    assert len(read(path, retrieved_ns=parse_time("2024-01-03T10:30"))[0].bars[0]) == 58
    assert len(read(path, retrieved_ns=parse_time("2024-01-03T12:00"))[0].bars[0]) == 60
    assert len(read(path, drop_last=True)[0].bars[0]) == 59
    (tmp_path / "manifest.json").write_text('{"retrieved": "2024-01-03T10:30"}')
    assert len(read(tmp_path)[0].bars[0]) == 58


def test_drop_last_leaves_symbols_that_ended_earlier(tmp_path):
    lines = [f"{line},A" for line in PLAIN] + [f"{line},B" for line in PLAIN[:20]]
    arranged = read(write(tmp_path, HEADER + ",ticker", *lines), drop_last=True)[0]
    assert [len(bars) for bars in arranged.bars] == [59, 20]


def days(count: int, *, step: int = 1, start: str = "2024-01-01T00:00", weekend: bool = True) -> list[str]:
    times = [parse_time(start) + n * step * DAY_NS for n in range(count)]
    return [f"{iso(time)},1,2,1,2,3" for time in times if weekend or (time // DAY_NS + 3) % 7 < 5]


@pytest.mark.parametrize(
    ("lines", "interval", "calendar"),
    [
        (days(40), DAY_NS, "continuous"),
        (days(40, weekend=False), DAY_NS, "sessions"),
        (days(40, step=7), 7 * DAY_NS, "continuous"),
        (PLAIN[:3], HOUR_NS, "continuous"),
        ([line for n in range(30) for line in (f"2024-01-{n + 1:02d} {h}:30,1,2,1,2,3" for h in range(14, 20))
          if (n % 7) < 5], HOUR_NS, "sessions"),
    ],
)  # fmt: skip
def test_interval_and_calendar(tmp_path, lines, interval, calendar):
    arranged = read(write(tmp_path, HEADER, *lines))[0]
    assert (arranged.interval_ns, arranged.calendar) == (interval, calendar)


def test_daily_bars_stamped_at_a_local_midnight_become_dates(tmp_path):
    winter, summer = days(20, start="2024-02-01T05:00"), days(20, start="2024-04-01T04:00")
    arranged, found = read(write(tmp_path, HEADER, *winter, *summer))
    assert not (arranged.bars[0].open_time % DAY_NS).any()
    assert iso(int(arranged.bars[0].open_time[0])) == "2024-02-01 00:00"
    assert found["dates"].evidence["count"] == 40


def test_bars_off_the_clock_are_dropped_or_refused(tmp_path):
    arranged, found = read(write(tmp_path, HEADER, *PLAIN, "2024-01-05 07:17:00,1,2,1,2,3"))
    same_bars(arranged)
    assert found["clock"].evidence["rows"] == [62]
    odd = [line.replace(":00:00", ":17:00") for line in PLAIN[30:]]
    with pytest.raises(DataError, match="common clock"):
        read(write(tmp_path, HEADER, *PLAIN[:30], *odd))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((), "AAAUSDT_1h.csv: empty file"),
        (("", " "), "empty file"),
        ((HEADER,), "no bars below the header"),
        ((HEADER, PLAIN[0]), "only one bar"),
        ((HEADER, PLAIN[0], PLAIN[0]), "only one bar"),
        (('{"code": -1121, "msg": "Invalid symbol."}',), "no header .* begins with '{\"code\""),
        (("<!DOCTYPE html>", "<html>"), "check that the download worked"),
        (("date,open,high,low,what,volume", *PLAIN), "row 1: no column for close; columns found: date, open"),
        (("when,open,high,low,close,volume", *PLAIN), "no column for time; columns found: when"),
        (("date,close,high,low,close,volume", *PLAIN), "'close' comes twice"),
        ((HEADER, PLAIN[0], "2024-01-01 01:00:00,1,x2,1,1,1"), "column 'high', row 3: 'x2' is not a number"),
        ((HEADER, PLAIN[0], "", "tomorrow,1,2,1,1,1"), "row 4: time 'tomorrow'"),
        ((HEADER, PLAIN[0], ",1,2,1,1,1"), "row 3: no time"),
        ((HEADER, PLAIN[0], PLAIN[1] + ",7,8"), "row 3: 8 fields under 6 columns"),
        ((HEADER, PLAIN[0], "Data by example.com"), "row 3: time 'Data by example.com'"),
        ((HEADER + ",symbol", PLAIN[0] + ",A", PLAIN[1] + ","), "column 'symbol', row 3: no symbol"),
        ((HEADER + ",symbol", *(f"{a},A" for a in PLAIN), *(f"{b},B" for b in days(30))), "of 1h and, for B, of 1d"),
        ((HEADER, *(f"2024-{m:02d}-01,1,2,1,2,3" for m in range(1, 13))), "months"),
    ],
)  # fmt: skip
def test_refusals_are_one_clear_line(tmp_path, lines, words):
    path = tmp_path / "AAAUSDT_1h.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match=words) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert "AAAUSDT_1h" in str(caught.value)


def test_refusals_of_paths(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        read(tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"\.xlsx extension; bars are read from \.csv"):
        read(write(tmp_path, "x", name="a.xlsx"))
    (tmp_path / "void").mkdir()
    with pytest.raises(DataError, match="empty"):
        read(tmp_path / "void")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match="not readable as Parquet"):
        read(tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        read(tmp_path / "c.parquet")


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("LUNAUSDT_1h.csv", "LUNAUSDT"),
        ("BTC-USD-daily.csv.gz", "BTC-USD"),
        ("BRK.B.csv", "BRK.B"),
        ("eth_15min.parquet", "eth"),
        ("AAPL.CSV", "AAPL"),
        ("1h.csv", "1h"),
    ],
)
def test_the_symbol_that_a_file_name_states(name, symbol):
    assert symbol_of(Path(name)) == symbol
