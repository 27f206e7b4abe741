"""An answer and its reasons as a small HTML fragment, for notebooks; the page of a run says more."""

from collections.abc import Sequence
from html import escape

__all__ = ["answer_html"]

SIGNS = {True: "✓", False: "✕", None: "·"}
COLOURS = {"edge": "#1e7a58", "no_edge": "#a8483c", "inconclusive": "#8a6412"}


def answer_html(answer: str, about: str, rows: Sequence[tuple[bool | None, str, str]]) -> str:
    """The answer, what it is about, and a row a reason: whether it holds, its name, its words; all escaped."""
    colour, title = COLOURS[answer], escape(answer.replace("_", " ").capitalize())
    cell = '<td style="text-align:left;padding:.1em .8em .1em 0">'
    lines = [
        f"<tr>{cell}{SIGNS[holds]}</td>{cell}{escape(name)}</td>{cell}{escape(words)}</td></tr>"
        for holds, name, words in rows
    ]
    return (
        f'<div style="border-left:4px solid {colour};padding:.4em 1em;max-width:52em">'
        f'<div style="font-size:1.3em;font-weight:600;color:{colour}">{title}</div>'
        f'<div style="margin:.3em 0">{escape(about)}</div>'
        f'<table style="border-collapse:collapse">{"".join(lines)}</table></div>'
    )
