"""The benchmarks of the CreditDecoding paper (arXiv 2510.06133) and what the harness calls them. Knows names only."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LOCAL", "PAPER", "Benchmark", "benchmark_of", "shown_scores"]


@dataclass(frozen=True)
class Benchmark:
    """One benchmark and how to run it here.

    `scores` are the harness's metrics worth a column, as "metric,filter"; empty: all that the task reports.
    """

    name: str
    task: str | None  #: the harness's name, None where it has no such task
    note: str
    scores: tuple[str, ...] = ()


PAPER = (
    Benchmark(
        "MMLU",
        "mmlu_generative",
        "the letter is generated and compared; the harness's plain mmlu scores letters by likelihood, where nothing "
        "is decoded and decoders cannot differ",
        ("exact_match,get_response",),
    ),
    Benchmark(
        "SQuAD2.0",
        "squadv2",
        "the likelihood of 'unanswerable' is estimated from masked passes (LLaDA's equation 6); only best_exact and "
        "best_f1 use it, and those passes are not counted",
        ("exact,none", "f1,none"),
    ),
    Benchmark("DROP", "drop", "exact match and F1", ("em,none", "f1,none")),
    Benchmark("KorBench", None, "not in the harness"),
    Benchmark("HumanEval", "humaneval_instruct", "runs code that the model wrote: needs --confirm-run-unsafe-code"),
    Benchmark("LiveCodeBench", None, "not in the harness"),
    Benchmark(
        "GSM8K",
        "gsm8k",
        "5 examples in the prompt; strict asks for the answer after ####, flexible takes the last number",
        ("exact_match,strict-match", "exact_match,flexible-extract"),
    ),
    Benchmark(
        "MATH",
        "minerva_math",
        "4 examples in the prompt; exact_match wants their closing sentence, math_verify compares the expressions",
        ("exact_match,none", "math_verify,none"),
    ),
)
LOCAL = Benchmark(
    "(this project's own)",
    "credit_viz_tiny",
    "the embedded model's four families of prompts and their checkers; needs no network",
)


def benchmark_of(name: str) -> Benchmark | None:
    """The paper's benchmark of that name, however it is spelled."""
    return next((b for b in PAPER if _plain(b.name) == _plain(name)), None)


def shown_scores(task: str) -> tuple[str, ...]:
    """Metrics worth a column for a task or a part of one; empty: all of them."""
    parts = {b: (f"{b.task}_", f"{b.task}::") for b in PAPER if b.task is not None}
    found = next((b for b, beginnings in parts.items() if task == b.task or task.startswith(beginnings)), None)
    if found is None and task.startswith("mmlu_") and task.endswith("_generative"):
        found = benchmark_of("MMLU")
    return found.scores if found else ()


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
