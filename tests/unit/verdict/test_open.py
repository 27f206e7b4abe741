"""Opening the seal: recorded once for a candidate, a further opening for any other."""

from pathlib import Path

import pytest

from edgeproof.core.clock import HOUR_NS
from edgeproof.core.errors import SealError
from edgeproof.ledger.store import Ledger
from edgeproof.verdict.open import open_seal
from tests.unit.ledger.cases import MONDAY_NS, market, opened

END_NS = MONDAY_NS + 24 * 70 * HOUR_NS


def test_an_opening_is_recorded_before_anything_is_read(tmp_path: Path):
    ledger = Ledger(tmp_path)
    span = opened(ledger, market(1))
    first = open_seal(ledger, span, candidate="bundle", end_ns=END_NS)
    (row,) = ledger.rows("opening")
    assert (first.opening, first.fresh) == (1, True)
    assert first.span.opening == row.hash
    assert first.span.end_ns == END_NS
    again = open_seal(ledger, span, candidate="bundle", end_ns=END_NS)
    assert (again.opening, again.fresh, again.span) == (1, False, first.span)
    assert open_seal(ledger, span, candidate="other", end_ns=END_NS).opening == 2


def test_nothing_sealed_is_nothing_to_open(tmp_path: Path):
    ledger = Ledger(tmp_path)
    span = opened(ledger, market(1))
    with pytest.raises(SealError, match="nothing to open"):
        open_seal(ledger, span, candidate="bundle", end_ns=span.seal_ns)
