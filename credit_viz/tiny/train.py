"""Train the embedded model: `python -m credit_viz.tiny.train --out DIR --steps N --seed S [--resume]`.

Knows the recipe (optimizers, schedule, warm-up drill) and the loop. Does not know how the answers are judged.
Recipe: a short drill in copying, then the tasks; Muon for the matrices and AdamW for the rest; learning rate
warmed up, constant, then linearly down. One CPU thread is enough and is the default.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from credit_viz.models.families.llada import new_model
from credit_viz.tiny.checkpoint import export, llada_config, load_state, save_state
from credit_viz.tiny.data import Batch, CopyDrill, pool_batches
from credit_viz.tiny.objective import Loss, masked_loss
from credit_viz.tiny.tasks import TASKS
from credit_viz.tiny.tokenizer import EOS, MASK, build_tokenizer, special_id

Report = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights. `steps` may change on a resume: only the schedule depends on it."""

    steps: int
    seed: int = 0
    d_model: int = 192
    n_layers: int = 5
    n_heads: int = 6
    mlp: int = 512
    tokens_per_batch: int = 4096
    muon_rate: float = 0.02
    adam_rate: float = 2e-3
    rate: float = 1.0
    weight_decay: float = 0.01
    warm_up_steps: int = 100
    constant_share: float = 0.4
    drill_share: float = 0.3
    bfloat16: bool = True


