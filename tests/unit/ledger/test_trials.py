from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.clock import DAY_NS, HOUR_NS
from edgeproof.core.errors import LedgerError, SealError
from edgeproof.core.identity import sha_json
from edgeproof.ledger.returns import read_returns, write_returns
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.trials import Trial, record_training, record_trials, trials_of
from tests.unit.ledger.cases import clock, market, opened, thresholds

VALIDATION = clock(24 * 70)[800:1200] + HOUR_NS


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def training(name: str = "config", seed: int = 1, data: str = "data") -> Trial:
    return Trial(name, seed, data, {"log_loss": 0.69}, "logistic")


def random_returns(n: int, bars: int = 400, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.01, (bars, n))


def test_the_same_triple_is_the_same_trial():
    assert Trial("c", 1, "d", {"x": 1.0}, "a").id == Trial("c", 1, "d", {"x": 2.0}, "b", "p", 3, 4).id
    assert Trial("c", 1, "d").id == sha_json(["c", 1, "d"])
    assert len({Trial(c, s, d).id for c in "cd" for s in (1, 2) for d in "de"}) == 8


def test_a_training_counts_once_and_through_its_thresholds(ledger: Ledger):
    prints = market(1)
    name = opened(ledger, prints).market
    one = training()
    assert record_training(ledger, name, one) == one.id
    record_training(ledger, name, one)
    assert trials_of(ledger, prints).count == 1
    returns = random_returns(20)
    ids = record_trials(ledger, name, thresholds(one, 20), returns, VALIDATION)
    record_trials(ledger, name, thresholds(one, 20), returns * 2, VALIDATION)
    table = trials_of(ledger, prints)
    assert table.count == 20
    assert table.without_returns == 0
    assert table.ids == tuple(ids)
    assert np.array_equal(table.returns, returns)
    assert np.array_equal(table.close_time, VALIDATION)
    record_training(ledger, name, training(seed=2))
    table = trials_of(ledger, prints)
    assert (table.count, table.without_returns, len(table.rows)) == (21, 1, 21)


def test_only_the_new_ones_of_a_batch_are_added(ledger: Ledger):
    prints = market(1)
    name = opened(ledger, prints).market
    every, returns = thresholds(training(), 6), random_returns(6)
    record_trials(ledger, name, every[:2], returns[:, :2], VALIDATION)
    record_trials(ledger, name, [*every, every[5]], np.c_[returns, returns[:, 5]], VALIDATION)
    table = trials_of(ledger, prints)
    assert table.ids == tuple(trial.id for trial in every)
    assert np.array_equal(table.returns, returns)


def test_trials_count_wherever_bars_are_shared(ledger: Ledger):
    first, second, stranger = market(1, 2), market(2, 3, names="B"), market(9)
    for n, prints in enumerate((first, second, stranger)):
        record_trials(
            ledger,
            opened(ledger, prints).market,
            thresholds(training(f"c{n}"), 3),
            random_returns(3, seed=n),
            VALIDATION,
        )
    assert trials_of(ledger, first).count == trials_of(ledger, second).count == 6
    assert trials_of(ledger, stranger).count == 3
    assert trials_of(ledger, market(1, names="unknown yet")).count == 3
    assert trials_of(ledger, market(77)).count == 0


def test_the_same_triple_on_a_stranger_is_counted_there_too(ledger: Ledger):
    for prints in (market(1), market(2)):
        record_training(ledger, opened(ledger, prints).market, training())
        record_trials(ledger, prints.hash, thresholds(training(), 2), None, VALIDATION)
    assert trials_of(ledger, market(1)).count == trials_of(ledger, market(2)).count == 2


def test_pruned_and_failed_trials_count_without_returns(ledger: Ledger):
    prints = market(1)
    name = opened(ledger, prints).market
    record_trials(ledger, name, thresholds(training(), 3, tag="pruned"), None, VALIDATION)
    record_trials(ledger, name, thresholds(training(), 2), random_returns(2), VALIDATION)
    table = trials_of(ledger, prints)
    assert (table.count, table.without_returns, table.returns.shape) == (5, 3, (400, 2))


def test_a_flat_track_enters_with_zeros(ledger: Ledger):
    prints = market(1)
    record_trials(ledger, opened(ledger, prints).market, thresholds(training(), 1), np.zeros((400, 1)), VALIDATION)
    table = trials_of(ledger, prints)
    assert table.without_returns == 0
    assert not table.returns.any()


@pytest.mark.parametrize(("shift", "enters"), [(0, True), (20, True), (40, True), (41, False), (200, False)])
def test_another_validation_span_enters_with_nine_tenths_in_common(ledger: Ledger, shift: int, enters: bool):
    prints = market(1)
    name = opened(ledger, prints).market
    other, own = random_returns(2, seed=1), random_returns(2, seed=2)
    record_trials(ledger, name, thresholds(training("other"), 2), other, VALIDATION - shift * HOUR_NS)
    record_trials(ledger, name, thresholds(training("own"), 2), own, VALIDATION)
    table = trials_of(ledger, prints)
    assert table.count == 4
    assert table.without_returns == (0 if enters else 2)
    common = 400 - shift if enters else 400
    assert np.array_equal(table.close_time, VALIDATION[:common])
    expected = np.c_[other[shift:], own[:common]] if enters else own
    assert np.array_equal(table.returns, expected)


