"""The parts of a report: a page is sections, a section is blocks, and every block is a plain frozen value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "Banner",
    "Block",
    "Cell",
    "Code",
    "Columns",
    "Figure",
    "Findings",
    "Gates",
    "Grid",
    "Guards",
    "Section",
    "Stat",
    "Stats",
    "Table",
    "Text",
    "Tile",
    "Tiles",
    "Timeline",
]

Tone = Literal["body", "note", "strong"]


@dataclass(frozen=True)
class Text:
    """A paragraph. `note` is small and quiet, `strong` is what the reader should take away."""

    text: str
    tone: Tone = "body"
    kind: str = field(default="text", init=False)


@dataclass(frozen=True)
class Cell:
    """One value of a table. `why` says why there is none, and is printed below the table."""

    text: str
    why: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells under column heads; the first column names the row.

    Attributes:
        columns: heads, one a column.
        rows: cells, as many as there are heads.
        caption: what the table shows.
        numeric: figures to the right of the first column, aligned on the right.
        even: no column of figures weighs more than the others.
        words_last: the last column is a sentence, aligned on the left.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    numeric: bool = True
    even: bool = False
    words_last: bool = False
    kind: str = field(default="table", init=False)

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Why cells are empty: each reason once, with the names of its rows."""
        rows_of: dict[str, dict[str, None]] = {}
        for row in self.rows:
            for cell in row:
                if cell.why:
                    rows_of.setdefault(cell.why, {})[row[0].text] = None
        return [(why, ", ".join(names)) for why, names in rows_of.items()]


@dataclass(frozen=True)
class Stat:
    """One key figure with its name and what to compare it with."""

    label: str
    value: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Stats:
    """Key figures side by side."""

    items: Sequence[Stat]
    kind: str = field(default="stats", init=False)


@dataclass(frozen=True)
class Banner:
    """The answer, first on the page: one word, one plain sentence, its key figures, and what would change it."""

    answer: str
    title: str
    sentence: str
    items: Sequence[Stat] = ()
    changes: Sequence[str] = ()
    kind: str = field(default="banner", init=False)


@dataclass(frozen=True)
class Figure:
    """A plot and its meaning in words.

    Attributes:
        title: short heading.
        plot: plotly figure (`data`, `layout`) in theme colours, see `report.chart`.
        caption: what the plot shows.
        conclusion: what to conclude, with the figures that matter.
        height: pixels.
    """

    title: str
    plot: dict[str, Any]
    caption: str
    conclusion: str = ""
    height: int = 300
    kind: str = field(default="figure", init=False)


@dataclass(frozen=True)
class Findings:
    """What checks saw, grouped by level: see `report.data.findings_block`."""

    groups: Sequence[Mapping[str, Any]]
    kind: str = field(default="findings", init=False)


@dataclass(frozen=True)
class Gates:
    """The recipe's steps in order, each with its checks: see `report.gates`.

    Attributes:
        steps: `number`, `title`, `level`, `mark`, `said`, `time`, `failed`, `passed` (checks), `skipped`, `trials`.
    """

    steps: Sequence[Mapping[str, Any]]
    kind: str = field(default="gates", init=False)


@dataclass(frozen=True)
class Tile:
    """One small picture.

    Attributes:
        title: what it is of.
        svg: the picture, from `core.svg`; everything in it is escaped.
        note: what it shows, in words and figures.
        badge: a word beside the title.
        tone: of the badge: error, warning, or none.
    """

    title: str
    svg: str
    note: str = ""
    badge: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Tiles:
    """Small pictures of one kind side by side.

    Attributes:
        tiles: in order.
        head: what they have in common.
        lead: what there is to see.
        size: `small` (two a row on a phone), `medium` (four on a desk), `large` (three), `whole` (one), or
            `wide` (one, to be scrolled where there is no room).
    """

    tiles: Sequence[Tile]
    head: str = ""
    lead: str = ""
    size: Literal["small", "medium", "large", "whole", "wide"] = "medium"
    kind: str = field(default="tiles", init=False)


@dataclass(frozen=True)
class Guards:
    """The guards of a verdict: one row a guard and one outcome for each verdict shown.

    Attributes:
        columns: heads of the verdicts; empty text for a single one.
        rows: `name`, `meaning`, and `outcomes`: per verdict `state` (passed, failed, open, unknown), `label`, `value`,
            `required`, `text`.
    """

    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    kind: str = field(default="guards", init=False)


@dataclass(frozen=True)
class Timeline:
    """The market's span drawn to scale, the seal included.

    Attributes:
        segments: `label`, `start`, `end`, `share` (0 to 1), `role` (train, validation, sealed, opened), `note`.
        caption: what the bar shows.
    """

    segments: Sequence[Mapping[str, Any]]
    caption: str = ""
    kind: str = field(default="timeline", init=False)


@dataclass(frozen=True)
class Code:
    """Text as it is on disk, folded away until it is asked for."""

    title: str
    text: str
    kind: str = field(default="code", init=False)


@dataclass(frozen=True)
class Grid:
    """Blocks side by side where there is room, below each other where there is not."""

    blocks: Sequence["Block"]
    kind: str = field(default="grid", init=False)


@dataclass(frozen=True)
class Columns:
    """Two or more titled stacks of blocks to compare."""

    heads: Sequence[str]
    stacks: Sequence[Sequence["Block"]]
    kind: str = field(default="columns", init=False)


Block = Text | Table | Stats | Banner | Figure | Findings | Gates | Guards | Tiles | Timeline | Code | Grid | Columns


@dataclass(frozen=True)
class Section:
    """One chapter of a page: a title, one sentence that says what it answers, and its blocks."""

    title: str
    lead: str = ""
    blocks: Sequence[Block] = ()
    short: str = ""

    @property
    def name(self) -> str:
        """The word in the page's contents."""
        return self.short or self.title

    @property
    def anchor(self) -> str:
        """The section's address within the page."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.name.lower())
