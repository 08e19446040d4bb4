"""Checkpoint families, found by the `architectures` of config.json. One file per family, one line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from credit_viz.errors import CheckpointError
from credit_viz.models.families import diffusion_gemma, dream, llada, llada2, llada_moe
from credit_viz.models.families.base import Family

__all__ = ["FAMILIES", "family_of"]

FAMILIES: tuple[Family, ...] = (llada.FAMILY, llada_moe.FAMILY, dream.FAMILY, llada2.FAMILY, diffusion_gemma.FAMILY)


def family_of(config: Mapping[str, Any]) -> Family:
    """The family of a published config.

    Raises:
        CheckpointError: no known architecture; the known ones are listed.
    """
    known = {architecture: family for family in FAMILIES for architecture in family.architectures}
    named = config.get("architectures")
    listed = named if isinstance(named, list) else []
    for architecture in listed:
        if isinstance(architecture, str) and architecture in known:
            return known[architecture]
    found = ", ".join(map(repr, listed)) if listed else "none" if named in (None, []) else repr(named)
    raise CheckpointError(f"config.json names architectures: {found}; served natively: {', '.join(sorted(known))}")
