"""Moments: every way to write one gives the same nanoseconds, and what cannot be told apart is refused with its row."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.errors import DataError
from edgeproof.data.sources.times import parse_times

MOMENT = datetime(2019, 7, 30, 13, 0, 0, tzinfo=UTC)
NS = int(MOMENT.timestamp()) * 10**9


def parse(*values) -> list[int]:
    return parse_times(pl.Series(values), np.arange(2, len(values) + 2), "f.csv, column 'date'")[0].tolist()


@pytest.mark.parametrize(
    "text",
    [
        "2019-07-30 13:00:00",
        "2019-07-30T13:00:00",
        "2019-07-30T13:00:00Z",
        "2019-07-30 13:00",
        "2019-07-30 13:00:00.000",
        "2019-07-30 13:00:00+00:00",
        "2019-07-30 15:00:00+02:00",
        "2019-07-30 08:30:00-0430",
        "2019-07-30 13:00:00 UTC",
        "2019-07-30 01-PM",
        "2019-07-30 01 PM",
        "2019-07-30 01:00 PM",
        "2019/07/30 13:00",
        "30/07/2019 13:00",
        "07/30/2019 13:00",
        "30.07.2019 13:00",
        "30-Jul-2019 13:00",
        " 2019-07-30 13:00 ",
        "1564491600",
        "1564491600.0",
        "1564491600000",
        "1564491600000.0",
        "1564491600000000",
        "1564491600000000000",
    ],
)
def test_one_moment_in_many_hands(text):
    assert parse(text) == [NS]


@pytest.mark.parametrize("text", ["2019-07-30", "20190730", "30.07.2019", "2019-07-30 12-AM", "Jul 30, 2019"])
def test_dates(text):
    assert parse(text) == [NS - 13 * 3600 * 10**9]


def test_typed_columns():
    naive = MOMENT.replace(tzinfo=None)
    assert parse(naive) == parse(MOMENT) == parse(1564491600) == parse(1564491600.0) == parse(1564491600000) == [NS]
    assert parse(MOMENT.date()) == parse(20190730) == [NS - 13 * 3600 * 10**9]
    zoned = pl.Series([naive]).dt.replace_time_zone("America/New_York")
    assert parse_times(zoned, np.arange(1), "f")[0].tolist() == [NS + 4 * 3600 * 10**9]


def test_units_mixed_within_a_column_are_told_by_row():
    values = pl.Series(["1564491600000", "1564491600", "1564491600.0", "2019-07-30 01-PM"])
    times, findings = parse_times(values, np.arange(10, 14), "f.csv")
    assert times.tolist() == [NS] * 4
    (finding,) = findings
    assert finding.check == "quality.epochs"
    assert finding.evidence == {"count": 3, "units": {"seconds": 2, "milliseconds": 1}, "rows": [11]}


def test_zones_are_a_finding():
    _, (finding,) = parse_times(pl.Series(["2019-07-30 13:00Z", "2019-07-30 15:00+02:00"]), np.array([5, 6]), "f.csv")
    assert (finding.check, finding.evidence["rows"]) == ("quality.zones", [6])


def test_day_or_month_first_is_told_by_the_column():
    first = parse("01/02/2020", "13/02/2020")
    second = parse("01/02/2020", "02/13/2020")
    assert first[0] - second[0] == (31 - 1) * 24 * 3600 * 10**9
    with pytest.raises(DataError, match=r"row 2: '01/02/2020' may be day or month first"):
        parse("01/02/2020", "03/04/2020")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (("2019-07-30", "soon"), "row 3: time 'soon'"),
        (("2019-07-30", None), "row 3: no time"),
        (("1564491600", "17"), "row 3: 17 is not a time"),
        ((1564491600.0, float("nan")), "row 3: nan is not a time"),
        (("2019-13-30",), "row 2: time '2019-13-30'"),
        (("2019-07-30 25:00",), "row 2"),
    ],
)
def test_what_is_no_moment_is_named_with_its_row(values, words):
    with pytest.raises(DataError, match=words):
        parse(*values)


@settings(max_examples=200, deadline=None)
@given(second=st.integers(10**8, 4 * 10**9), unit=st.sampled_from([1, 10**3, 10**6, 10**9]))
def test_any_epoch_in_any_unit(second, unit):
    assert parse(str(second * unit)) == parse(second * unit) == [second * 10**9]
    if unit < 10**6:
        assert parse(f"{second * unit}.0") == [second * 10**9]


@settings(max_examples=200, deadline=None)
@given(moment=st.datetimes(datetime(1950, 1, 1), datetime(2200, 1, 1)))
def test_iso_text_agrees_with_the_standard_library(moment):
    moment = moment.replace(tzinfo=UTC)
    expected = int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 10**6) // 1
    for separator in (" ", "T"):
        got = parse(moment.isoformat(separator, timespec="microseconds"))[0]
        assert abs(got // 1000 - expected) <= 1  # total_seconds is a double
