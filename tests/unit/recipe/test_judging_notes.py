"""What stands beside a verdict that its figures do not show."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.judging import notes
from edgeproof.recipe.trade import charged


@pytest.mark.parametrize(
    ("preset", "said"), [("usdt_perpetual", True), ("bybit_perpetual", True), ("binance_spot", False), (None, False)]
)
def test_fees_of_a_perpetual_say_that_funding_is_not_charged(preset, said, tmp_path):
    config = load_run_config({"costs": {"preset": preset}})
    (tmp_path / "manifest.json").touch()
    market = SimpleNamespace(manifest=SimpleNamespace(kind="bars", universe="survivors"), path=tmp_path)
    ledger = SimpleNamespace(born_ns=lambda: None)
    told = notes(config, cast("Any", ledger), cast("Any", market))
    assert any("Funding is not charged" in note and str(preset) in note for note in told) == said
    assert ("funding is not in it" in str(charged(config.costs).get("note"))) == said
