"""Copies are made of training bars and nothing else: no window of one reads a bar that the fold holds out."""

from dataclasses import replace

import numpy as np
import pytest

from edgeproof.core.config import from_mapping
from edgeproof.core.errors import ConfigError
from edgeproof.features.scale import apply, fit_preprocessor
from edgeproof.features.table import build_features
from edgeproof.labels.forward import ForwardReturnConfig
from edgeproof.samples.augment import copies as module
from edgeproof.samples.augment.copies import Recipe, forecast_table, make_copies
from edgeproof.samples.augment.settings import AugmentConfig
from edgeproof.samples.dataset import make_dataset
from edgeproof.samples.interval import first_read_of_windows
from tests.unit.features.panels import random_panel, rough_panel
from tests.unit.samples.folds_of_bars import EXACT, MIXING, WINDOW, Case, case_of

SPLITS = {
    "holdout": {},
    "walk_forward": {"name": "walk_forward", "train": 1100, "validation": 200, "test": 150, "step": 150, "number": 1},
    "kfold": {"name": "kfold", "n_folds": 3, "number": 1, "embargo_bars": 20},
    "short": {"name": "kfold", "n_folds": 100, "number": 50},  # so few bars held out that features step over them
}
KINDS = (["price_jitter"], ["volume"], [{"name": "time_shift", "bars": 3}], [MIXING], [MIXING, "time_shift", "volume"])


@pytest.fixture(scope="module", params=SPLITS)
def case(request) -> Case:
    return case_of(rough_panel(3, 1800 if request.param == "short" else 2400, 8), **SPLITS[request.param])


def held_out(case: Case) -> np.ndarray:
    """bool[T] by walking: every bar that a held-out sample occupies, and the embargo behind it."""
    held = case.samples.among(case.fold.validation, case.fold.dropped_validation, case.fold.test)
    found = np.zeros(len(case.run), bool)
    for first, last in zip(held.decided, held.resolved, strict=True):
        found[first : last + 1] = True
    ends = np.flatnonzero(found & ~np.r_[found[1:], False])
    for end in ends:
        found[end : end + case.fold.embargo_bars + 1] = True
    return found


def test_runs_are_the_bars_of_training_samples(case: Case):
    train = case.samples.among(case.fold.train)
    inside = np.zeros(len(case.run), bool)
    for first, last in zip(train.first, train.resolved, strict=True):
        inside[first : last + 1] = True
    np.testing.assert_array_equal(case.run >= 0, inside)
    assert not (inside & held_out(case)).any()
    after_test = len(case.fold.test) and (train.decided > (case.fold.test % len(case.run)).max()).any()
    assert case.run.max() + 1 == (2 if after_test else 1)


