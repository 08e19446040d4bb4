"""Checkpoint families, found by the `architectures` of config.json. One file per family, one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Any

from credit_viz.errors import CheckpointError
from credit_viz.models.families import llada

__all__ = ["FAMILIES", "family_of"]

#: architecture name -> module with translate_config, model_class, KEY_MAPPING, set_bidirectional, MASK_TOKENS.
FAMILIES: Mapping[str, tuple[str, ModuleType]] = MappingProxyType(dict.fromkeys(llada.ARCHITECTURES, ("llada", llada)))


def family_of(config: Mapping[str, Any]) -> tuple[str, ModuleType]:
    """Family name and module for a published config.

    Raises:
        CheckpointError: no known architecture; the known ones are listed.
    """
    architectures = config.get("architectures") or []
    if isinstance(architectures, list):
        for architecture in architectures:
            if isinstance(architecture, str) and architecture in FAMILIES:
                return FAMILIES[architecture]
    found = ", ".join(map(str, architectures)) if isinstance(architectures, list) else repr(architectures)
    raise CheckpointError(
        f"config.json names architectures: {found or 'none'}; served natively: {', '.join(sorted(FAMILIES))}"
    )
