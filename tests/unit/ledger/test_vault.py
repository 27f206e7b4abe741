from dataclasses import replace
from pathlib import Path

import pytest

from edgeproof.core.clock import HOUR_NS
from edgeproof.core.errors import LedgerError, SealError
from edgeproof.ledger.lineage import openings
from edgeproof.ledger.seal import reseal
from edgeproof.ledger.span import Span
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.vault import open_sealed
from tests.unit.ledger.cases import MONDAY_NS, market, opened

END_NS = MONDAY_NS + 24 * 70 * HOUR_NS


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def test_an_opening_is_a_row_and_a_token(ledger: Ledger):
    span = opened(ledger, market(1))
    token, number, fresh = open_sealed(ledger, span, candidate="bundle", end_ns=END_NS)
    (row,) = ledger.rows("opening")
    assert (number, fresh) == (1, True)
    assert token == replace(span, end_ns=END_NS, opening=row.hash)
    assert row.body == {
        "market": span.market,
        "candidate": "bundle",
        "seal_ns": span.seal_ns,
        "end_ns": END_NS,
        "number": 1,
    }


def test_the_same_candidate_again_is_free_and_any_other_is_not(ledger: Ledger):
    span = opened(ledger, market(1, 2))
    first = open_sealed(ledger, span, candidate="a", end_ns=END_NS)
    assert open_sealed(ledger, span, candidate="b", end_ns=END_NS)[1:] == (2, True)
    assert open_sealed(ledger, span, candidate="a", end_ns=END_NS) == (first[0], 1, False)
    assert open_sealed(ledger, span, candidate="b", end_ns=END_NS)[1:] == (2, False)
    renamed = opened(ledger, market(1, 2, names="copy"))
    assert open_sealed(ledger, renamed, candidate="a", end_ns=END_NS)[1:] == (1, False)
    assert len(ledger.rows("opening")) == 2


def test_other_bars_are_another_look_and_count_wherever_bars_are_shared(ledger: Ledger):
    span = opened(ledger, market(1, 2))
    part = opened(ledger, market(2))
    stranger = opened(ledger, market(3))
    assert open_sealed(ledger, span, candidate="a", end_ns=END_NS)[1:] == (1, True)
    assert open_sealed(ledger, span, candidate="a", end_ns=END_NS - HOUR_NS)[1:] == (2, True)
    assert open_sealed(ledger, part, candidate="a", end_ns=END_NS)[1:] == (3, True)
    assert open_sealed(ledger, stranger, candidate="a", end_ns=END_NS)[1:] == (1, True)
    assert len(openings(ledger, market(1))) == 2
    assert len(openings(ledger, market(2))) == 3


def test_bars_nobody_has_seen_start_at_one_again(ledger: Ledger):
    prints, later = market(1), END_NS + 24 * 20 * HOUR_NS
    span = opened(ledger, prints)
    open_sealed(ledger, span, candidate="a", end_ns=END_NS)
    longer = market(1, bars=24 * 90)
    unsealed = opened(ledger, longer, bars=24 * 90)
    assert open_sealed(ledger, unsealed, candidate="b", end_ns=later)[1] == 2  # holds bars that were opened before
    reseal(ledger, longer, to_ns=END_NS)
    assert [row.body["number"] for row in openings(ledger, longer)] == [2]
    assert openings(ledger, prints) != []


def test_after_a_reseal_the_count_is_of_the_new_span(ledger: Ledger):
    span = opened(ledger, market(1))
    for name in "abc":
        open_sealed(ledger, span, candidate=name, end_ns=END_NS)
    reseal(ledger, market(1))
    longer = opened(ledger, market(1, bars=24 * 90), bars=24 * 90)
    assert open_sealed(ledger, longer, candidate="d", end_ns=END_NS + 24 * 20 * HOUR_NS)[1:] == (1, True)


def test_nothing_opens_without_a_seal_or_bars(ledger: Ledger):
    with pytest.raises(SealError, match="no seal in"):
        open_sealed(ledger, Span("m" * 64, 0, 0), candidate="a", end_ns=END_NS)
    span = opened(ledger, market(1))
    with pytest.raises(SealError, match="nothing to open"):
        open_sealed(ledger, span, candidate="a", end_ns=span.seal_ns)
    assert ledger.rows("opening") == []


def test_a_forged_date_does_not_move_the_seal(ledger: Ledger):
    span = opened(ledger, market(1))
    forged = replace(span, seal_ns=END_NS - HOUR_NS, end_ns=END_NS - HOUR_NS)
    open_sealed(ledger, forged, candidate="a", end_ns=END_NS)
    assert ledger.rows("opening")[0].body["seal_ns"] == span.seal_ns


def test_no_row_no_opening(ledger: Ledger):
    span = opened(ledger, market(1))
    ledger.path.write_bytes(ledger.path.read_bytes().replace(b'"symbols":1', b'"symbols":2'))
    with pytest.raises(LedgerError, match="row 1 was edited"):
        open_sealed(ledger, span, candidate="a", end_ns=END_NS)
