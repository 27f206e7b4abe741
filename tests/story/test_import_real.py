"""Real files, dirty as they are: what their collectors measured is what the import says."""

from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from edgeproof.core.clock import DAY_NS, HOUR_NS, iso, parse_time
from edgeproof.core.errors import DataError
from edgeproof.core.finding import Finding
from edgeproof.data.intake import import_market
from edgeproof.data.panel import build_panel
from edgeproof.data.quality import QualityConfig
from edgeproof.data.reuse import cut_reused
from edgeproof.data.sources.files import read_files
from edgeproof.data.store import Market
from edgeproof.ledger.span import Span


def checks(findings: list[Finding], symbol: str | None = None) -> dict[str, Finding]:
    return {finding.check.removeprefix("quality."): finding for finding in findings if symbol in (None, finding.where)}


def raw(shared_data: Path, name: str, out: Path) -> tuple[Market, dict[str, Finding]]:
    market = import_market(shared_data / "raw" / name, out / "m", universe="fixed")
    return market, checks(market.findings())


def bar_at(market: Market, symbol: str, time: str) -> np.ndarray:
    bars = market.all_bars(symbol)  # a check of the file
    return bars.ohlcv[np.searchsorted(bars.open_time, parse_time(time))]


@pytest.fixture(scope="session")
def delisted(shared_data, tmp_path_factory) -> Market:
    """The 24 core symbols and their delisted companions, imported once from a folder."""
    folder = tmp_path_factory.mktemp("real")
    for name in ("core24", "delisted_events"):
        (folder / f"{name}.parquet").symlink_to(shared_data / f"crypto_spot_1h_{name}.parquet")
    return import_market(folder, tmp_path_factory.mktemp("market") / "m", drop_last=True)


def test_gemini_mixes_milliseconds_and_seconds(shared_data, tmp_path):
    market, found = raw(shared_data, "gemini_ETHUSD_1hr.csv", tmp_path)
    assert found["banner"].evidence["rows"] == [1]
    assert found["epochs"].evidence["units"] == {"seconds": 18_694, "milliseconds": 9_542}
    assert found["order"].claim.endswith("newest first and were reversed")
    assert found["bad_prices"].evidence["times"] == ["2016-05-09 13:00"]
    assert found["zero_volume"].evidence["count"] == 2_409
    (entry,) = market.manifest.symbols
    assert (entry.symbol, entry.bars, iso(entry.first_ns), iso(entry.last_ns)) == (
        "ETHUSD", 28_236, "2016-05-09 13:00", "2019-07-30 01:00"
    )  # fmt: skip
    assert bar_at(market, "ETHUSD", "2019-07-30 00:00").tolist() == [210.83, 210.84, 210.52, 210.84, 1.45781]


def test_bittrex_splices_and_stands_still(shared_data, tmp_path):
    market, found = raw(shared_data, "Bittrex_ETHUSD_1h.csv", tmp_path)
    assert found["order"].level == "warning"
    assert found["order"].evidence["times"][0].startswith("2017-09-26")
    assert found["stale"].evidence["longest"] > 1_000
    assert found["zero_volume"].evidence["count"] == 1_589
    assert bar_at(market, "ETHUSD", "2019-07-30 00:00").tolist() == [210.71, 210.9, 210.1, 210.17, 1.748]


def test_binance_2019_has_bad_ticks(shared_data, tmp_path):
    market, found = raw(shared_data, "Binance_ETHUSDT_1h_cdd2019.csv", tmp_path)
    assert found["spikes"].evidence["times"] == ["2017-08-17 04:00", "2017-08-22 04:00"]
    assert bar_at(market, "ETHUSDT", "2017-08-22 04:00")[2] == 144.21
    assert found["order"].evidence["times"][0].startswith("2017-09-26")


def test_cryptodatadownload_2021_repeats_2649_hours(shared_data, tmp_path):
    market, found = raw(shared_data, "Binance_ETHUSDT_1h_cdd2021.csv", tmp_path)
    assert found["epochs"].evidence["units"] == {"seconds": 28_584, "milliseconds": 7_478}
    repeated = found["duplicates"].evidence["count"] + found["conflicts"].evidence["count"]
    assert repeated == 2_649
    assert found["conflicts"].evidence["closes_apart"] == 1
    # 2020-11-20 07:00 stands there twice: closed, and as it was when the other download broke off
    rows = [line for line in (shared_data / "raw" / "Binance_ETHUSDT_1h_cdd2021.csv").read_text().splitlines()
            if "2020-11-20 07" in line]  # fmt: skip
    volumes = sorted(float(row.split(",")[7]) for row in rows)
    assert len(volumes) == 2
    assert bar_at(market, "ETH/USDT", "2020-11-20 07:00")[4] == volumes[1]


def test_an_api_error_saved_as_csv_is_refused(shared_data, tmp_path):
    with pytest.raises(DataError, match=r"DA-BF\.B.*no header .* begins with '\{'"):
        raw(shared_data, "DA-BF.B-T-2021-04-21.csv", tmp_path)
    assert not list(tmp_path.iterdir())


