"""What a bench prints: titled rows of one number each, with the aim where there is one. Knows no measurement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

__all__ = ["Row", "Section", "met", "to_json", "to_text"]


class Row(NamedTuple):
    """One figure."""

    name: str
    value: float
    unit: str = ""  #: "ms", "B" ...; empty for a ratio or a count
    aim: str = ""  #: "<= 1.15", ">= 55", or words


class Section(NamedTuple):
    """Figures of one kind, measured on one thing."""

    title: str
    rows: Sequence[Row]
    note: str = ""  #: what a reader must know to read them rightly
    data: Any = None  #: the same measurement in full, for JSON


def met(row: Row) -> bool:
    """Does the figure reach its aim? True where there is none, or one for people to judge."""
    bound, _, limit = row.aim.partition(" ")
    if bound == "<=":
        return row.value <= float(limit)
    return bound != ">=" or row.value >= float(limit)


def to_json(sections: Sequence[Section]) -> list[dict[str, Any]]:
    """Plain JSON types, in the order measured."""
    return [section._asdict() | {"rows": [row._asdict() for row in section.rows]} for section in sections]


def to_text(section: Section) -> str:
    """The section as lines for a terminal."""
    width = max((len(row.name) for row in section.rows), default=0)
    lines = [section.title]
    for row in section.rows:
        unit = f" {row.unit}" if row.unit else ""
        aim = f"   aim {row.aim}{'' if met(row) else '   missed'}" if row.aim else ""
        lines.append(f"  {row.name:<{width}}  {_number(row.value):>12}{unit:<3}{aim}".rstrip())
    return "\n".join([*lines, *([f"  {section.note}"] if section.note else [])])


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3f}"
