"""The help of every verb says what it was written to say: words in square brackets would be taken for colours."""

import re

import typer

from edgeproof.cli.main import app


def _texts(command):
    for inner in getattr(command, "commands", {}).values():
        yield from _texts(inner)
    yield command.help or ""
    for parameter in command.params:
        yield getattr(parameter, "help", None) or ""


def test_no_word_of_a_help_text_is_taken_for_a_colour():
    lost = [text for text in _texts(typer.main.get_command(app)) if re.search(r"\[[a-z#/@]", text)]
    assert not lost
