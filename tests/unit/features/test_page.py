"""docs/theory/features.md names every feature with the reach that the catalog declares."""

import re
from pathlib import Path

from edgeproof.features import FEATURES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "theory" / "features.md"


def test_every_feature_stands_in_the_page_with_its_reach():
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: int(reach) for name, _, reach in rows} == {name: f.reach for name, f in FEATURES.items()}
    assert [name for name, _, _ in rows] == list(FEATURES)
