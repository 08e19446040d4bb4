"""A sweep as data: model, prompts, decoders with their knobs, options. Runs nothing; a plan travels as JSON.

Whoever holds a plan can list its runs, in the same order and under the same content keys in every process. A content
key is a hash of everything that decides a run's result: model and weights, decoder and all its knobs, options, prompt
and what its answer is held against.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import product
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from credit_viz.decoding import make_decoder
from credit_viz.decoding.base import Decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.errors import PromptError, SettingsError, one_of
from credit_viz.evaluation.answers import content_key, content_text, text_key
from credit_viz.lab.prompts import Prompt, TaskPrompts
from credit_viz.lab.spaces import Arm, Value, setting_names

__all__ = ["COMPARE_MODES", "MAX_RUNS", "OPTIONS", "ModelSource", "Plan", "Run", "Setting", "content_keys"]

MAX_RUNS = 100_000
COMPARE_MODES = ("auto", "always", "never")
#: fields of RunOptions that a sweep may vary; what is recorded of a run is the lab's own business.
OPTIONS = tuple(f.name for f in dataclasses.fields(RunOptions) if f.name not in ("record", "top_k"))
_METHOD = 1  #: raised when a column of the results changes its meaning


@dataclass(frozen=True)
class ModelSource:
    """Arguments of `load_model`; None is the embedded model."""

    source: str | None = None
    revision: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    quantize: str | None = None
    offline: bool = False
    check_memory: bool = True
    compile: bool = False


class Setting(NamedTuple):
    """A decoder with the value of every knob."""

    decoder: str
    values: Mapping[str, Value]

    def make(self) -> Decoder:
        """The decoder."""
        return make_decoder(self.decoder, self.values)

    @property
    def content(self) -> str:
        """The same for equal settings."""
        return content_key([self.decoder, dict(self.values)])


class Run(NamedTuple):
    """One decoder on one prompt."""

    setting: Setting
    options: RunOptions
    prompt: Prompt
    likelihood: bool  #: the model also says how likely it finds the text

    def key(self, model: Mapping[str, Any], batch: int) -> str:
        """Content key; model: its identity, see `work.Identity`; batch: `Plan.batch`."""
        (key,) = content_keys([self], model, batch)
        return key

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types for whoever holds the same plan."""
        return {
            "decoder": self.setting.decoder,
            "settings": dict(self.setting.values),
            "options": asdict(self.options),
            "prompt": self.prompt.id,
            "likelihood": self.likelihood,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], prompts: Mapping[str, Prompt]) -> Self:
        """Rebuild from `to_json`; prompts: those of the plan, by id."""
        setting = Setting(data["decoder"], data["settings"])
        return cls(setting, RunOptions(**data["options"]), prompts[data["prompt"]], data["likelihood"])


def content_keys(runs: Iterable[Run], model: Mapping[str, Any], batch: int) -> Iterator[str]:
    """`Run.key` of each run. What many runs share is written as JSON once: most of the time goes there."""
    written: dict[int, tuple[object, str]] = {}  # holds the parts, too, so that no other can take their place

    def text(part: Any, plain: Callable[[Any], Any]) -> str:
        if id(part) not in written:
            written[id(part)] = part, content_text(plain(part))
        return written[id(part)][1]

    for setting, options, prompt, likelihood in runs:
        parts = {
            "batch": text(batch, int),
            "decoder": text(setting.decoder, str),
            "likelihood": text(likelihood, bool),
            "method": text(_METHOD, int),
            "model": text(model, dict),
            "options": text(options, vars),
            "prompt": text(prompt, Prompt.content),
            "settings": text(setting.values, dict),
        }
        yield text_key("{" + ", ".join(f'"{name}": {part}' for name, part in parts.items()) + "}")


