from pathlib import Path

import pytest

from edgeproof.core.clock import HOUR_NS
from edgeproof.core.errors import LedgerError, SealError
from edgeproof.ledger.lineage import candidate_before_opening, record_candidate, smallest_sharpe
from edgeproof.ledger.markets import rows_of
from edgeproof.ledger.seal import reseal
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.trials import Trial, record_training
from edgeproof.ledger.vault import open_sealed
from tests.unit.ledger.cases import MONDAY_NS, market, opened

END_NS = MONDAY_NS + 24 * 70 * HOUR_NS


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def test_a_candidate_counts_as_early_only_before_the_first_opening(ledger: Ledger):
    prints = market(1)
    span = opened(ledger, prints)
    trial = record_training(ledger, span.market, Trial("c", 1, "d"))
    assert not candidate_before_opening(ledger, prints, "early")
    record_candidate(ledger, span.market, "early", trial)
    record_candidate(ledger, span.market, "early", trial)
    assert len(ledger.rows("candidate")) == 1
    assert candidate_before_opening(ledger, prints, "early")
    open_sealed(ledger, span, candidate="early", end_ns=END_NS)
    record_candidate(ledger, span.market, "late", trial)
    assert candidate_before_opening(ledger, prints, "early")
    assert not candidate_before_opening(ledger, prints, "late")
    assert not candidate_before_opening(ledger, market(1, 2, names="copy"), "late")


def test_bars_nobody_has_seen_give_a_late_candidate_its_chance(ledger: Ledger):
    prints = market(1)
    span = opened(ledger, prints)
    trial = record_training(ledger, span.market, Trial("c", 1, "d"))
    open_sealed(ledger, span, candidate="early", end_ns=END_NS)
    record_candidate(ledger, span.market, "late", trial)
    reseal(ledger, prints)
    longer = market(1, bars=24 * 90)
    opened(ledger, longer, bars=24 * 90)
    assert candidate_before_opening(ledger, longer, "late")


def test_the_smallest_sharpe_is_the_last_one_fixed_before_the_opening(ledger: Ledger):
    prints = market(1)
    span = opened(ledger, prints)
    trial = record_training(ledger, span.market, Trial("c", 1, "d"))
    with pytest.raises(SealError, match="was not in the ledger"):
        smallest_sharpe(ledger, prints, "b")
    record_candidate(ledger, span.market, "b", trial)
    assert smallest_sharpe(ledger, prints, "b") is None
    record_candidate(ledger, span.market, "b", trial, smallest_sharpe=1.5)
    open_sealed(ledger, span, candidate="b", end_ns=END_NS)
    record_candidate(ledger, span.market, "b", trial, smallest_sharpe=9.0)
    assert smallest_sharpe(ledger, prints, "b") == 1.5
    assert len(ledger.rows("candidate")) == 3


def test_a_candidate_comes_from_a_counted_trial(ledger: Ledger):
    span = opened(ledger, market(1))
    with pytest.raises(LedgerError, match="has no row"):
        record_candidate(ledger, span.market, "b", "t" * 64)


def test_the_rows_of_a_market_are_all_it_stands_on(ledger: Ledger):
    prints = market(1)
    span, stranger = opened(ledger, prints), opened(ledger, market(2))
    trial = record_training(ledger, span.market, Trial("c", 1, "d"))
    record_training(ledger, stranger.market, Trial("c", 2, "d"))
    record_candidate(ledger, span.market, "b", trial)
    open_sealed(ledger, span, candidate="b", end_ns=END_NS)
    reseal(ledger, prints)
    assert [row.kind for row in rows_of(ledger, prints)] == ["market", "training", "candidate", "opening", "reseal"]
