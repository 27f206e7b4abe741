"""A folder of results belongs to the one command that began it: the same command goes on there, another is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeproof.core.differing import first_difference
from edgeproof.core.errors import DataError
from edgeproof.core.files import read_json, write_json
from edgeproof.core.identity import sha_json

__all__ = ["claim_folder"]

MARK = "identity.json"


def claim_folder(place: Path, identity: Mapping[str, Any], what: str) -> None:
    """Take a folder, or find it taken by the same identity.

    Args:
        place: the folder.
        identity: everything that the results depend on, as plain data.
        what: `calibration`, `campaign`: what the folder holds.

    Raises:
        DataError: it holds another one, or something else.
    """
    mark = place / MARK
    if mark.is_file():
        earlier = read_json(mark)
        if earlier.keys() - {"sha"} != identity.keys():  # what another command claimed has other keys
            raise DataError(f"{place}: already there and not a {what}; choose another --out")
        if earlier["sha"] != sha_json(identity):
            differing = [key for key in identity if earlier.get(key) != identity[key]]
            found = first_difference(earlier.get("config"), identity.get("config"))
            said = f"{' or '.join(differing)}{f' ({found})' if found and 'config' in differing else ''}"
            raise DataError(f"{place}: holds a {what} of another {said}; choose another --out")
    elif place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise DataError(f"{place}: already there and not a {what}; choose another --out")
    else:
        write_json(mark, {"sha": sha_json(identity), **identity})