@dataclass(frozen=True)
class Plan:
    """Every arm on every prompt with every combination of options.

    Args:
        arms: decoders and what their knobs take.
        prompts: own prompts; plain texts are called "1", "2", ...
        tasks: prompts of the embedded model's tasks.
        options: values by name of a field of `RunOptions` (gen_length, block_length, seed, early_stop, cache,
            logits_to_keep): one value or several.
        model: what decodes.
        compare: whether vanilla decodes too, for agreement with it, and the model rates each text: "auto" for prompts
            without checker or answer, "always" or "never".
        batch: runs on one prompt that may share a forward pass. 1 is exact: each run equals `decode` alone. More is
            faster on a GPU, but changes the last bits of the logits, so a run may differ where two guesses tie.

    Raises:
        SettingsError, PromptError: the message names what is wrong and what is valid.
    """

    arms: tuple[Arm, ...]
    prompts: tuple[Prompt, ...] = ()
    tasks: TaskPrompts | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    model: ModelSource = ModelSource()
    compare: str = "auto"
    batch: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "arms", tuple(self.arms))
        object.__setattr__(self, "prompts", _named(self.prompts))
        object.__setattr__(self, "options", MappingProxyType(_option_values(self.options)))
        if not self.arms:
            raise SettingsError("a sweep of no decoder; valid: one arm or more")
        if not self.prompts and self.tasks is None:
            raise PromptError("a sweep of no prompt; valid: own prompts, a file of prompts, or tasks")
        if self.compare not in COMPARE_MODES:
            raise SettingsError(one_of("compare mode", self.compare, COMPARE_MODES))
        if isinstance(self.batch, bool) or not isinstance(self.batch, int) or self.batch < 1:
            raise SettingsError(f"batch={self.batch!r} is out of range; valid: 1 or more")
        _ = self.run_options

    @cached_property
    def run_options(self) -> tuple[RunOptions, ...]:
        """Every combination of options."""
        return tuple(
            RunOptions(**dict(zip(self.options, values, strict=True)), record="all", top_k=1)
            for values in product(*self.options.values())
        )

    @cached_property
    def all_prompts(self) -> tuple[Prompt, ...]:
        """Own prompts and those of the tasks; of equal ones the first.

        Raises:
            PromptError: two different prompts have the same id.
        """
        drawn = self.tasks.draw() if self.tasks else ()
        distinct = {content_key(prompt.content()): prompt for prompt in reversed((*self.prompts, *drawn))}
        found = tuple(reversed(distinct.values()))
        names: set[str] = set()
        for prompt in found:
            if prompt.id in names:
                raise PromptError(f"two prompts are called {prompt.id!r}; give one another id")
            names.add(prompt.id)
        return found

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """Every different setting of the arms.

        Raises:
            SettingsError: a value is out of range.
        """
        every = (Setting(arm.decoder, values) for arm in self.arms for values in arm.settings())
        distinct: dict[str, Setting] = {}
        for setting in every:
            distinct.setdefault(setting.content, setting)
        return tuple(distinct.values())

    @property
    def size(self) -> int:
        """How many runs at most: equal settings are counted each here, and run once."""
        return (sum(arm.size for arm in self.arms) + self._may_refer) * self.prompt_count * len(self.run_options)

    @property
    def prompt_count(self) -> int:
        """How many prompts at most: equal ones are counted each here."""
        return len(self.prompts) + (self.tasks.count if self.tasks else 0)

    @property
    def _may_refer(self) -> bool:
        return self.compare == "always" or (self.compare == "auto" and any(not p.judged for p in self.prompts))

    def check_size(self, limit: int = MAX_RUNS) -> None:
        """Refuse a plan that is too large, without listing its runs.

        Raises:
            SettingsError: more than `limit` runs.
        """
        if self.size > limit:
            raise SettingsError(
                f"this sweep has up to {self.size:,} runs; valid: up to {limit:,} (--max-runs, max_runs)"
            )

    def check(self, limit: int = MAX_RUNS) -> None:
        """Refuse what needs no model to be refused.

        Raises:
            SettingsError, PromptError: too many runs, a setting out of range, or prompts that cannot be had or named.
        """
        self.check_size(limit)
        _ = self.settings, self.all_prompts

    def compares(self, prompt: Prompt) -> bool:
        """Whether runs on this prompt are compared with vanilla, and rated by the model."""
        return self.compare == "always" or (self.compare == "auto" and not prompt.judged)

    @cached_property
    def reference(self) -> Setting:
        """What others are compared with: vanilla decoding with its defaults."""
        return Setting("vanilla", make_decoder("vanilla").settings.to_dict())

    @cached_property
    def _added(self) -> tuple[Setting, ...]:
        """The reference, where it is not among the settings."""
        return () if any(s.content == self.reference.content for s in self.settings) else (self.reference,)

    def runs(self) -> Iterator[Run]:
        """Every run once, prompt by prompt, so that a sweep cut short has done all settings on some prompts."""
        for prompt, options in product(self.all_prompts, self.run_options):
            compared = self.compares(prompt)
            for setting in (*(self._added if compared else ()), *self.settings):
                yield Run(setting, options, prompt, compared)

    def names(self) -> dict[str, str]:
        """A setting's `content` -> its name in tables."""
        settings = [self.reference, *self.settings]
        named = setting_names([(s.decoder, s.values) for s in settings])
        return {setting.content: name for setting, name in zip(settings, named, strict=True)}

    def numbers(self) -> dict[tuple[str, RunOptions], int]:
        """Number of each setting (by its `content`) with each of the options: runs that differ in prompt and seed alone
        have the same one. Counted from 0 in the order of `runs`.
        """
        added = self._added if any(map(self.compares, self.all_prompts)) else ()
        contents = [setting.content for setting in (*added, *self.settings)]
        unseeded = {options: dataclasses.replace(options, seed=0) for options in self.run_options}
        places = {place: n for n, place in enumerate(product(dict.fromkeys(unseeded.values()), contents))}
        return {(content, o): places[plain, content] for o, plain in unseeded.items() for content in contents}

    @property
    def rows(self) -> int:
        """How many settings a table tells apart: each with each of the options but the seed."""
        return len(set(self.numbers().values()))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` reads them back equal."""
        return {
            "arms": [arm.to_json() for arm in self.arms],
            "prompts": [prompt.to_json() for prompt in self.prompts],
            "tasks": self.tasks.to_json() if self.tasks else None,
            "options": {name: list(values) for name, values in self.options.items()},
            "model": asdict(self.model),
            "compare": self.compare,
            "batch": self.batch,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json`.

        Raises:
            SettingsError, PromptError: it is damaged, or of another version of this program.
        """
        try:
            return cls(
                tuple(Arm.from_json(arm) for arm in data["arms"]),
                tuple(map(Prompt.from_json, data["prompts"])),
                TaskPrompts.from_json(data["tasks"]) if data["tasks"] else None,
                data["options"],
                ModelSource(**data["model"]),
                data["compare"],
                data["batch"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise SettingsError(f"this is no plan of a sweep, or one of another version: {error!r}") from error


def _named(prompts: Sequence[Prompt | str]) -> tuple[Prompt, ...]:
    return tuple(Prompt(str(n), p) if isinstance(p, str) else p for n, p in enumerate(prompts, 1))


def _option_values(options: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Every option's values, without repeats; what is not named has its default alone."""
    for name in options:
        if name not in OPTIONS:
            raise SettingsError(one_of("option", name, OPTIONS))
    defaults = {f.name: f.default for f in dataclasses.fields(RunOptions)}
    found = {}
    for name in OPTIONS:
        given = options[name] if name in options else defaults[name]
        values = tuple(given) if isinstance(given, (list, tuple)) else (given,)
        if not values:
            raise SettingsError(f"{name} has no values; valid: one or more")
        found[name] = tuple(dict.fromkeys(values))
    return found
