"""A folder of results belongs to what began it."""

import pytest

from edgeproof.core.errors import DataError
from edgeproof.recipe.claim import claim_folder


def test_the_same_goes_on_and_another_is_told_why_not(tmp_path):
    place = tmp_path / "out"
    claim_folder(place, {"config": {"seed": 0}, "points": 5}, "sweep")
    claim_folder(place, {"config": {"seed": 0}, "points": 5}, "sweep")
    with pytest.raises(DataError, match="holds a sweep of another points; choose another --out"):
        claim_folder(place, {"config": {"seed": 0}, "points": 6}, "sweep")
    with pytest.raises(DataError, match="already there and not a campaign; choose another --out"):
        claim_folder(place, {"configs": {}, "seeds": 3}, "campaign")
