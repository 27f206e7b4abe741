"""Every planted defect of bars is found and drawn at its own bar; those that the seal covers are not.

T bars of one symbol.
"""

from dataclasses import replace

import numpy as np
import pytest

from edgeproof.core.clock import HOUR_NS, iso
from edgeproof.core.rng import Rng
from edgeproof.data.bars import Bars
from edgeproof.data.quality import QualityConfig, check_series
from edgeproof.data.store import write_market
from edgeproof.recipe.defects import bar_findings, defects, gap_calendar, longest_gaps
from edgeproof.recipe.survey import survey

START = 1_577_836_800_000_000_000  # 2020-01-01
T = 2000


def clean(seed: int = 1, symbol: str = "A") -> Bars:
    """Hourly bars of a geometric walk that have no defect."""
    draw = Rng(seed).child("bars").numpy()
    close = 100 * np.exp(np.cumsum(0.004 * draw.standard_normal(T)))
    opened = np.r_[100.0, close[:-1]]
    reach = np.exp(0.002 * np.abs(draw.standard_normal((2, T))))
    ohlcv = np.stack(
        [opened, np.maximum(opened, close) * reach[0], np.minimum(opened, close) / reach[1], close], axis=1
    )
    times = START + HOUR_NS * np.arange(T)
    return Bars(symbol, times, times + HOUR_NS, np.column_stack([ohlcv, np.full(T, 5.0)]), "made")


def planted(name: str, at: int) -> Bars:
    """The clean bars with one defect at this bar."""
    bars = clean()
    x = bars.ohlcv.copy()
    if name == "spikes":
        x[at, 1] *= 3.0
    elif name == "ohlc":
        x[at, 2] = x[at, 1] * 1.01
    elif name == "bad_prices":
        x[at, 3] = -1.0
    elif name == "zero_volume":
        x[at, :4], x[at, 4] = x[at - 1, 3], 0.0
    elif name == "stale":
        x[at : at + 40, :4] = x[at - 1, 3] * 1.01
    elif name == "jumps":
        x[at:, :4] /= 2.0
    elif name == "gaps":
        keep = (np.arange(T) <= at) | (np.arange(T) > at + 30)
        return Bars(bars.symbol, bars.open_time[keep], bars.close_time[keep], x[keep], "made")
    return replace(bars, ohlcv=x)


NAMES = ("spikes", "ohlc", "bad_prices", "zero_volume", "stale", "jumps", "gaps")


def drawn(bars: Bars) -> list[dict]:
    clock = START + HOUR_NS * np.arange(T)
    return defects(check_series([bars], HOUR_NS, clock, "fixed"), [bars], QualityConfig())


def test_clean_bars_have_nothing_to_draw():
    assert drawn(clean()) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("at", [300, 1200])
def test_a_defect_is_drawn_at_its_bar(name, at):
    bars = planted(name, at)
    tile = next(each for each in drawn(bars) if each["check"] == name)
    assert tile["time"] == iso(START + at * HOUR_NS)
    first = next(n for n in range(len(bars)) if iso(int(bars.open_time[n])) == tile["from"])
    assert [row[:4] for row in tile["bars"]] == [
        pytest.approx(row[:4], rel=1e-6) for row in bars.ohlcv[first : first + len(tile["bars"])].tolist()
    ]
    if name == "gaps":
        assert (first + tile["gap_after"], tile["gap_bars"]) == (at, 30)
    else:
        assert [first + n for n in tile["marked"]] == list(range(at, at + (40 if name == "stale" else 1)))


@pytest.mark.parametrize(("name", "used"), [("spikes", True), ("ohlc", False), ("stale", False), ("jumps", True)])
def test_a_tile_says_whether_the_bar_is_masked(name, used):
    assert next(each for each in drawn(planted(name, 300)) if each["check"] == name)["used"] is used


