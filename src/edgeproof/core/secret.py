"""Passwords in addresses are never shown: not in an error, not in what is tracked."""

import re

__all__ = ["without_passwords"]

_PASSWORD = re.compile(r"(\w[\w+.-]*://[^\s/:@]*:)[^\s/@]+(@)")


def without_passwords(text: str) -> str:
    """The text with `***` for the password of each address `scheme://user:password@host`."""
    return _PASSWORD.sub(r"\1***\2", text)
