"""What a config's docstring says of it and of each of its fields."""

import re
from inspect import getdoc

__all__ = ["claim", "meanings"]


def claim(kind: type) -> str:
    """First paragraph of a class's docstring, as one line."""
    return " ".join((getdoc(kind) or "").split("\n\n")[0].split())


def meanings(kind: type) -> dict[str, str]:
    """What the docstring's `Attributes:` say of each field, as one line each."""
    _, _, body = (getdoc(kind) or "").partition("Attributes:\n")
    found: dict[str, str] = {}
    for names, text in re.findall(r"^    ([\w, ]+): (.*(?:\n {8,}.*)*)", body, re.MULTILINE):
        for name in names.split(","):
            found[name.strip()] = " ".join(text.split())
    return found
