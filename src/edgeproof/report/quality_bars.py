"""Bar quality on the data page: days that miss bars, and every kind of found defect where it is."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgeproof.report.number import clip, show
from edgeproof.report.part import Block, Cell, Grid, Section, Table, Text, Tile, Tiles
from edgeproof.report.quality_sketch import calendar, candles

__all__ = ["defects_section", "gaps_block"]

HEADS: dict[str, tuple[str, str]] = {
    "reuse": ("Another asset under the same ticker", "Prices begin anew after a halt."),
    "jumps": ("Jumps by a whole factor", "As after a split or redenomination: as a return it is not real."),
    "bad_prices": ("Impossible prices", "A price that is no positive number (a cross), or a volume that is none."),
    "ohlc": ("Inconsistent bars", "High or low does not enclose open and close."),
    "spikes": ("Prices that go far away and come back", "Bad ticks; a crash only if another source has it too."),
    "stale": ("Stale runs", "One unchanged price, bar after bar."),
    "gaps": ("The longest gaps", "Nothing is filled in: windows do not reach across long ones."),
    "zero_volume": ("Bars without volume", "Nothing was traded, or the source does not report it."),
}
MASKED = "masked, so not traded and in no window"


def gaps_block(body: Mapping[str, Any]) -> Block:
    """The calendar of missing bars beside the longest gaps."""
    found, gone = body["calendar"], sum(body["calendar"]["missing"])
    said = (
        f"{show(gone, 'count')} of {show(sum(found['expected']), 'count')} expected bars are missing, all symbols "
        f"together, on {sum(value > 0 for value in found['missing'])} of {len(found['missing'])} {found['unit']}s."
        if gone
        else f"No bar is missing on any of {len(found['missing'])} {found['unit']}s."
    )
    rows = "rows are months, columns its days" if found["unit"] == "day" else "rows are years, columns their months"
    tiles = Tiles(
        [Tile("Bars missing by " + found["unit"], calendar(found), f"{said} {rows.capitalize()}.")], size="whole"
    )
    if not body["gaps"]:
        return tiles
    cells = [(Cell(_named(row)), Cell(row["after"]), Cell(show(row["bars"], "count"))) for row in body["gaps"]]
    return Grid([tiles, Table(("Longest gaps", "after", "bars"), cells, even=True)])


def _named(row: Mapping[str, Any]) -> str:
    more = f" and {row['also_in']} more" if row["also_in"] else ""
    return clip(row["symbol"], 24) + more


def defects_section(body: Mapping[str, Any]) -> Section:
    """A small chart of the bars around each found defect, the defect marked."""
    found: Sequence[Mapping[str, Any]] = body["defects"]
    if not found:
        return Section("Defects", "", (Text("The checks found no defect in the open bars.", "strong"),))
    blocks: list[Block] = []
    for check, (head, lead) in HEADS.items():
        tiles = [_tile(each) for each in found if each["check"] == check]
        if tiles:
            blocks.append(Tiles(tiles, head, lead, size="large"))
    lead = "Where they are: bars before and after, the defect on tinted ground. Hollow bodies rose, filled ones fell."
    return Section("Defects", lead, blocks)


def _tile(each: Mapping[str, Any]) -> Tile:
    also = each["also_in"]
    more = f" The same in {also} other {'symbol' if also == 1 else 'symbols'}." if also else ""
    fate = "" if each["check"] in ("gaps", "jumps", "reuse") else ("; not masked" if each["used"] else f"; {MASKED}")
    title = f"{clip(each['symbol'], 24)}, {each['time']}"
    spoken = f"{title}: {each['note']}"
    return Tile(title, candles(each, spoken), f"{each['note']}{fate}.{more}", each["level"], each["level"])