@pytest.mark.parametrize("kinds", KINDS, ids=str)
def test_no_window_of_a_copy_reads_a_held_out_bar(case: Case, kinds):
    """Walked for every training sample: the bars that its copy's window reads, and its own label's bars."""
    made = case.copies(*kinds, number=2)
    T = len(case.run)
    held = np.flatnonzero(held_out(case))
    for ends in made.ends.reshape(2, -1):
        own = ends[case.fold.train]
        used = own >= 0
        assert used.mean() > (0.2 if MIXING in kinds else 0.9)
        for sample, end in zip(case.fold.train[used][::7], own[used][::7], strict=True):
            assert sample // T == end // T
            u = end % T
            first = u - WINDOW + 1
            assert case.run[first] == case.run[u] == case.run[sample % T] >= 0
            assert not ((held >= first) & (held <= u)).any()
            begin = np.flatnonzero(case.run == case.run[u])[0]
            if MIXING not in kinds:  # the longest feature reads 168 bars, none of them before the run
                assert case.panel.present[sample // T, begin : first + 1].sum() >= 168


@pytest.mark.parametrize("kinds", KINDS, ids=str)
def test_held_out_bars_move_no_byte_that_training_reads(case: Case, kinds):
    """Every bar outside the training runs is made another: neither tables nor places of the copies move."""
    other, outside = random_panel(3, len(case.run), 99), case.run < 0
    prices = np.where(outside[None, :, None] & case.panel.present[:, :, None], other.prices, case.panel.prices)
    moved = replace(case, panel=replace(case.panel, prices=prices, sha="other"))
    before, after = case.copies(*kinds, number=2), moved.copies(*kinds, number=2)
    np.testing.assert_array_equal(before.tables[1:], after.tables[1:])
    np.testing.assert_array_equal(before.ends, after.ends)
    gone = case.panel.present & ~outside
    assert (
        before.tables[1:].tobytes()
        == replace(case, panel=replace(case.panel, present=gone)).copies(*kinds, number=2).tables[1:].tobytes()
    )


def test_an_untouched_copy_is_the_clean_table():
    """The masked panel gives training samples the features that they had, so what differs is what was done."""
    case = case_of(rough_panel(3, 2400, 8))
    made = case.copies({"name": "price_jitter", "scale": 1e-13})
    clean, copy = made.tables[0].reshape(-1, len(EXACT)), made.tables[1].reshape(-1, len(EXACT))
    rows = case.fold.train
    np.testing.assert_array_equal(made.ends[0].reshape(-1)[rows], rows)
    np.testing.assert_allclose(copy[rows], clean[rows], atol=2e-6)
    np.testing.assert_array_equal(clean, apply(fit_preprocessor(case.table, rows), case.table.x).reshape(clean.shape))


@pytest.mark.parametrize("kinds", [["price_jitter"], ["volume"]])
def test_change_the_future_and_no_earlier_feature_of_a_copy_moves(kinds):
    case = case_of(random_panel(2, 1500, 5))
    scale = fit_preprocessor(case.table, case.fold.train)
    config = from_mapping(AugmentConfig, {"kinds": kinds, "copies": 1, "at_forecast": 1})

    def tables(prices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        panel = replace(case.panel, prices=prices)
        recipe = Recipe(panel, EXACT, 24, WINDOW, 3)
        made = make_copies(config, recipe, case.run, scale, case.table)
        assert made is not None
        return made.tables[1], forecast_table(config, recipe, 0).x

    was, other = tables(case.panel.prices), random_panel(2, 1500, 6).prices
    for t in (400, 901, 1499):
        now = tables(np.concatenate([case.panel.prices[:, :t], other[:, t:]], axis=1))
        for before, after in zip(was, now, strict=True):
            np.testing.assert_array_equal(before[:, :t], after[:, :t])
        assert (was[1] != now[1]).any()


def test_a_longer_span_and_other_symbols_leave_a_forecast_copy_as_it_was():
    panel = random_panel(3, 900, 5)
    config = from_mapping(AugmentConfig, {"kinds": ["price_jitter", "volume", "time_shift"], "at_forecast": 2})
    assert [kind.model_dump()["name"] for kind in config.forecasting] == ["price_jitter", "volume"]
    names = EXACT[:4]  # those of one symbol alone
    whole = forecast_table(config, Recipe(panel, names, 24, WINDOW, 3), 1)
    part = replace(
        panel,
        prices=panel.prices[1:, :700],
        present=panel.present[1:, :700],
        open_time=panel.open_time[:700],
        close_time=panel.close_time[:700],
        symbols=panel.symbols[1:],
        sha="part",
    )
    cut = forecast_table(config, Recipe(part, names, 24, WINDOW, 3), 1)
    np.testing.assert_array_equal(whole.x[1:, :700], cut.x)
    np.testing.assert_array_equal(whole.ready, build_features(panel, names).ready)


def test_a_shifted_window_ends_up_to_k_bars_sooner_and_within_its_run():
    case = case_of(rough_panel(3, 2400, 8), **SPLITS["kfold"])
    (ends,) = case.copies({"name": "time_shift", "bars": 4}).ends.reshape(1, -1)
    back = case.fold.train - ends[case.fold.train]
    used = ends[case.fold.train] >= 0
    assert sorted(set(back[used])) == [1, 2, 3, 4]
    counts = np.bincount(back[used])[1:]
    assert counts.min() > 0.8 * counts.mean()
    T = len(case.run)
    first = first_read_of_windows(case.table.first_read, WINDOW).reshape(-1)
    begin = {run: np.flatnonzero(case.run == run)[0] for run in range(case.run.max() + 1)}
    early = {int(sample) for sample in case.fold.train if first[sample] == begin[int(case.run[sample % T])]}
    assert early  # the first of a run: one bar sooner and the window would read what lies before the run
    assert not early & set(case.fold.train[used].tolist())


def test_copies_are_keyed_and_the_hash_covers_them():
    case = case_of(random_panel(2, 1500, 5))
    again, other = case.copies("price_jitter", number=2), case.copies("price_jitter", number=2, seed=1)
    assert (again.tables[1] != again.tables[2]).any()
    assert again.tables[1:].tobytes() == case.copies("price_jitter", number=2).tables[1:].tobytes()
    np.testing.assert_array_equal(again.tables[:2], case.copies("price_jitter", number=1).tables)
    assert (again.tables[1] != other.tables[1]).any()
    labels = ForwardReturnConfig(horizon_bars=3).label(case.panel)
    shas = {
        make_dataset(again.tables[0], labels, case.fold, window=WINDOW, symbols=case.panel.symbols, copies=copies).sha
        for copies in (None, again, other, replace(again, share=0.3), replace(again, ends=again.ends - 1))
    }
    assert len(shas) == 5


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"kinds": "volume", "copies": 1}, "kinds is a list: write [volume]"),
        ({"kinds": ["price_jiter"], "copies": 1}, "unknown augmentation 'price_jiter'; did you mean 'price_jitter'?"),
        ({"copies": 2}, "copies without kinds: name what is done to the bars"),
        ({"at_forecast": 2}, "at_forecast without kinds"),
        ({"kinds": ["volume"]}, "kinds volume without copies does nothing: set copies=2, or at_forecast=4"),
        ({"kinds": ["volume", "volume"], "copies": 1}, "'volume' is listed twice; remove one"),
        ({"kinds": ["time_shift"], "at_forecast": 2}, "none of time_shift can be done to bars of a forecast"),
        ({"kinds": [{"name": "volume", "share": 1.5}], "copies": 1}, "share: input should be less than 1"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(body, said):
    with pytest.raises(ConfigError) as found:
        from_mapping(AugmentConfig, body)
    assert said in str(found.value)
    assert "\n" not in str(found.value)


def test_copies_that_memory_cannot_hold_are_refused(monkeypatch):
    case = case_of(random_panel(2, 1500, 5))
    sizes = {"SC_PAGE_SIZE": 1000, "SC_PHYS_PAGES": 200}  # the clean table takes 60 kB
    monkeypatch.setattr(module.os, "sysconf", sizes.get)
    with pytest.raises(ConfigError, match=r"augment.copies=2: 3 feature tables .* set augment.copies=0"):
        case.copies("price_jitter", number=2)
