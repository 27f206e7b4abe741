import json
import os
import time
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeproof.core.errors import LedgerError
from edgeproof.core.identity import canonical_json, sha_bytes
from edgeproof.ledger.store import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path)
    for n in range(6):
        ledger.append("note", {"n": n, "text": f"line\nbreak {n} é"})
    return ledger


def lines(ledger: Ledger) -> list[bytes]:
    return ledger.path.read_bytes().splitlines(keepends=True)


def put(ledger: Ledger, rows: list[bytes]) -> None:
    ledger.path.write_bytes(b"".join(rows))


def test_rows_come_back_in_order_and_chained(ledger: Ledger):
    rows = ledger.rows()
    assert [row.kind for row in rows] == ["ledger"] + ["note"] * 6
    assert [row.seq for row in rows] == list(range(7))
    assert [row.prev for row in rows[1:]] == [row.hash for row in rows[:-1]]
    assert rows[0].prev == "0" * 64
    assert [row.body["n"] for row in ledger.rows("note")] == list(range(6))
    assert ledger.verify() == 7
    assert ledger.born_ns() == rows[0].time_ns


def test_a_line_is_json_whose_hash_covers_the_rest_of_it(ledger: Ledger):
    body = json.loads(lines(ledger)[3])
    sha = body.pop("hash")
    assert sha == sha_bytes(canonical_json_in_order(body).encode())


def canonical_json_in_order(body: dict) -> str:
    assert list(body) == sorted(body)
    return canonical_json(body)


def test_no_ledger_is_an_empty_one_and_leaves_no_trace(tmp_path: Path):
    ledger = Ledger(tmp_path / "nothing")
    assert ledger.rows() == []
    assert ledger.born_ns() is None
    assert not (tmp_path / "nothing").exists()


def test_an_edited_row_is_named(ledger: Ledger):
    rows = lines(ledger)
    put(ledger, [*rows[:3], rows[3].replace(b'"n":2', b'"n":9'), *rows[4:]])
    with pytest.raises(LedgerError, match="row 3 was edited"):
        ledger.rows()


def test_an_edited_row_with_a_fresh_hash_breaks_the_next_link(ledger: Ledger):
    rows = lines(ledger)
    body = json.loads(rows[3])
    body.pop("hash")
    body["body"]["n"] = 9
    text = canonical_json(body)
    forged = f'{text[:-1]},"hash":"{sha_bytes(text.encode())}"}}\n'.encode()
    put(ledger, [*rows[:3], forged, *rows[4:]])
    with pytest.raises(LedgerError, match="row 4 does not follow"):
        ledger.rows()


@pytest.mark.parametrize("gone", [0, 1, 4, 5])
def test_a_removed_row_is_named(ledger: Ledger, gone: int):
    rows = lines(ledger)
    put(ledger, rows[:gone] + rows[gone + 1 :])
    with pytest.raises(LedgerError, match=f"row {gone} does not follow"):
        ledger.rows()


def test_moved_rows_are_named(ledger: Ledger):
    rows = lines(ledger)
    put(ledger, [*rows[:2], rows[3], rows[2], *rows[4:]])
    with pytest.raises(LedgerError, match="row 2 does not follow"):
        ledger.rows()


@pytest.mark.parametrize("cut", [1, 3, 7])
def test_rows_cut_off_at_the_end_are_missed(ledger: Ledger, cut: int):
    put(ledger, lines(ledger)[:-cut])
    with pytest.raises(LedgerError, match=rf"ends at row {6 - cut} but reached row 6"):
        ledger.rows()
    with pytest.raises(LedgerError, match="reached row 6"):
        ledger.append("note", {})


def test_a_last_row_cut_in_the_middle_is_missed(ledger: Ledger):
    ledger.path.write_bytes(ledger.path.read_bytes()[:-20])
    with pytest.raises(LedgerError, match="reached row 6"):
        ledger.append("note", {})


def test_a_removed_or_damaged_head_is_missed(ledger: Ledger):
    head = ledger.folder / "ledger.head"
    head.write_text("{")
    with pytest.raises(LedgerError, match="not readable"):
        ledger.rows()
    head.unlink()
    with pytest.raises(LedgerError, match="removed"):
        ledger.rows()
    with pytest.raises(LedgerError, match="removed"):
        ledger.append("note", {})


def test_a_removed_ledger_file_is_missed(ledger: Ledger):
    ledger.path.unlink()
    with pytest.raises(LedgerError, match="reached row 6"):
        ledger.rows()


@pytest.mark.parametrize("more", [0, 5_000])
def test_a_torn_line_is_no_row_and_the_next_writer_cuts_it_off(ledger: Ledger, more: int):
    with ledger.path.open("ab") as stream:
        stream.write(b'{"body":{"n":6},"kind":"no' + b"x" * more)
    assert ledger.verify() == 7
    row = ledger.append("note", {"n": 6})
    assert row.seq == 7
    assert ledger.verify() == 8
    assert ledger.path.read_bytes().endswith(b"\n")


