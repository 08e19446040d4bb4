"""Batches for training: examples as padded rows of ids, and the copying drill of the warm-up.

Knows tokens and seeds. Does not know models or losses. Every pool of batches is a function of (seed, pool
number) alone, so a resumed run sees exactly the batches an uninterrupted one would have seen.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from credit_viz.tiny.tasks import TASKS, sample_training
from credit_viz.tiny.tokenizer import ASSISTANT, BOS, EOS, USER, prompt_ids, response_ids, special_id

POOL_EXAMPLES = 1024
CANVAS_LIMIT = 96
LONG_CANVAS_SHARE = 0.15
SHORT_PADDING = 8
# Rows of similar length go together; the jitter keeps a batch from holding a single family.
LENGTH_JITTER = 14.0
# Few different shapes: the CPU library compiles a kernel for each one it meets, and keeps it.
LENGTH_STEP = 8


@dataclass(frozen=True)
class Batch:
    """Rows of prompt, answer and end marks.

    ids: (B, T) int64; response_start: (B,) int64, first generated position; family: (B,) int64, index in TASKS.
    """

    ids: Tensor
    response_start: Tensor
    family: Tensor

    def __post_init__(self) -> None:
        rows = self.ids.shape[0]
        if self.response_start.shape != (rows,) or self.family.shape != (rows,):
            raise ValueError(
                f"ids {tuple(self.ids.shape)} need ({rows},) starts and families, "
                f"got {tuple(self.response_start.shape)} and {tuple(self.family.shape)}"
            )


@dataclass(frozen=True)
class _Row:
    prompt: list[int]
    response: list[int]
    length: int
    family: int


def _canvas(response: int, rng: random.Random) -> int:
    """Generated positions: mostly just enough, sometimes up to the limit: end marks are learned far out too."""
    if rng.random() < LONG_CANVAS_SHARE:
        return max(response, rng.randint(response, CANVAS_LIMIT))
    return response + rng.randint(0, SHORT_PADDING)


def _draw_row(tokenizer: Tokenizer, rng: random.Random, families: tuple[str, ...]) -> _Row:
    example = sample_training(rng)
    prompt, response = prompt_ids(tokenizer, example.prompt), response_ids(tokenizer, example.response)
    needed = len(prompt) + _canvas(len(response), rng)
    length = -(-needed // LENGTH_STEP) * LENGTH_STEP
    return _Row(prompt, response, length, families.index(example.task))


def _collate(rows: list[_Row], end: int) -> Batch:
    ids = torch.full((len(rows), max(row.length for row in rows)), end)
    for index, row in enumerate(rows):
        ids[index, : len(row.prompt) + len(row.response)] = torch.tensor(row.prompt + row.response)
    starts = torch.tensor([len(row.prompt) for row in rows])
    return Batch(ids, starts, torch.tensor([row.family for row in rows]))


def pool_batches(tokenizer: Tokenizer, seed: int, pool: int, tokens_per_batch: int) -> list[Batch]:
    """All batches of one pool, each of at most `tokens_per_batch` positions (padding included)."""
    rng = random.Random(f"{seed}/{pool}")
    families = tuple(TASKS)
    rows = [_draw_row(tokenizer, rng, families) for _ in range(POOL_EXAMPLES)]
    keyed = sorted(((row.length + rng.random() * LENGTH_JITTER, i) for i, row in enumerate(rows)))
    groups: list[list[_Row]] = [[]]
    for _, index in keyed:
        longest = max([rows[index].length, *(row.length for row in groups[-1])])
        if groups[-1] and (len(groups[-1]) + 1) * longest > tokens_per_batch:
            groups.append([])
        groups[-1].append(rows[index])
    rng.shuffle(groups)
    end = special_id(tokenizer, EOS)
    return [_collate(group, end) for group in groups]


class CopyDrill:
    """Warm-up rows `noise w1..wk | w1..wk`: looking words up in the prompt forms in minutes instead of hours.

    The number of words grows while the loss is low; `words_now` and `loss` are the whole state.
    """

    START, LIMIT = 2.0, 4.0
    GROWTH, GROW_BELOW = 0.1, 1.2
    MAX_NOISE = 3

    def __init__(self, tokenizer: Tokenizer, tokens_per_batch: int) -> None:
        specials = 5
        self._first_word = specials + 256
        self._vocabulary = tokenizer.get_vocab_size()
        self._marks = {name: special_id(tokenizer, name) for name in (BOS, USER, ASSISTANT, EOS)}
        self._tokens_per_batch = tokens_per_batch
        self.words_now, self.loss = self.START, 9.0

    @property
    def done(self) -> bool:
        return self.words_now >= self.LIMIT

    def learned(self, loss: float) -> None:
        """Take note of one step's loss (mean cross entropy per masked token)."""
        self.loss = 0.9 * self.loss + 0.1 * loss
        if self.loss < self.GROW_BELOW:
            self.words_now += self.GROWTH

    def batch(self, generator: torch.Generator) -> Batch:
        count = int(torch.randint(1, int(self.words_now) + 1, (1,), generator=generator))
        noise = int(torch.randint(0, self.MAX_NOISE + 1, (1,), generator=generator))
        rows = max(16, self._tokens_per_batch // (2 * count + noise + 4))
        drawn = torch.randint(self._first_word, self._vocabulary, (rows, noise + count), generator=generator)
        said = drawn[:, noise:]
        marks = {name: torch.full((rows, 1), value) for name, value in self._marks.items()}
        ids = torch.cat([marks[BOS], marks[USER], drawn, marks[ASSISTANT], said, marks[EOS]], dim=1)
        starts = torch.full((rows,), 3 + noise + count)
        return Batch(ids, starts, torch.zeros(rows, dtype=torch.int64))