def test_unadjusted_shares_show_their_splits(shared_data, tmp_path):
    market, found = raw(shared_data, "DA-ODFL-T-2021-04-21.csv", tmp_path)
    assert (market.manifest.interval_ns, market.manifest.calendar) == (DAY_NS, "sessions")
    assert "gaps" not in found
    frame = pl.read_csv(shared_data / "raw" / "DA-ODFL-T-2021-04-21.csv")
    splits = frame.filter(pl.col("split_coefficient") != 1)["timestamp"].to_list()
    assert len(splits) == 6
    named = {time[:10] for time in found["jumps"].evidence["times"]}
    assert len(named) >= 4
    assert named <= set(splits)
    assert found["zero_volume"].evidence["count"] == 81


def test_luna_is_two_coins(shared_data, tmp_path):
    market, found = raw(shared_data, "LUNAUSDT_1h.csv", tmp_path)
    assert market.symbols == ("LUNAUSDT", "LUNAUSDT.2")
    assert iso(market.manifest.symbols[0].last_ns) == "2022-05-13 01:00"
    assert iso(market.manifest.symbols[1].first_ns) == "2022-05-31 06:00"
    assert sum(entry.bars for entry in market.manifest.symbols) == 23_551
    assert found["reuse"].evidence["price_ratio"] == [20_000]


def test_three_tickers_are_cut_and_no_other(delisted):
    cut = {entry.cut_from: iso(entry.first_ns) for entry in delisted.manifest.symbols if entry.cut_from}
    assert cut == {
        "LUNAUSDT": "2022-05-31 06:00",
        "QUICKUSDT": "2023-07-21 08:00",
        "SUNUSDT": "2021-06-18 04:00",
    }
    found = checks(delisted.findings(), "CVCUSDT")
    assert found["gaps"].evidence["longest"] == 3_701


def test_the_outages_of_the_exchange_are_gaps(delisted):
    found = checks(delisted.findings(), "BTCUSDT")
    assert found["gaps"].evidence["count"] == 12
    assert found["gaps"].evidence["first"] == [
        {"after": "2021-04-20 01:00", "bars": 2},
        {"after": "2021-04-25 04:00", "bars": 3},
        {"after": "2021-08-13 01:00", "bars": 4},
        {"after": "2021-09-29 06:00", "bars": 2},
        {"after": "2023-03-24 12:00", "bars": 1},
    ]
    assert found["zero_volume"].evidence["times"] == ["2023-03-24 12:00"]
    assert set(found) == {"gaps", "zero_volume", "unclosed"}


def test_symbols_that_died_soften_the_survivorship(delisted, shared_data, tmp_path):
    levels = [finding.level for finding in delisted.findings() if finding.check == "quality.survivorship"]
    assert levels == ["warning"]
    alone = import_market(shared_data / "crypto_spot_1h_core24.parquet", tmp_path / "m")
    assert checks(alone.findings())["survivorship"].level == "error"


def test_the_panel_of_the_open_part(delisted):
    end = delisted.manifest.apart_ns
    panel = build_panel(delisted, Span("m", end, end), QualityConfig())
    assert panel.prices.shape == (56, 19_201, 5)  # 24,001 hours, the last 4,800 apart
    bitcoin = panel.present[panel.symbols.index("BTCUSDT")]
    missing = [iso(int(panel.open_time[slot])) for slot in np.flatnonzero(~bitcoin)]
    assert missing == [
        "2021-04-20 02:00", "2021-04-20 03:00", "2021-04-25 05:00", "2021-04-25 06:00", "2021-04-25 07:00",
        "2021-08-13 02:00", "2021-08-13 03:00", "2021-08-13 04:00", "2021-08-13 05:00", "2021-09-29 07:00",
        "2021-09-29 08:00", "2023-03-24 12:00", "2023-03-24 13:00",
    ]  # fmt: skip


def test_large_moves_without_a_halt_are_left_alone(shared_data):
    arranged = read_files(shared_data / "crypto_spot_1h_rest119.parquet")
    close = {bars.symbol: bars.ohlcv[:, 3] for bars in arranged.bars}
    assert max(float(np.abs(np.diff(np.log(one))).max()) for one in close.values()) > 1.3
    bars, findings = cut_reused(arranged.bars, HOUR_NS)
    assert (len(bars), findings) == (119, [])


def test_130_shares_on_one_calendar(shared_data, tmp_path):
    market = import_market(shared_data / "equities_us_1d_130.parquet", tmp_path / "m")
    assert (len(market.symbols), market.manifest.calendar, market.bars_per_year) == (130, "sessions", 252)
    count = Counter(finding.check for finding in market.findings())
    assert count["quality.reuse"] == 0
    assert count["quality.jumps"] > 60
    assert "2013-11-04" not in str(checks(market.findings(), "PENN").get("jumps"))  # a spin-off: no whole factor
    missing = [finding.evidence["count"] for finding in market.findings() if finding.check == "quality.gaps"]
    assert sum(missing) < 30


def test_close_only_files_are_refused_by_their_columns(shared_data):
    with pytest.raises(
        DataError, match="no column for open, high, low, volume; columns found: timestamp, symbol, close"
    ):
        read_files(shared_data / "equities_close_only_1d_skfolio.parquet")
