"""Duplicates across splits: a validation sample whose whole window is also a training sample was seen before."""

# M rows, N samples, L window, F columns

from typing import Any

import numpy as np

from edgeproof.core.finding import Finding
from edgeproof.gates.report import failed, passed
from edgeproof.gates.samples_table import PARTS, SampleTable

__all__ = ["duplicates", "seen_before", "window_keys"]

MANY = 0.01  # of a part: its score is no longer that of unseen samples
EXAMPLES = 8
AS_OFTEN = 0.5  # of the held-out share: a window that recurs so often within training repeats by nature ...
AGREE = 0.5  # ... unless its labels agree as those of copies do: half of the way from chance to always
GOLDEN, MIX_ONE, MIX_TWO = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def _mix(x: np.ndarray) -> np.ndarray:
    """u64 scrambled one to one: the finaliser of SplitMix64 (Steele, Lea & Flood 2014, OOPSLA)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(MIX_ONE)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(MIX_TWO)
    return x ^ (x >> np.uint64(31))


def window_keys(table: SampleTable) -> np.ndarray:
    """u64[N]: equal windows have equal keys, others differ (by chance alike: 1 in 10^9 for 100,000 windows).

    Each row is hashed to h; a window's key is sum_k h[end - k] g^-k modulo 2^64 (Karp & Rabin 1987, IBM J. of Research
    and Development 31:249), from one running sum of h[j] g^j: no window is copied.
    """
    rows = np.ascontiguousarray(table.rows, np.float32) + np.float32(0.0)  # -0 is 0
    factor = _mix(np.arange(1, rows.shape[1] + 1, dtype=np.uint64) * np.uint64(GOLDEN)) | np.uint64(1)
    row_hash = _mix((rows.view(np.uint32).astype(np.uint64) * factor).sum(axis=1, dtype=np.uint64))
    power = np.full(len(rows) + 1, GOLDEN, np.uint64)
    power[0] = 1
    power = np.cumprod(power, dtype=np.uint64)
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(row_hash * power[:-1], dtype=np.uint64)])
    inverse = np.uint64(pow(GOLDEN, -1, 1 << 64))
    back = np.full(len(rows) + 1, inverse, np.uint64)
    back[0] = 1
    back = np.cumprod(back, dtype=np.uint64)
    ends = table.ends
    return _mix((total[ends + 1] - total[ends + 1 - table.window]) * back[ends])


def seen_before(table: SampleTable) -> dict[str, np.ndarray]:
    """Part -> i64[K, 2] a sample of it and the earliest training sample with the same window."""
    key = window_keys(table)
    train = np.flatnonzero(table.inside("train"))
    known, first = np.unique(key[train], return_index=True)
    found = {}
    for part in PARTS[1:]:
        those = np.flatnonzero(table.inside(part))
        place = np.minimum(np.searchsorted(known, key[those]), max(len(known) - 1, 0))
        same = known[place] == key[those] if len(known) else np.zeros(len(those), bool)
        found[part] = (
            np.stack([those[same], train[first[place[same]]]], axis=1) if same.any() else np.empty((0, 2), int)
        )
    return found


def duplicates(table: SampleTable) -> Finding:
    """No window of validation or test is also a window of training; an error from 1% of a part.

    Asked of real-valued columns: words and categories repeat by nature. So do prices on coarse ticks and hours of the
    day: windows that recur as often within training of their own series, with labels that agree no more than chance
    has it (Cohen 1960, Educ. Psychol. Meas. 20:37), are no copies.
    """
    check = "samples.duplicates"
    if (table.last == np.round(table.last)).all():
        return passed(check, "all columns are whole numbers: not looked at", measured=None, threshold=0)
    found = seen_before(table)
    counts = {part: len(pairs) for part, pairs in found.items()}
    total = sum(counts.values())
    asked = sum(int(table.inside(part).sum()) for part in found)
    if not total:
        claim = f"none of {asked:,} held-out windows was seen in training"
        return passed(check, claim, measured=0, threshold=0, counts=counts)
    shares = {part: count / max(1, int(table.inside(part).sum())) for part, count in counts.items()}
    worst = max(shares, key=lambda part: shares[part])
    same_label = np.concatenate([table.y[pairs[:, 0]] == table.y[pairs[:, 1]] for pairs in found.values()])
    recurring = _recurring(table)
    if recurring >= AS_OFTEN * shares[worst] and not _agree(table, float(same_label.mean())):
        claim = (
            f"windows repeat by nature: {recurring:.1%} recur within training, {shares[worst]:.1%} of {worst} were "
            f"there too, with labels that agree in {same_label.mean():.0%}"
        )
        return passed(check, claim, measured=total, threshold=0, counts=counts, recurring=recurring)
    first = int(found[worst][0, 0])
    return failed(
        check,
        "error" if shares[worst] >= MANY else "warning",
        f"{total:,} held-out samples ({shares[worst]:.1%} of {worst}) have a window that training has, the first in "
        f"{table.sources[table.source[first]]}",
        "drop the copies before splitting (a file read twice, one series under two names, bars repeated by a join)",
        measured=total,
        threshold=0,
        where=worst,
        counts=counts,
        same_label=float(same_label.mean()),
        examples=_examples(table, found),
    )


def _recurring(table: SampleTable) -> float:
    """Share of training samples whose window their own series had earlier in training."""
    train = table.inside("train")
    pairs = np.stack([window_keys(table)[train], table.source[train].astype(np.uint64)], axis=1)
    return 1 - len(np.unique(pairs, axis=0)) / max(1, len(pairs))


def _agree(table: SampleTable, share: float) -> bool:
    """Whether so many pairs of equal labels are more than chance: kappa above a half."""
    count = np.unique(table.y[table.inside("train")], return_counts=True)[1]
    chance = float(((count / count.sum()) ** 2).sum())
    return chance >= 1 or (share - chance) / (1 - chance) > AGREE


def _examples(table: SampleTable, found: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    return [
        {"part": part, "source": table.sources[table.source[one]], "when": table.when(one)}
        | {"train_source": table.sources[table.source[other]], "train_when": table.when(other)}
        for part, pairs in found.items()
        for one, other in pairs[:EXAMPLES].tolist()
    ]
