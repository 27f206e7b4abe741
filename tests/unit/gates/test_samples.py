"""Each check of sample quality names its planted fault, and says nothing of the clean twin.

N samples, L window, F columns, S series, T moments.
"""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from edgeproof.core.errors import OptionError
from edgeproof.core.rng import Rng
from edgeproof.gates.samples import SAMPLE_CHECKS, SampleTable, check_samples, samples_of
from edgeproof.gates.samples_drift import _judge, drift_between
from edgeproof.gates.samples_table import PARTS
from edgeproof.gates.samples_twice import seen_before, window_keys
from edgeproof.gates.samples_values import robust_scale, worst_samples

S, T, F, L = 3, 1500, 5, 4


def walks(draw: np.random.Generator, shape: tuple[int, ...], root: float) -> np.ndarray:
    """Stationary AR(1) series along the second axis, of variance one."""
    x = draw.standard_normal(shape)
    for t in range(1, shape[1]):
        x[:, t] = root * x[:, t - 1] + np.sqrt(1 - root * root) * x[:, t]
    return x


def clean(seed: int = 0, *, root: float = 0.5, window: int = L) -> SampleTable:
    """Three series of five dependent columns; four fifths of the moments are training, the rest validation."""
    draw = Rng(seed).child("clean").numpy()
    rows = walks(draw, (S, T, F), root).astype(np.float32).reshape(S * T, F)
    ends = (np.arange(window - 1, T)[:, None] + T * np.arange(S)[None, :]).reshape(-1)
    when = ends % T
    return SampleTable(
        rows=rows,
        ends=ends,
        y=(draw.random(len(ends)) < 0.5).astype(np.float32),
        part=(when >= 0.8 * T).astype(np.int8),
        time=when,
        names=tuple(f"column_{number}" for number in range(F)),
        window=window,
        source=ends // T,
        sources=("a", "b", "c"),
    )


def found(table: SampleTable) -> dict[str, str]:
    """Check -> level of all that were made."""
    return {finding.check: finding.level for finding in check_samples(table, Rng(3))}


def with_rows(change: Callable[[SampleTable, np.ndarray], None]) -> SampleTable:
    table = clean()
    rows = table.rows.copy()
    change(table, rows)
    return SampleTable(**{**table.__dict__, "rows": rows})


def with_labels(change: Callable[[SampleTable, np.ndarray], np.ndarray]) -> SampleTable:
    table = clean()
    return SampleTable(**{**table.__dict__, "y": change(table, table.y.copy())})


def validation_rows(table: SampleTable) -> np.ndarray:
    return table.ends[table.inside("validation")]


def one_not_a_number(table: SampleTable, rows: np.ndarray) -> None:
    rows[700, 2] = np.nan


def constant(table: SampleTable, rows: np.ndarray) -> None:
    rows[:, 1] = 3.25


def clipped(table: SampleTable, rows: np.ndarray) -> None:
    rows[:, 4] = np.minimum(rows[:, 4], 0.8)  # a fifth of a normal variable


def bad_tick(table: SampleTable, rows: np.ndarray) -> None:
    rows[900, 3] = 4000.0


def told_twice(table: SampleTable, rows: np.ndarray) -> None:
    rows[:, 0] = 1.0 - 2.0 * rows[:, 3]


def shifted(table: SampleTable, rows: np.ndarray) -> None:
    rows[validation_rows(table), 2] += 0.6


def wider(table: SampleTable, rows: np.ndarray) -> None:
    rows[validation_rows(table), 2] *= 2.0


def repeated(table: SampleTable, rows: np.ndarray) -> None:
    rows[T - 40 : T] = rows[100:140]  # 37 windows of 4 rows, of 897 in validation


def repeated_once(table: SampleTable, rows: np.ndarray) -> None:
    rows[T - 4 : T] = rows[100:104]


ROW_FAULTS = {
    "samples.finite": [(one_not_a_number, "error")],
    "samples.distributions": [(constant, "warning"), (clipped, "warning")],
    "samples.outliers": [(bad_tick, "warning")],
    "samples.correlations": [(told_twice, "warning")],
    "samples.drift": [(shifted, "warning"), (wider, "warning")],
    "samples.duplicates": [(repeated, "error"), (repeated_once, "warning")],
}