def test_a_longer_span_enters_whole_and_the_reference_may_be_given(ledger: Ledger):
    prints = market(1)
    name = opened(ledger, prints).market
    longer = clock(24 * 70)[400:1300] + HOUR_NS
    returns = random_returns(2, bars=900)
    record_trials(ledger, name, thresholds(training(), 2), returns, longer)
    table = trials_of(ledger, prints, close_time=VALIDATION)
    assert np.array_equal(table.returns, returns[400:800])
    assert trials_of(ledger, prints).returns.shape == (900, 2)
    nowhere = trials_of(ledger, prints, close_time=VALIDATION + DAY_NS * 9)
    assert (nowhere.count, nowhere.without_returns, nowhere.returns.shape) == (2, 2, (400, 0))


def test_another_interval_is_counted_without_returns(ledger: Ledger):
    prints = market(1)
    name = opened(ledger, prints).market
    record_trials(ledger, name, thresholds(training("hourly"), 2), random_returns(2), VALIDATION)
    daily = VALIDATION[::24]
    record_trials(ledger, name, thresholds(training("daily"), 1), random_returns(1, bars=len(daily)), daily)
    table = trials_of(ledger, prints)
    assert (table.count, table.without_returns, table.returns.shape) == (3, 2, (len(daily), 1))


def test_an_empty_ledger_has_an_empty_table(ledger: Ledger):
    table = trials_of(ledger, market(1))
    assert (table.count, table.without_returns, table.returns.shape, table.ids) == (0, 0, (0, 0), ())


def test_scores_that_are_not_finite_are_null(ledger: Ledger):
    name = opened(ledger, market(1)).market
    record_training(ledger, name, Trial("c", 1, "d", {"auc": float("nan"), "loss": np.float64(0.5), "none": None}))
    assert ledger.rows("training")[0].body["score"] == {"auc": None, "loss": 0.5, "none": None}


def test_sealed_bars_cannot_be_scored(ledger: Ledger):
    span = opened(ledger, market(1))
    past = clock(24 * 70)[1000:1400] + HOUR_NS
    with pytest.raises(SealError, match="past the seal"):
        record_trials(ledger, span.market, thresholds(training(), 1), random_returns(1), past)
    with pytest.raises(SealError, match="past the seal"):
        record_training(ledger, span.market, Trial("c", 1, "d", end_ns=span.seal_ns + 1))
    assert len(ledger.rows()) == 2


def test_what_does_not_fit_is_refused_before_anything_is_written(ledger: Ledger):
    name = opened(ledger, market(1)).market
    one = thresholds(training(), 2)
    broken = random_returns(2)
    broken[7, 1] = np.nan
    cases = [
        (random_returns(3), VALIDATION, "shape"),
        (random_returns(2)[:-1], VALIDATION, "shape"),
        (broken, VALIDATION, "bar 7 is not a number"),
        (random_returns(2), VALIDATION[::-1], "do not rise"),
    ]
    for returns, time, match in cases:
        with pytest.raises(LedgerError, match=match):
            record_trials(ledger, name, one, returns, time)
    with pytest.raises(LedgerError, match="open its span"):
        record_training(ledger, "m" * 64, training())
    assert len(ledger.rows()) == 2
    assert not (ledger.folder / "returns").exists()


def test_returns_are_verified_on_reading(ledger: Ledger):
    prints = market(1)
    record_trials(ledger, opened(ledger, prints).market, thresholds(training(), 2), random_returns(2), VALIDATION)
    path = ledger.returns_path(ledger.rows("trial")[0].body["returns"])
    data = path.read_bytes()
    path.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    with pytest.raises(LedgerError, match="altered"):
        trials_of(ledger, prints)
    path.unlink()
    with pytest.raises(LedgerError, match="missing"):
        trials_of(ledger, prints)
    path.write_bytes(data)
    assert trials_of(ledger, prints).count == 2


def test_a_row_that_names_a_file_of_others_is_an_error(ledger: Ledger):
    prints = market(1)
    name = opened(ledger, prints).market
    sha = write_returns(ledger, ["somebody"], random_returns(1), VALIDATION)
    ledger.append("trial", {"market": name, **training().to_json(), "returns": sha})
    with pytest.raises(LedgerError, match="holds no returns of trial"):
        trials_of(ledger, prints)


@settings(max_examples=25, deadline=None)
@given(bars=st.integers(1, 50), n=st.integers(1, 5), seed=st.integers(0, 100))
def test_returns_come_back_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, bars: int, n: int, seed: int):
    ledger = Ledger(tmp_path_factory.mktemp("w"))
    returns, time = random_returns(n, bars=bars, seed=seed), clock(bars)
    names = [f"t{k}" for k in range(n)]
    found, columns = read_returns(ledger, write_returns(ledger, names, returns, time))
    assert np.array_equal(found, time)
    assert list(columns) == names
    assert np.array_equal(np.stack([columns[name] for name in names], axis=1), returns)
