"""Decoders and the denoising loop. Knows tensors and settings; nothing of models, tokenizers or plots."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from credit_viz.decoding.base import Decoder
from credit_viz.decoding.credit import Credit
from credit_viz.decoding.credit_factor import CreditFactor
from credit_viz.decoding.credit_hierarchy import CreditHierarchy
from credit_viz.decoding.credit_margin import CreditMargin
from credit_viz.decoding.credit_top_n import CreditTopN
from credit_viz.decoding.dense_credit import DenseCredit
from credit_viz.decoding.editing import Editing
from credit_viz.decoding.entropy_bound import EntropyBound
from credit_viz.decoding.factor import Factor
from credit_viz.decoding.hierarchy import Hierarchy
from credit_viz.decoding.klass import Klass
from credit_viz.decoding.margin import Margin
from credit_viz.decoding.prophet import Prophet
from credit_viz.decoding.threshold import Threshold
from credit_viz.decoding.uniform_credit import UniformCredit
from credit_viz.decoding.uniform_entropy import UniformEntropy
from credit_viz.decoding.vanilla import Vanilla
from credit_viz.decoding.wino import Wino
from credit_viz.errors import SettingsError, one_of

__all__ = ["DECODERS", "make_decoder"]

#: every decoder by name; a new one is one file and one line here.
DECODERS: Mapping[str, type[Decoder]] = MappingProxyType(
    {
        decoder.name: decoder
        for decoder in (
            Vanilla,
            Prophet,
            Threshold,
            Margin,
            Factor,
            Hierarchy,
            EntropyBound,
            Klass,
            Credit,
            CreditMargin,
            CreditTopN,
            CreditFactor,
            CreditHierarchy,
            DenseCredit,
            Wino,
            Editing,
            UniformEntropy,
            UniformCredit,
        )
    }
)


def make_decoder(name: str, settings: Mapping[str, Any] | None = None, preset: str | None = None) -> Decoder:
    """Decoder by name, with settings laid over a preset (over the defaults without one).

    Raises:
        SettingsError: unknown decoder, preset or setting, or a value out of range; valid ones are listed.
    """
    if name not in DECODERS:
        raise SettingsError(one_of("decoder", name, DECODERS))
    kind = DECODERS[name]
    values: dict[str, Any] = {}
    if preset is not None:
        if preset not in kind.presets:
            raise SettingsError(one_of(f"preset of {name}", preset, kind.presets))
        values = kind.presets[preset].to_dict()
    return kind(kind.settings_class.from_mapping({**values, **(settings or {})}))
