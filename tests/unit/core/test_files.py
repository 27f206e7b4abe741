import json

import numpy as np
import pytest

from edgeproof.core.container import read_container, write_container
from edgeproof.core.errors import BundleError, DataError
from edgeproof.core.files import read_json, staged_directory, write_bytes, write_json


def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"x": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"x": float("nan")})
    assert read_json(path) == {"x": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    out = tmp_path / "market"
    with pytest.raises(RuntimeError), staged_directory(out) as stage:
        (stage / "half").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with staged_directory(out) as stage:
        (stage / "whole").write_text("x")
    assert (out / "whole").read_text() == "x"
    with pytest.raises(DataError, match="not empty"), staged_directory(out):
        pass


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write_bytes(tmp_path / "file" / "below", b"x")


def test_what_is_written_may_be_read_by_whom_the_umask_allows(tmp_path):
    (tmp_path / "plain").write_text("x")
    (tmp_path / "folder").mkdir()
    write_bytes(tmp_path / "page.html", b"x")
    with staged_directory(tmp_path / "staged") as stage:
        (stage / "x").write_text("x")
    for made, like in (("page.html", "plain"), ("staged", "folder")):
        assert (tmp_path / made).stat().st_mode == (tmp_path / like).stat().st_mode


def test_container_round_trip_and_tampering(tmp_path):
    path = tmp_path / "c.safetensors"
    arrays = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array(3)}
    sha = write_container(path, arrays, {"epoch": 4, "text": "é"})
    back, header, same = read_container(path)
    assert same == sha
    assert header == {"epoch": 4, "text": "é"}
    assert all((back[name] == arrays[name]).all() for name in arrays)

    raw = path.read_bytes()
    path.write_bytes(raw[:-5])
    with pytest.raises(BundleError, match="truncated"):
        read_container(path)
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(BundleError, match="does not match its hash"):
        read_container(path)
    path.write_text(json.dumps({}))
    with pytest.raises(BundleError):
        read_container(path)
    with pytest.raises(BundleError, match="no such file"):
        read_container(tmp_path / "none")


def test_every_flipped_bit_of_a_container_is_refused(tmp_path):
    path = tmp_path / "c.safetensors"
    write_container(path, {"w": np.arange(3, dtype=np.float32)}, {"epoch": 4})
    raw = path.read_bytes()
    for place in range(len(raw)):
        for bit in (0, 3, 6):
            path.write_bytes(raw[:place] + bytes([raw[place] ^ (1 << bit)]) + raw[place + 1 :])
            try:
                arrays, header, _ = read_container(path)
            except BundleError:
                continue
            assert arrays.keys() == {"w"}, "accepted, so it must say the same"
            assert (arrays["w"] == np.arange(3)).all()
            assert header == {"epoch": 4}


def test_equal_content_gives_equal_bytes(tmp_path):
    written = set()
    for n in range(8):
        write_container(tmp_path / str(n), {"b": np.ones(2), "a": np.zeros(1)}, {"z": 1, "y": {"q": 2, "p": 3}})
        written.add((tmp_path / str(n)).read_bytes())
    assert len(written) == 1
