from pathlib import Path

import pytest

from edgeproof.recipe.reference import PARTS, reference

PAGE = Path(__file__).resolve().parents[3] / "docs" / "config.md"


def test_the_page_is_what_the_configs_say():
    assert PAGE.read_text(encoding="utf-8") == reference(), "edgeproof template keys > docs/config.md"


@pytest.mark.parametrize("part", PARTS)
def test_every_kind_of_every_part_has_its_keys_with_their_meaning(part):
    page = reference()
    for kind, config in PARTS[part].items():
        assert f"## `{part}={kind}`" in page
        rows = [line for line in page.splitlines() if line.startswith(f"| `{part}.")]
        for name in set(config.model_fields) - {"name"}:
            if f"{part}.{name}" in PARTS:  # which has a table for each of its kinds
                continue
            row = next(line for line in rows if line.startswith((f"| `{part}.{name}`", f"| `{part}.{name}.")))
            assert len(row.split("|")) == 5


def test_no_key_is_left_without_a_meaning():
    mute = [line for line in reference().splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert not mute