def test_a_kill_between_row_and_head_loses_nothing(ledger: Ledger):
    head = ledger.folder / "ledger.head"
    before = head.read_bytes()
    ledger.append_many([("note", {"n": 6}), ("note", {"n": 7})])
    head.write_bytes(before)
    assert ledger.verify() == 9
    ledger.append("note", {"n": 8})
    assert [row.body["n"] for row in ledger.rows("note")] == list(range(9))
    assert json.loads(head.read_bytes())["seq"] == 9


def test_a_kill_in_the_first_append_leaves_an_empty_ledger(tmp_path: Path):
    ledger = Ledger(tmp_path)
    ledger.append("note", {})
    ledger.path.write_bytes(b'{"body":{},"kind":"led')
    (ledger.folder / "ledger.head").write_text(canonical_json({"seq": -1, "hash": "0" * 64}))
    assert ledger.rows() == []
    ledger.append("note", {})
    assert ledger.verify() == 2


def test_append_checks_the_row_it_chains_to(ledger: Ledger):
    rows = lines(ledger)
    put(ledger, [*rows[:-1], rows[-1].replace(b'"n":5', b'"n":0')])
    with pytest.raises(LedgerError, match="row 6 was edited"):
        ledger.append("note", {})
    assert lines(ledger)[:-1] == rows[:-1]


def test_extend_sees_verified_rows_and_may_decline(ledger: Ledger):
    assert ledger.extend(lambda rows: []) == []
    added = ledger.extend(lambda rows: [("note", {"n": len(rows)})])
    assert [row.body for row in added] == [{"n": 7}]


def test_a_refused_body_leaves_the_ledger_as_it_was(ledger: Ledger):
    before = ledger.path.read_bytes()
    with pytest.raises(ValueError):
        ledger.append_many([("note", {}), ("note", {"x": float("nan")})])
    assert ledger.path.read_bytes() == before
    ledger.append("note", {})


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match=r"cannot be written .*--workspace") as caught:
        Ledger(tmp_path / "file").append("note", {})
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_workspace_can_be_read(ledger: Ledger):
    for path in (*ledger.folder.iterdir(), ledger.folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert ledger.verify() == 7
        with pytest.raises(LedgerError, match="cannot be written"):
            ledger.append("note", {})
    finally:
        ledger.folder.chmod(0o755)


def test_a_full_disk_leaves_whole_rows(ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    before = ledger.path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("edgeproof.ledger.store.os.fsync", full)
        with pytest.raises(LedgerError, match="No space left"):
            ledger.append("note", {})
    assert ledger.path.read_bytes() == before
    ledger.append("note", {})


def test_a_held_ledger_is_one_line(ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("edgeproof.ledger.store._LOCK_SECONDS", 0.05)

    def inside(_: list) -> list:
        with pytest.raises(LedgerError, match="another process has held"):
            Ledger(ledger.workspace).append("note", {})
        return []

    ledger.extend(inside)


def test_export_holds_the_rows(ledger: Ledger, tmp_path: Path):
    rows = ledger.rows("note")
    ledger.export(rows, tmp_path / "out" / "ledger.parquet")
    frame = pl.read_parquet(tmp_path / "out" / "ledger.parquet")
    assert frame["hash"].to_list() == [row.hash for row in rows]
    assert [json.loads(body) for body in frame["body"]] == [row.body for row in rows]
    assert frame["time"].cast(pl.Int64).to_list() == [row.time_ns for row in rows]
    ledger.export([], tmp_path / "none.parquet")
    assert pl.read_parquet(tmp_path / "none.parquet").schema == frame.schema


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_byte_can_be_changed_unseen(ledger: Ledger, data: st.DataObject):
    whole = ledger.path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[place]))
    ledger.path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
    with pytest.raises(LedgerError):
        ledger.rows()
    ledger.path.write_bytes(whole)
    assert ledger.verify() == 7


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(torn=st.binary(min_size=1, max_size=200).filter(lambda text: b"\n" not in text))
def test_any_torn_tail_is_recovered(ledger: Ledger, torn: bytes):
    whole = ledger.path.read_bytes()
    rows = ledger.rows()
    with ledger.path.open("ab") as stream:
        stream.write(torn)
    assert ledger.rows() == rows
    ledger.append("note", {"again": True})
    assert ledger.path.read_bytes().startswith(whole)
    assert ledger.rows()[:-1] == rows


def test_rows_longer_than_a_block_are_chained(tmp_path: Path):
    ledger = Ledger(tmp_path)
    for size in (10, 40_000, 10, 300_000):
        ledger.append("note", {"text": "x" * size})
        ledger.append("note", {})
    assert ledger.verify() == 9


def test_twenty_thousand_rows_are_verified_in_about_a_second(tmp_path: Path):
    ledger = Ledger(tmp_path)
    body = dict.fromkeys(("market", "trial", "config", "data", "parent", "returns"), "c" * 64)
    ledger.append_many([("trial", {**body, "seed": n, "score": {"sharpe": n / 7}}) for n in range(20_000)])
    started = time.process_time()
    assert ledger.verify() == 20_001
    assert time.process_time() - started < 1.5  # 0.2 s on a quiet machine
