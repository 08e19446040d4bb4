"""Which decoders run with which settings: from the words of the command line to what `make_decoder` takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from credit_viz.cli.by_hand import Change, parse_change
from credit_viz.errors import SettingsError, one_of
from credit_viz.text import value_of

if TYPE_CHECKING:
    from credit_viz.decoding.base import Decoder

__all__ = ["LaneSpec", "labels", "parse_lanes", "with_label"]


@dataclass
class LaneSpec:
    """One lane of a run: its name in tables and files, and what decodes it."""

    label: str
    decoder: str
    preset: str | None = None
    settings: dict[str, float | int | str | None] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)  #: by hand, while it runs

    def make(self) -> Decoder:
        """The decoder.

        Raises:
            SettingsError: unknown decoder, preset or knob, or a value out of range.
        """
        from credit_viz.decoding import make_decoder  # imports torch

        return make_decoder(self.decoder, self.settings, self.preset)


def parse_lanes(
    decoders: Sequence[str], presets: Sequence[str], settings: Sequence[str], changes: Sequence[str] = ()
) -> list[LaneSpec]:
    """Lanes in the order given.

    Args:
        decoders: "credit", or "mine=credit" to name the lane, so that a decoder can run twice.
        presets: "LANE=PRESET"; settings: "LANE.KNOB=VALUE"; changes: "LANE.STEP:POSITION=TOKEN". With a single lane,
            LANE may be left out.

    Raises:
        SettingsError: a word is malformed or names an unknown lane, or two lanes have the same name.
    """
    lanes: dict[str, LaneSpec] = {}
    for word in decoders:
        label, _, decoder = word.rpartition("=")
        label = label or decoder
        if label in lanes:
            raise SettingsError(f"two lanes are called {label!r}; name one, for example --decoder other={decoder}")
        if not label.replace("-", "").replace("_", "").isalnum():
            raise SettingsError(f"lane name {label!r}; valid: letters, digits, - and _")
        lanes[label] = LaneSpec(label, decoder)
    for word in presets:
        name, _, preset = word.rpartition("=")
        _find(lanes, name, f"--preset {word}").preset = preset
    for word in settings:
        target, equals, value = word.partition("=")
        name, _, knob = target.rpartition(".")
        if not equals or not knob:
            raise SettingsError(f"--set {word!r} is not a setting; valid: DECODER.KNOB=VALUE")
        _find(lanes, name, f"--set {word}").settings[knob] = value_of(value)
    for word in changes:
        name, change = parse_change(word)
        _find(lanes, name, f"--intervene {word}").changes.append(change)
    return list(lanes.values())


def labels(files: Sequence[Path]) -> list[str]:
    """A name per file: its stem, or its whole path where stems repeat."""
    stems = [file.stem for file in files]
    paths = [str(file.with_suffix("")) for file in files]
    names = [stem if stems.count(stem) == 1 else path for stem, path in zip(stems, paths, strict=True)]
    return [name if names.count(name) == 1 else f"{name}#{place}" for place, name in enumerate(names, 1)]


def with_label(path: Path, label: str, several: bool) -> Path:
    """`run.csv` for one run; for several, `run-LABEL.csv` each."""
    return path.with_name(f"{path.stem}-{label}{path.suffix}") if several else path


def _find(lanes: dict[str, LaneSpec], name: str, source: str) -> LaneSpec:
    if not name and len(lanes) == 1:
        return next(iter(lanes.values()))
    if not name:
        raise SettingsError(f"{source} does not say for which of {', '.join(lanes)}; put the name in front")
    if name not in lanes:
        raise SettingsError(f"{source}: {one_of('decoder of this run', name, lanes)}")
    return lanes[name]
