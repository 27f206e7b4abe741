"""Nothing secret leaves: what tracked texts hold of a home folder or of secret variables is taken out."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from edgeproof.core.secret import without_passwords

__all__ = ["scrub", "scrubber"]

SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|PRIVATE|DSN|CONNECTION|SIGNATURE", re.IGNORECASE)
SHORTEST = 6  # a shorter value (`1`, `true`) stands in too many texts that mean something else


def scrubber(environment: Mapping[str, str] | None = None, home: Path | None = None) -> "dict[str, str]":
    """What is replaced by what, longest first.

    Args:
        environment: the process's variables; those whose name speaks of a secret are hidden.
        home: the home folder, written as `~`.
    """
    variables = os.environ if environment is None else environment
    hidden = {value: "***" for name, value in variables.items() if SECRET_NAME.search(name) and len(value) >= SHORTEST}
    place = Path.home() if home is None else home
    homes = {str(place), str(place.resolve()), variables.get("HOME", ""), variables.get("USERPROFILE", "")}
    hidden |= {folder: "~" for folder in homes if len(folder) > 1}
    return dict(sorted(hidden.items(), key=lambda pair: -len(pair[0])))


def scrub(text: str, hidden: Mapping[str, str] | None = None) -> str:
    """The text without what `scrubber` found, and without passwords in addresses."""
    for value, stands in (scrubber() if hidden is None else hidden).items():
        text = text.replace(value, stands)
    return without_passwords(text)
