"""One self-contained HTML file: data can never become markup, nothing is fetched, and it stays under 2 MB."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from edgeproof.core.errors import DataError
from edgeproof.report.number import DASH
from edgeproof.report.part import Section

__all__ = ["MAX_BYTES", "fragment", "render"]

MAX_BYTES = 2_000_000
HERE = Path(__file__).parent
PLOTLY = HERE / "assets" / "plotly-cartesian.min.js"


def _plain_json(value: Any) -> str:
    """JSON that is inert inside a script element: no `<`, `>`, `&`, and no line separators of JavaScript."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["dash"] = DASH
    return environment


@cache
def _library() -> str:
    """The plotting library; a closing tag inside it would end the script element."""
    text = PLOTLY.read_text(encoding="utf-8")
    if "</script" in text.lower():
        raise DataError(f"{PLOTLY}: holds a closing script tag and cannot be put into a page; restore the file")
    return text


def _plots(sections: Sequence[Section]) -> list[Mapping[str, Any]]:
    """Every plot of the page in the order in which the template meets its figures."""
    found: list[Mapping[str, Any]] = []

    def walk(blocks: Sequence[Any]) -> None:
        for block in blocks:
            if block.kind == "figure":
                found.append(block.plot)
            elif block.kind == "grid":
                walk(block.blocks)
            elif block.kind == "columns":
                for stack in block.stacks:
                    walk(stack)

    for section in sections:
        walk(section.blocks)
    return found


def render(title: str, sections: Sequence[Section], *, subtitle: str = "", details: str = "", footer: str = "") -> str:
    """The page as one HTML text.

    Args:
        title: heading of the page.
        sections: its chapters, in order.
        subtitle: one line under the heading.
        details: one more line below it.
        footer: one line at the end, for example where the page's JSON lies.

    Raises:
        DataError: the page is larger than `MAX_BYTES`.
    """
    plots = _plots(sections)
    page = _environment().get_template("page.html.j2")
    text = page.render(
        title=title,
        subtitle=subtitle,
        details=details,
        footer=footer,
        sections=sections,
        plots=_plain_json(plots),
        library=_library() if plots else "",
    )
    size = len(text.encode())
    if size > MAX_BYTES:
        raise DataError(f"report {title!r}: {size:,} bytes, the limit is {MAX_BYTES:,}; give it fewer or thinner plots")
    return text


def fragment(name: str, **values: Any) -> str:
    """One small template of `report/pages` rendered with everything escaped."""
    return _environment().get_template(name).render(**values)