@pytest.mark.parametrize(
    ("check", "fault", "level"),
    [(check, fault, level) for check, faults in ROW_FAULTS.items() for fault, level in faults],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_fault_in_the_rows_is_named_and_nothing_else_is(check, fault, level):
    levels = found(with_rows(fault))
    assert levels.pop(check) == level
    assert set(levels.values()) == {"info"}


def one_class_only(table: SampleTable, y: np.ndarray) -> np.ndarray:
    return np.where(table.inside("validation"), 1.0, y)


def no_class(table: SampleTable, y: np.ndarray) -> np.ndarray:
    return np.zeros_like(y)


def rare_class(table: SampleTable, y: np.ndarray) -> np.ndarray:
    return (np.arange(len(y)) % 100 == 0).astype(np.float32)


def more_of_a_class(table: SampleTable, y: np.ndarray) -> np.ndarray:
    others = np.arange(len(y)) % 4 == 0
    return np.where(table.inside("validation") & others, 1.0, y)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (one_class_only, {"samples.labels": "error", "samples.label_drift": "warning"}),
        (no_class, {"samples.labels": "error"}),
        (rare_class, {"samples.labels": "warning"}),
        (more_of_a_class, {"samples.label_drift": "warning"}),
    ],
)
def test_a_fault_in_the_labels_is_named(fault, expected):
    levels = found(with_labels(fault))
    assert {check: level for check, level in levels.items() if level != "info"} == expected


def test_every_check_speaks_once_and_says_what_it_measured():
    findings = check_samples(clean(), Rng(0))
    assert tuple(finding.check for finding in findings) == SAMPLE_CHECKS
    assert all({"measured", "threshold"} <= set(finding.evidence) for finding in findings)
    assert all(len(finding.evidence.get("plot", {}).get("x", [])) <= 64 for finding in findings)


@pytest.mark.parametrize("root", [0.0, 0.9, 0.99])
def test_clean_samples_raise_no_alarm_however_slow_they_are(root):
    """20 seeds; at a root of 0.99 the 300 moments of validation are worth 1.5 independent ones."""
    alarms = [finding.claim for seed in range(20) for finding in check_samples(clean(seed, root=root), Rng(seed))
              if finding.level != "info" and finding.check in ("samples.drift", "samples.label_drift")]  # fmt: skip
    assert len(alarms) <= (1 if root == 0.99 else 0)


def test_a_level_that_walks_for_as_long_as_training_lasts_raises_no_alarm():
    """A random walk lies elsewhere later whatever happens, under twice its own size of noise too; 40 seeds."""
    far = 0
    for seed in range(40):
        draw = Rng(seed).child("walk").numpy()
        level = draw.standard_normal(4000).cumsum()
        x = np.stack([level + noise * level.std() * draw.standard_normal(4000) for noise in (0, 1, 2)], axis=1)
        table = samples_of(x, draw.integers(0, 2, 4000), part=["train"] * 3000 + ["validation"] * 1000)
        moved = drift_between(table, table.inside("train"), table.inside("validation"))
        far += sum(each.distance >= 0.1 for each in moved)
        assert not [each for each in moved if each.distance >= 0.1 and each.p <= 0.01]
    assert far >= 90


def test_windows_that_repeat_by_nature_are_no_copies_and_a_file_read_twice_is():
    """Prices on coarse ticks and hours of the day, with common and with rare labels; then the same rows once more."""
    draw, parts = Rng(1).child("ticks").numpy(), ["train"] * 4500 + ["validation"] * 1500
    price = np.round(5 + 0.002 * draw.standard_normal(6000).cumsum(), 2)
    hour = 2 * np.pi * (np.arange(6000) % 24) / 24
    for x in (np.diff(np.log(price), prepend=np.log(price[0]))[:, None], np.stack([np.sin(hour), np.cos(hour)], 1)):
        for share in (0.5, 0.03):
            y = (draw.random(6000) < share).astype(int)
            assert found(samples_of(x, y, part=parts))["samples.duplicates"] == "info"
    x, y = draw.standard_normal((3000, 2)), draw.integers(0, 2, 3000)
    twice = samples_of(np.tile(x, (2, 1)), np.tile(y, 2), part=parts)
    assert found(twice)["samples.duplicates"] == "error"  # a third of training recurs too, with its own labels


def test_heavy_tails_alone_are_no_outliers():
    draw = Rng(5).child("tails").numpy()
    x = draw.standard_t(3, size=(20_000, 4))
    table = samples_of(x, draw.integers(0, 2, 20_000), part=["train"] * 16_000 + ["validation"] * 4_000)
    assert set(found(table).values()) == {"info"}
    assert worst_samples(table, robust_scale(x))  # they are listed all the same


def test_the_worst_sample_is_named_with_its_series_and_moment():
    table = with_rows(bad_tick)
    first = worst_samples(table, robust_scale(table.last))[0]
    assert (first["source"], first["time"], first["column"], first["value"]) == ("a", "900", "column_3", 4000.0)


def test_the_distance_is_that_of_kolmogorov_and_smirnov_at_the_deciles():
    table = with_rows(shifted)
    train, held = table.inside("train"), table.inside("validation")
    moved = {each.name: each for each in drift_between(table, train, held)}
    for column, name in enumerate(table.names):
        one, other = table.last[train, column], table.last[held, column]
        levels = np.quantile(one, np.arange(1, 10) / 10, method="lower")
        assert moved[name].distance == pytest.approx(max(abs((one <= q).mean() - (other <= q).mean()) for q in levels))
    assert moved["column_2"].p < 1e-4


