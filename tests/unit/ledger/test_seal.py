from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.clock import DAY_NS, HOUR_NS
from edgeproof.core.errors import DataError, LedgerError, SealError
from edgeproof.ledger.fingerprint import Fingerprints
from edgeproof.ledger.markets import known_markets, rows_of
from edgeproof.ledger.seal import open_span, reseal, seal_date
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.vault import open_sealed
from tests.unit.ledger.cases import MONDAY_NS, clock, market, opened

BARS = 24 * 70
SEAL_NS = MONDAY_NS + 24 * 56 * HOUR_NS  # close of bar 1,344 of 1,680


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def test_the_seal_is_the_close_of_the_last_open_bar(ledger: Ledger):
    span = opened(ledger, market(1, 2))
    assert span.seal_ns == span.end_ns == SEAL_NS
    assert span.opening is None
    assert span.market == market(1, 2).hash
    body = ledger.rows("market")[0].body
    assert body["seal_ns"] == SEAL_NS
    assert body["seal_of"] is None
    assert body["symbols"] == 2


@settings(max_examples=100, deadline=None)
@given(bars=st.integers(2, 5_000), percent=st.integers(1, 99))
def test_exactly_the_share_is_sealed(bars: int, percent: int):
    from edgeproof.ledger.seal import _own_seal

    time = np.arange(1, bars + 1)
    sealed = -(-bars * percent // 100)  # whole numbers: no rounding to trust
    if sealed >= bars:
        with pytest.raises(SealError, match="leave 0 open"):
            _own_seal(time, percent / 100)
    else:
        assert _own_seal(time, percent / 100) == bars - sealed


def test_a_second_use_writes_nothing_whatever_the_share(ledger: Ledger):
    first = opened(ledger, market(1))
    rows = ledger.verify()
    assert opened(ledger, market(1), share=0.05) == first
    assert opened(ledger, market(1), share=0.6) == first
    assert ledger.verify() == rows


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_a_market_that_shares_bars_takes_the_date(ledger: Ledger, share: float):
    opened(ledger, market(1, 2))
    assert opened(ledger, market(2, 3, names="other"), share=share).seal_ns == SEAL_NS
    assert ledger.rows("market")[1].body["seal_of"] == market(1, 2).hash


def test_a_stranger_has_its_own_date(ledger: Ledger):
    opened(ledger, market(1))
    assert opened(ledger, market(2), share=0.5).seal_ns == MONDAY_NS + 24 * 35 * HOUR_NS


def test_appended_bars_are_sealed(ledger: Ledger):
    opened(ledger, market(1))
    longer = opened(ledger, market(1, bars=24 * 120), bars=24 * 120)
    assert longer.end_ns == longer.seal_ns == SEAL_NS


def test_the_earliest_of_several_dates_holds(ledger: Ledger):
    opened(ledger, market(1), share=0.2)
    early = opened(ledger, market(2), share=0.4)
    both = opened(ledger, market(1, 2))
    assert both.seal_ns == early.seal_ns < SEAL_NS
    assert opened(ledger, market(1)).seal_ns == SEAL_NS  # fixed at first use


def test_a_market_of_open_bars_alone_has_nothing_sealed(ledger: Ledger):
    opened(ledger, market(1))
    part = opened(ledger, market(1, bars=24 * 40), bars=24 * 40)
    assert part.end_ns == MONDAY_NS + 24 * 40 * HOUR_NS  # these bars were seen: no seal can make them unseen
    with pytest.raises(SealError, match="nothing to open"):
        open_sealed(ledger, part, candidate="c", end_ns=part.end_ns)


def test_a_market_of_sealed_bars_alone_cannot_be_opened_for_work(ledger: Ledger):
    opened(ledger, market(1))
    start = MONDAY_NS + 24 * 57 * HOUR_NS
    late = market(1, bars=24 * 13, start_ns=start)
    with pytest.raises(SealError, match="every bar of this market closes after 2020-03-02 00:00"):
        open_span(ledger, late, close_time=clock(24 * 13, start) + HOUR_NS, sealed_share=0.2, bars_hash="late")


def test_another_interval_ends_at_its_own_last_open_bar(ledger: Ledger):
    prints = market(1)
    open_span(ledger, prints, close_time=clock(BARS) + HOUR_NS, sealed_share=0.201, bars_hash="hourly")
    daily = clock(70, step_ns=DAY_NS) + DAY_NS
    span = open_span(ledger, prints, close_time=daily, sealed_share=0.2, bars_hash="daily")
    assert span.end_ns == MONDAY_NS + 55 * DAY_NS
    assert len(ledger.rows("market")) == 1


@pytest.mark.parametrize("share", [0.0, 1.0, -0.2, 1.5, float("nan")])
def test_a_share_outside_is_refused(ledger: Ledger, share: float):
    with pytest.raises(SealError, match="sealed share"):
        opened(ledger, market(1), share=share)
    assert ledger.rows() == []


def test_a_market_that_cannot_be_recognised_is_refused(ledger: Ledger):
    with pytest.raises(DataError, match="recognised"):
        open_span(ledger, Fingerprints({"X": ()}), close_time=clock(9), sealed_share=0.2, bars_hash="x")
    assert ledger.rows() == []


def test_an_unknown_market_has_no_date(ledger: Ledger):
    with pytest.raises(SealError, match="no seal yet"):
        seal_date(ledger, ledger.rows(), market(1))


def test_reseal_moves_over_spent_bars_only(ledger: Ledger):
    prints = market(1)
    span = opened(ledger, prints)
    end = MONDAY_NS + BARS * HOUR_NS
    with pytest.raises(SealError, match="no opening has spent"):
        reseal(ledger, prints)
    open_sealed(ledger, span, candidate="c", end_ns=end - 48 * HOUR_NS)
    for wrong in (end, SEAL_NS, SEAL_NS - HOUR_NS):
        with pytest.raises(SealError, match="cannot move"):
            reseal(ledger, prints, to_ns=wrong)
    assert reseal(ledger, prints, to_ns=SEAL_NS + HOUR_NS) == SEAL_NS + HOUR_NS
    assert reseal(ledger, prints) == end - 48 * HOUR_NS
    assert opened(ledger, prints).end_ns == end - 48 * HOUR_NS
    assert [row.body["to_ns"] for row in ledger.rows("reseal")] == [SEAL_NS + HOUR_NS, end - 48 * HOUR_NS]
    with pytest.raises(SealError, match="no opening has spent"):
        reseal(ledger, prints)


def test_a_reseal_holds_for_longer_and_shorter_copies_and_not_for_other_symbols(ledger: Ledger):
    prints, end = market(1, 2), MONDAY_NS + BARS * HOUR_NS
    earlier = opened(ledger, market(1, names="old"))
    open_sealed(ledger, opened(ledger, prints), candidate="c", end_ns=end)
    assert opened(ledger, market(1, names="old")) == earlier
    reseal(ledger, prints)
    assert opened(ledger, market(1)).end_ns == end
    longer = opened(ledger, market(1, 2, bars=24 * 90), bars=24 * 90)
    assert longer.end_ns == end
    wider = market(1, 2, 3)
    assert opened(ledger, wider).end_ns == end  # symbol 3 was never sealed


def test_an_opening_of_one_symbol_does_not_spend_the_others(ledger: Ledger):
    one, two, end = market(1), market(1, 2), MONDAY_NS + BARS * HOUR_NS
    opened(ledger, two)
    open_sealed(ledger, opened(ledger, one), candidate="c", end_ns=end)
    with pytest.raises(SealError, match="no opening has spent"):
        reseal(ledger, two)
    assert reseal(ledger, one) == end
    assert opened(ledger, two).end_ns == SEAL_NS


def test_prints_are_stored_and_their_loss_is_an_error(ledger: Ledger):
    prints = market(1, 2)
    opened(ledger, prints)
    stored = known_markets(ledger, ledger.rows())
    assert stored[prints.hash].prints == prints.prints
    path = ledger.fingerprints_path(prints.hash)
    text = path.read_text()
    path.write_text(text.replace(next(iter(prints.prints)), "0" * 16))
    with pytest.raises(LedgerError, match="altered"):
        rows_of(ledger, prints)
    for wrong in ("{}", "[[1]]", "nothing"):
        path.write_text(wrong)
        with pytest.raises(LedgerError, match="cannot be read"):
            rows_of(ledger, prints)
    path.unlink()
    with pytest.raises(LedgerError, match="cannot be read"):
        opened(ledger, market(5))
    path.write_text(text)
    assert opened(ledger, prints).seal_ns == SEAL_NS
