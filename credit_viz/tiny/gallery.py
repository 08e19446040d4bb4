"""Make the gallery of the embedded model: `python -m credit_viz.tiny.gallery [--out DIR] [--prompts N]`.

How runs are chosen: for each exhibit (see `exhibits.py`) all of the N held-out prompts of its task are decoded, always
the same ones. Those that come out as the exhibit wants are counted, and the count is shown with it; the clearest of
them is shown, the first among equals. So every run of the gallery is real and chosen, and none is typical; how often
decoders gain or fail is measured by `credit_viz.tiny.evaluate`, not here.

A run is only shown if it does not hang by a hair: it must come out the same, write by write, when every logit of every
pass is shifted at random by up to 1e-4, four times over. Processors differ by less, so the test that decodes the
gallery again may ask for the very same writes.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import credit_viz
from credit_viz.gallery import Exhibit, gallery_path, save_gallery
from credit_viz.models.base import DiffusionLM
from credit_viz.tiny.evaluate import Arm
from credit_viz.tiny.exhibits import WANTED, Found, Tried, Wanted
from credit_viz.tiny.tasks import Example, held_out_example
from credit_viz.trace.record import Trace

__all__ = ["GEN_LENGTH", "decode_lane", "examples_of", "main", "search"]

GEN_LENGTH = 64
SEED = 40_000
TREMOR = 1e-4
TREMBLES = 4


class _Trembling(DiffusionLM):
    """A model whose logits are off by a little, at random."""

    def __init__(self, model: DiffusionLM, seed: int) -> None:
        self.__dict__.update(model.__dict__)
        self._rng = torch.Generator().manual_seed(seed)

    def run(self, *arguments: Any, **options: Any) -> Tensor:
        logits = super().run(*arguments, **options)
        return logits + (2 * torch.rand(logits.shape, generator=self._rng) - 1) * TREMOR


def decode_lane(model: DiffusionLM, prompt: str, arm: Arm, block_length: int) -> Trace:
    """One lane, as the page would decode it."""
    return credit_viz.decode(
        model,
        prompt,
        decoder=arm.decoder,
        settings=arm.settings,
        preset=arm.preset,
        gen_length=GEN_LENGTH,
        block_length=block_length,
    )


def _same_writes(one: Trace, other: Trace) -> bool:
    names = ("event_steps", "event_positions", "event_ids", "event_reasons")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def _is_steady(model: DiffusionLM, wanted: Wanted, tried: Tried) -> bool:
    """Do all shown lanes write the same when the model trembles?"""
    return all(
        _same_writes(
            tried[arm.label], decode_lane(_Trembling(model, seed), tried.example.prompt, arm, wanted.block_length)
        )
        for arm in wanted.shown
        for seed in range(TREMBLES)
    )


def examples_of(task: str, count: int) -> list[Example]:
    """`count` different held-out prompts of a task, always the same."""
    rng = random.Random(SEED)
    found: dict[str, Example] = {}
    while len(found) < count:
        example = held_out_example(task, rng)
        found.setdefault(example.prompt, example)
    return list(found.values())


def search(model: DiffusionLM, wanted: Wanted, prompts: int) -> tuple[Exhibit, tuple[Trace, ...]]:
    """The clearest steady run of those that come out as wanted.

    Raises:
        LookupError: none does.
    """
    hits: list[tuple[Found, Tried]] = []
    for example in examples_of(wanted.task, prompts):
        tried = Tried(example, partial(_decode, model, wanted, example))
        if found := wanted.judge(tried):
            hits.append((found, tried))
    for found, tried in sorted(hits, key=lambda hit: hit[0].rank):
        if _is_steady(model, wanted, tried):
            return _exhibit(wanted, found, tried, len(hits), prompts), tuple(tried[arm.label] for arm in wanted.shown)
    raise LookupError(f"{wanted.name}: {len(hits)} of {prompts} prompts came out like this, none of them steadily")


def _decode(model: DiffusionLM, wanted: Wanted, example: Example, label: str) -> Trace:
    return decode_lane(model, example.prompt, wanted.arm(label), wanted.block_length)


def _exhibit(wanted: Wanted, found: Found, tried: Tried, hits: int, prompts: int) -> Exhibit:
    labels = [arm.label for arm in wanted.shown]
    traces = [tried[label] for label in labels]
    info = traces[0].info
    words = {label: tried.passes(label) for label in labels} | dict(found.words) | {"found": hits, "tried": prompts}
    return Exhibit(
        name=wanted.name,
        title=wanted.title.format_map(words),
        look=wanted.look.format_map(words),
        model=info.model,
        prompt=tried.example.prompt,
        options={
            "gen_length": info.gen_length,
            "block_length": info.block_length,
            "seed": info.seed,
            "early_stop": info.early_stop,
            "cache": info.cache,
        },
        lanes=tuple({"decoder": trace.info.decoder, "settings": dict(trace.info.settings)} for trace in traces),
        spot=wanted.spot(found),
        claims={
            "passes": [trace.forward_passes for trace in traces],
            "right": [tried.right(label) for label in labels],
            "taken_back": [trace.taken_back for trace in traces],
            "edited": [trace.edited for trace in traces],
            "same_text": tried.same(*labels),
            "found": [hits, prompts],
        },
        files=tuple(Path(f"{wanted.name}-{place}-{label}.safetensors") for place, label in enumerate(labels, 1)),
    )


def _searched(model: DiffusionLM, prompts: int) -> Iterator[tuple[Exhibit, tuple[Trace, ...]]]:
    for wanted in WANTED:
        exhibit, traces = search(model, wanted, prompts)
        claims = exhibit.claims
        print(f"{exhibit.name}: {claims['found'][0]} of {prompts}; passes {claims['passes']}, right {claims['right']}")
        print(f"  {exhibit.prompt}\n  {exhibit.title}\n  {exhibit.look}", flush=True)
        yield exhibit, traces


def main(argv: Sequence[str] | None = None) -> None:
    """Search, record and write; prints what was found for each exhibit."""
    parser = argparse.ArgumentParser(prog="credit_viz.tiny.gallery", description="make the gallery")
    parser.add_argument("--out", type=Path, default=gallery_path(), help="folder of the gallery")
    parser.add_argument("--prompts", type=int, default=100, help="held-out prompts per exhibit")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    for old in args.out.glob("*.safetensors"):
        old.unlink()
    save_gallery(args.out, "embedded", _searched(credit_viz.load_model(device="cpu"), args.prompts))


if __name__ == "__main__":
    main()