def test_a_part_counts_for_as_many_values_as_it_is_worth():
    """Shares of 100 and of 40 cells, a gap of 0.3; with a memory of four cells the second part is worth ten values."""
    one, other = (np.tile([[0.2], [0.8]], (size, 1)) for size in (50, 20))
    gap = np.array([0.3])
    alone, worth = _judge(one, other, gap, 1.0)
    assert (worth, alone) == (40.0, pytest.approx(2 * student.sf(0.3 / np.sqrt(0.09 * (1 / 100 + 1 / 40)), 39)))
    slow, worth = _judge(one, other, gap, 4.0)
    assert (worth, slow) == (10.0, pytest.approx(2 * student.sf(0.3 / np.sqrt(0.09 * 4 * (1 / 100 + 1 / 40)), 9)))
    assert _judge(one, other, gap, 5.1)[0] == 1.0  # worth 7.8: not judged


@given(
    seed=st.integers(0, 1000),
    window=st.integers(1, 5),
    copies=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=4),
)
def test_keys_are_equal_where_windows_are(seed, window, copies):
    """Second witness: the bytes of each window."""
    draw = Rng(seed).child("keys").numpy()
    rows = draw.integers(-2, 3, (40, 2)).astype(np.float32) / 2
    for start, stop in copies:
        rows[start : start + 8] = rows[stop : stop + 8].copy()
    ends = np.arange(window - 1, 40)
    table = SampleTable(rows, ends, np.zeros(len(ends)), np.zeros(len(ends), np.int8), ends, ("a", "b"), window,
                        np.zeros(len(ends), np.int64), ("s",))  # fmt: skip
    key = window_keys(table)
    text = [window.tobytes() for window in table.windows(np.arange(len(table))) + np.float32(0.0)]
    assert len(set(zip(key.tolist(), text, strict=True))) == len(set(text)) == len(set(key.tolist()))


def test_copies_are_found_where_they_are():
    table = with_rows(repeated)
    pairs = seen_before(table)["validation"]
    assert len(pairs) == 37
    assert np.array_equal(table.windows(pairs[:, 0]), table.windows(pairs[:, 1]))
    assert (table.time[pairs[:, 0]] - table.time[pairs[:, 1]] == T - 140).all()


def test_whole_numbers_may_repeat():
    draw = Rng(1).child("words").numpy()
    x = draw.integers(0, 3, (800, 2)).astype(float)
    part = ["train"] * 600 + ["validation"] * 200
    assert found(samples_of(x, draw.integers(0, 2, 800), part=part))["samples.duplicates"] == "info"


def test_nothing_but_the_samples_handed_in_is_read():
    """Rows behind the last window, and windows of no sample, may hold anything."""
    whole = clean()
    table = whole.take(np.flatnonzero(whole.time < 1300))
    rows = table.rows.copy()
    rows.reshape(S, T, F)[:, 1300:] = np.nan
    other = SampleTable(**{**table.__dict__, "rows": rows})
    one, two = ([finding.to_json() for finding in check_samples(each, Rng(0))] for each in (table, other))
    assert one == two


def test_the_same_stream_gives_the_same_findings_and_changes_nothing():
    draw = Rng(2).child("many").numpy()
    x, y = draw.standard_normal((30_000, 3)), draw.integers(0, 2, 30_000)
    kept = x.copy()
    table = samples_of(x, y, part=["train"] * 20_000 + ["validation"] * 5_000 + ["test"] * 5_000)
    one, two = (str(check_samples(table, Rng(7))) for _ in range(2))
    assert one == two
    assert np.array_equal(x, kept)


def test_windows_are_those_that_were_given():
    x = Rng(4).child("windows").numpy().standard_normal((60, 3, 2)).astype(np.float32)
    time = np.arange(60)[::-1].copy()
    table = samples_of(x, np.arange(60) % 2, part=["train"] * 60, time=time, names=("a", "b"))
    assert np.array_equal(table.windows(np.arange(60)), x[::-1])
    assert (table.time == np.arange(60)).all()


def test_labels_that_are_values_are_not_taken_for_classes():
    table = clean()
    values = SampleTable(**{**table.__dict__, "y": table.last[:, 0]})
    findings = {finding.check: finding for finding in check_samples(values, Rng(0))}
    assert "standard deviation" in findings["samples.labels"].claim
    assert findings["samples.label_drift"].evidence["measured"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"part": ["train"] * 3}, "give one of each"),
        ({"part": ["train"] * 3 + ["holdout"]}, "'holdout' is none of train, validation, test"),
        ({"part": ["train"] * 4, "names": ("a",)}, "1 names for 2 columns"),
    ],
)
def test_what_does_not_fit_is_one_line(words, said):
    with pytest.raises(OptionError, match=said):
        samples_of(np.zeros((4, 2)), np.zeros(4), **words)


def test_parts_have_one_order():
    assert PARTS == ("train", "validation", "test")
