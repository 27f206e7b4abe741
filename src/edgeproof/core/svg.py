"""The few SVG elements that a small plot needs, as text; everything that came from data is escaped.

Colours are a page's theme (`--net`, `--bad`) where it has one, and plain ones elsewhere, in a notebook for example.
"""

from html import escape

__all__ = [
    "DRAWN",
    "INK",
    "QUIET",
    "SECOND",
    "WRONG",
    "box",
    "columns",
    "dot",
    "outline",
    "path",
    "picture",
    "stroke",
    "word",
]

INK, QUIET = "currentColor", "var(--muted,#6b737c)"
DRAWN, SECOND, WRONG = "var(--net,#2f6fb0)", "var(--hold,#b08a3e)", "var(--bad,#b4483a)"
HALO = ' stroke="var(--surface,var(--jp-layout-color0,#fff))" stroke-width="3" paint-order="stroke"'
STYLE = "max-width:100%;height:auto;display:block;font-family:inherit;font-variant-numeric:tabular-nums"
Pair = tuple[float, float]


def word(at: Pair, text: str, *, anchor: str = "start", fill: str = QUIET, size: int = 10) -> str:
    """Text whose base line is at `at`; nothing where there is no text."""
    place = f'x="{at[0]:.1f}" y="{at[1]:.1f}"{f" text-anchor={anchor!r}" if anchor != "start" else ""}'
    halo = HALO if fill == WRONG else ""  # it stands on bars and lines
    return f'<text {place} fill="{fill}" font-size="{size}"{halo}>{escape(text)}</text>' if text else ""


def stroke(start: Pair, end: Pair, *, color: str = QUIET, dash: str = "") -> str:
    """A thin straight line."""
    ends = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<line {ends} stroke="{color}" stroke-width="1"{dashes}/>'


def box(corner: Pair, size: Pair, *, color: str = DRAWN, title: str = "", opacity: float = 1.0) -> str:
    """A filled rectangle, at least half a pixel in each direction, with a tooltip."""
    place = f'x="{corner[0]:.1f}" y="{corner[1]:.1f}" width="{max(size[0], 0.5):.1f}" height="{max(size[1], 0.5):.1f}"'
    faint = f' opacity="{opacity:.2f}"' if opacity < 1 else ""
    inner = f"><title>{escape(title)}</title></rect>" if title else "/>"
    return f'<rect {place} fill="{color}"{faint}{inner}'


def columns(boxes: list[tuple[Pair, Pair]], *, color: str = DRAWN) -> str:
    """Many filled rectangles of one colour, corner and size each, as one element."""
    drawn = "".join(f"M{x:.1f} {y:.1f}h{w:.1f}v{max(h, 0.5):.1f}h{-w:.1f}z" for (x, y), (w, h) in boxes)
    return f'<path d="{drawn}" fill="{color}"/>' if boxes else ""


def dot(at: Pair, *, color: str = DRAWN) -> str:
    """One point."""
    return f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="3" fill="{color}"/>'


def path(points: list[Pair], *, color: str = DRAWN) -> str:
    """A line through the points."""
    placed = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{placed}" fill="none" stroke="{color}" stroke-width="1.6" stroke-linejoin="round"/>'


def outline(d: str, *, color: str = "none", fill: str = "none", width: float = 1.0, opacity: float = 1.0) -> str:
    """A path by its own commands: many strokes or cells as one element."""
    drawn = "" if color == "none" else f' stroke="{color}" stroke-width="{width:g}"'
    faint = f' opacity="{opacity:.2f}"' if opacity < 1 else ""
    return f'<path d="{d}" fill="{fill}"{drawn}{faint}/>' if d else ""


def picture(parts: list[str], size: Pair, *, spoken: str) -> str:
    """The whole element, of this size where there is room; `spoken` is for who cannot see it."""
    wide, high = size
    frame = f'width="{wide:.0f}" height="{high:.0f}" viewBox="0 0 {wide:.0f} {high:.0f}"'
    start = '<svg class="sketch" role="img"'
    return f'{start} aria-label="{escape(spoken)}" {frame} style="{STYLE}">{"".join(parts)}</svg>'