@dataclass
class Progress:
    """Where a run stands. `history` rows: step, seconds, tokens, loss, then cross entropy per family."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    pool: int = 0
    batch_in_pool: int = 0
    drill_words: float = CopyDrill.START
    drill_loss: float = 9.0
    drilled: bool = False
    history: list[list[float]] = field(default_factory=list)


class Window:
    """Means since the last progress line."""

    def __init__(self) -> None:
        self._total, self._steps = 0.0, 0
        self._sum, self._count = torch.zeros(len(TASKS)), torch.zeros(len(TASKS))

    def add(self, loss: Loss) -> None:
        self._total += float(loss.total.detach())
        self._steps += 1
        self._sum += loss.family_sum
        self._count += loss.family_count

    def means(self) -> list[float]:
        """Weighted loss, then mean cross entropy of hidden words per family."""
        families = (self._sum / self._count.clamp(min=1)).tolist()
        return [round(value, 4) for value in (self._total / max(self._steps, 1), *families)]


def rate_factor(step: int, recipe: Recipe) -> float:
    """Share of the full learning rate at a step counted from 0."""
    done = step / recipe.steps
    fall = 1.0 if done < recipe.constant_share else (1 - done) / (1 - recipe.constant_share)
    return min(1.0, (step + 1) / recipe.warm_up_steps) * max(0.01, fall)


def _optimizers(model: torch.nn.Module, recipe: Recipe) -> dict[str, torch.optim.Optimizer]:
    named = list(model.named_parameters())
    matrices = [p for name, p in named if p.ndim == 2 and "embed" not in name and "lm_head" not in name]
    chosen = {id(p) for p in matrices}
    rest = [p for _, p in named if id(p) not in chosen]
    return {
        "muon": torch.optim.Muon(
            matrices, lr=recipe.muon_rate, weight_decay=recipe.weight_decay, adjust_lr_fn="original"
        ),
        "adamw": torch.optim.AdamW(rest, lr=recipe.adam_rate, betas=(0.9, 0.98), weight_decay=0.0),
    }


class Trainer:
    """One run: model, optimizers, data and where they stand."""

    def __init__(self, recipe: Recipe, tokenizer: Tokenizer, out: Path, report: Report = print) -> None:
        self.recipe, self.tokenizer, self.out, self.report = recipe, tokenizer, out, report
        self.config = llada_config(
            tokenizer,
            d_model=recipe.d_model,
            n_layers=recipe.n_layers,
            n_heads=recipe.n_heads,
            mlp=recipe.mlp,
        )
        self.model = new_model(self.config, recipe.seed).train()
        self.optimizers = _optimizers(self.model, recipe)
        self.generator = torch.Generator().manual_seed(recipe.seed)
        self.drill = CopyDrill(tokenizer, recipe.tokens_per_batch)
        self.progress = Progress()
        self._pool: list[Batch] = []
        self._pool_number = -1

    def resume(self) -> None:
        saved = load_state(self.out, self.model, self.optimizers, self.generator)
        self.progress = Progress(**saved["progress"])
        self.drill.words_now, self.drill.loss = self.progress.drill_words, self.progress.drill_loss

    def run(self, until: int, *, line_every: int = 100, save_every: int = 500) -> None:
        """Train up to step `until` (at most `recipe.steps`) and save."""
        window, started, before = Window(), time.monotonic(), self.progress.seconds
        first, first_tokens = self.progress.step, self.progress.tokens
        while self.progress.step < until:
            window.add(self._step())
            self.progress.seconds = before + time.monotonic() - started
            if self.progress.step % line_every == 0:
                speed = (self.progress.tokens - first_tokens) / (time.monotonic() - started)
                pace = (time.monotonic() - started) / (self.progress.step - first)
                self._line(window, speed, pace)
                window = Window()
            if self.progress.step % save_every == 0:
                self.save()
        self.save()

    def _step(self) -> Loss:
        progress = self.progress
        drilling = not progress.drilled
        batch = self.drill.batch(self.generator) if drilling else self._next_batch()
        loss = masked_loss(
            self.model,
            batch,
            self.generator,
            mask_id=special_id(self.tokenizer, MASK),
            end_id=special_id(self.tokenizer, EOS),
            families=len(TASKS),
            bfloat16=self.recipe.bfloat16,
        )
        loss.total.backward()  # type: ignore[no-untyped-call]
        self._update()
        progress.step += 1
        progress.tokens += batch.ids.numel()
        if drilling:
            self._after_drill(loss.mean)
        return loss

    def _update(self) -> None:
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        factor = self.recipe.rate * rate_factor(self.progress.step, self.recipe)
        rates = {"muon": self.recipe.muon_rate, "adamw": self.recipe.adam_rate}
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = rates[name] * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def _after_drill(self, loss: float) -> None:
        progress = self.progress
        self.drill.learned(loss)
        progress.drill_words, progress.drill_loss = self.drill.words_now, self.drill.loss
        if self.drill.done or progress.step >= self.recipe.drill_share * self.recipe.steps:
            progress.drilled = True
            self.report(f"drill ends at step {progress.step} with {self.drill.words_now:.1f} words")

    def _next_batch(self) -> Batch:
        progress = self.progress
        if self._pool_number != progress.pool:
            self._pool = pool_batches(self.tokenizer, self.recipe.seed, progress.pool, self.recipe.tokens_per_batch)
            self._pool_number = progress.pool
        batch = self._pool[progress.batch_in_pool]
        progress.batch_in_pool += 1
        if progress.batch_in_pool == len(self._pool):
            progress.pool, progress.batch_in_pool = progress.pool + 1, 0
        return batch

    def _line(self, window: Window, speed: float, pace: float) -> None:
        progress, (loss, *families) = self.progress, window.means()
        progress.history.append([progress.step, round(progress.seconds, 1), progress.tokens, loss, *families])
        per_family = " ".join(f"{name} {value:.3f}" for name, value in zip(TASKS, families, strict=True))
        left = pace * (self.recipe.steps - progress.step) / 60
        self.report(
            f"step {progress.step}/{self.recipe.steps} {progress.tokens / 1e6:.2f}M tokens {speed:.0f}/s "
            f"{left:.1f} min left loss {loss:.4f} | {per_family}"
        )

    def save(self) -> None:
        """The state to resume from, the folder to load, and the log."""
        self.out.mkdir(parents=True, exist_ok=True)
        record = {"recipe": asdict(self.recipe), "progress": asdict(self.progress)}
        save_state(self.out, self.model, self.optimizers, self.generator, record)
        export(self.model, self.tokenizer, self.config, self.out)
        (self.out / "training.json").write_text(json.dumps(self.record(), indent=1) + "\n", encoding="utf-8")

    def record(self) -> dict[str, Any]:
        """Settings, versions, tokens, seconds and losses, for `training.json`."""
        return {
            "recipe": asdict(self.recipe),
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "vocabulary": self.tokenizer.get_vocab_size(),
            "mix": {task.name: task.weight for task in TASKS.values()},
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "steps": self.progress.step,
            "tokens": self.progress.tokens,
            "seconds": round(self.progress.seconds, 1),
            "history_columns": ["step", "seconds", "tokens", "loss", *TASKS],
            "history": self.progress.history,
        }


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="credit_viz.tiny.train", description="train the embedded model")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    parser.add_argument("--steps", type=int, default=9_500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=1.0, help="scale of the learning rates")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="go on from the state in --out")
    parser.add_argument("--float32", action="store_true", help="for CPUs without bfloat16 instructions")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = _arguments(argv)
    torch.set_num_threads(args.threads)
    # Rows of tokens that never occur get gradients so small that they leave the normal float range; computing
    # with such numbers is slow (measured after 6 million tokens: steps took 1.4 times as long).
    torch.set_flush_denormal(True)
    try:
        _train(args)
    finally:
        torch.set_flush_denormal(False)


def _train(args: argparse.Namespace) -> None:
    recipe = Recipe(steps=args.steps, seed=args.seed, rate=args.rate, bfloat16=not args.float32)
    trainer = Trainer(recipe, build_tokenizer(), args.out, lambda line: print(line, flush=True))
    if args.resume:
        trainer.resume()
    trainer.run(recipe.steps)


if __name__ == "__main__":
    main()