@pytest.mark.parametrize("name", NAMES)
def test_a_sealed_defect_is_neither_found_nor_drawn(name, tmp_path):
    write_market(tmp_path / "m", [planted(name, 1700)], interval_ns=HOUR_NS, calendar="continuous", universe="fixed")
    body = survey(tmp_path / "m", workspace=tmp_path)
    assert body["defects"] == body["findings"] == body["gaps"] == []
    assert sum(body["calendar"]["missing"]) == 0


def test_what_several_symbols_have_at_once_is_drawn_once():
    one = planted("gaps", 300)
    series = [replace(one, symbol=name) for name in ("A", "B", "C")]
    clock = START + HOUR_NS * np.arange(T)
    findings = check_series(series, HOUR_NS, clock, "fixed")
    tiles = defects(findings, series, QualityConfig())
    assert [(tile["symbol"], tile["also_in"]) for tile in tiles] == [("A", 2)]
    assert longest_gaps(findings) == [{"symbol": "A", "also_in": 2, "after": "2020-01-13 12:00", "bars": 30}]


def test_symbols_take_turns():
    """Six places are drawn of a check; one symbol with seven leaves room for another's one."""
    first, second = clean(1, "A"), clean(2, "B")
    x, y = first.ohlcv.copy(), second.ohlcv.copy()
    x[[100, 200, 300, 400, 500, 600, 700], 1] *= 3.0
    y[1500, 1] *= 3.0
    series = [replace(first, ohlcv=x), replace(second, ohlcv=y)]
    found = check_series(series, HOUR_NS, START + HOUR_NS * np.arange(T), "fixed")
    tiles = defects(found, series, QualityConfig())
    assert sorted(tile["symbol"] for tile in tiles) == ["A"] * 5 + ["B"]


def test_the_calendar_counts_missing_bars_by_day_and_by_month():
    """Thirty hours after bar 300, 2020-01-13 12:00: eleven that day, nineteen on the next."""
    clock = START + HOUR_NS * np.arange(T)
    body = gap_calendar([planted("gaps", 300)], clock, HOUR_NS)
    assert (body["unit"], body["first"], len(body["missing"])) == ("day", "2020-01-01", 84)
    assert {day: count for day, count in enumerate(body["missing"]) if count} == {12: 11, 13: 19}
    assert sum(body["expected"]) == T
    daily = START + 24 * HOUR_NS * np.arange(100)
    keep = np.arange(100) != 40  # 2020-02-10
    bars = replace(clean(), open_time=daily[keep], close_time=daily[keep] + 24 * HOUR_NS, ohlcv=clean().ohlcv[:99])
    body = gap_calendar([bars], daily, 24 * HOUR_NS)
    assert (body["unit"], body["missing"], body["expected"]) == ("month", [0, 1, 0, 0], [31, 29, 31, 9])


def test_what_the_import_said_is_kept_and_bars_are_judged_anew(tmp_path):
    bars = planted("spikes", 1700)
    clock = START + HOUR_NS * np.arange(T)
    said = check_series([bars], HOUR_NS, clock, "survivors")
    market = write_market(
        tmp_path / "m", [bars], interval_ns=HOUR_NS, calendar="continuous", universe="survivors", findings=said
    )
    early = replace(bars, open_time=bars.open_time[:1600], close_time=bars.close_time[:1600], ohlcv=bars.ohlcv[:1600])
    assert [each.check for each in said] == ["quality.survivorship", "quality.spikes"]
    found = bar_findings(market, [early], clock[:1600], universe="survivors")
    assert [each.to_json() for each in found] == [said[0].to_json()]
    assert bar_findings(market, [early], clock[:1600], universe="fixed") == []


def test_bars_without_volume_that_follow_each_other_are_one_place():
    x = clean().ohlcv.copy()
    x[300:350, 4] = 0.0
    x[400, 4] = 0.0
    first, second = drawn(replace(clean(), ohlcv=x))
    assert first["note"].startswith("50 bars without volume, to ")
    assert len(first["marked"]) >= 40  # the rest is beyond the picture
    assert second["marked"] == [16]
