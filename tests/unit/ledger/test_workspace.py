from pathlib import Path

import pytest

from edgeproof.ledger.workspace import FOLDER, VARIABLE, find_workspace


@pytest.fixture
def market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(VARIABLE, raising=False)
    folder = tmp_path / "work" / "markets" / "btc"
    folder.mkdir(parents=True)
    return folder


def test_the_order_of_places(market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert find_workspace(None, market) == market.parent
    (tmp_path / "work" / FOLDER).mkdir()
    assert find_workspace(None, market) == tmp_path / "work"
    monkeypatch.setenv(VARIABLE, str(tmp_path / "named"))
    assert find_workspace(None, market) == tmp_path / "named"
    assert find_workspace(tmp_path / "said", market) == tmp_path / "said"


def test_the_nearest_ledger_upward_counts(market: Path, tmp_path: Path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / "work" / "markets" / FOLDER).mkdir()
    assert find_workspace(None, market) == tmp_path / "work" / "markets"


def test_a_file_of_that_name_is_no_ledger(market: Path, tmp_path: Path):
    (tmp_path / "work" / FOLDER).write_text("")
    assert find_workspace(None, market) == market.parent


def test_a_linked_market_is_counted_where_its_bars_lie(market: Path, tmp_path: Path):
    (tmp_path / "work" / FOLDER).mkdir()
    link = tmp_path / "elsewhere"
    link.symlink_to(market)
    assert find_workspace(None, link) == tmp_path / "work"


def test_frames_use_the_current_folder(market: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(market)
    assert find_workspace(None, None) == market
