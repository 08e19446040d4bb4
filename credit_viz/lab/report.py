"""What a report says of a sweep besides its figures: what it ran on, and the command that runs it again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from credit_viz.lab.notation import write_arm
from credit_viz.lab.plan import OPTIONS, Plan
from credit_viz.lab.result import SweepResult

__all__ = ["TITLE", "command_of", "facts_of"]

TITLE = "What fewer forward passes cost"

_FLAGS: Mapping[str, str] = MappingProxyType(
    {"gen_length": "--gen-length", "block_length": "--block-length", "seed": "--seeds", "cache": "--cache"}
)
_MOST_TYPED = 5  #: own prompts that are typed; more of them, or ones with answers, go into a file


def facts_of(result: SweepResult) -> dict[str, str]:
    """Name and value of what the sweep ran on."""
    manifest, plan = result.manifest, result.plan
    model: Mapping[str, Any] = manifest["model"]
    versions = ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())
    machines = dict.fromkeys(str(session["machine"]) for session in manifest["sessions"])
    facts = {
        "Model": str(model.get("name", "")),
        "Prompts": f"{len(plan.all_prompts)}{_source(plan)}",
        "Settings": _settings(plan),
        "Runs": f"{len(result.frame)}" + (f", {result.missing} missing" if result.missing else ""),
        "Options": ", ".join(
            f"{name} {', '.join(map(str, values))}" for name, values in plan.options.items() if name in OPTIONS
        ),
        "Machine": "; ".join(machines),
        "Versions": versions,
    }
    if len(result.failed):
        facts["Failed"] = f"{len(result.failed)} runs; they count nowhere"
    return facts


def _settings(plan: Plan) -> str:
    """As many as the table tells apart, and what they are made of."""
    settings = {content for content, _ in plan.numbers()}
    decoders = ", ".join(dict.fromkeys(setting.decoder for setting in plan.settings))
    varied = [
        f"{len(values)} values of {name}" for name, values in plan.options.items() if name != "seed" and len(values) > 1
    ]
    if not varied:
        return f"{plan.rows} of {decoders}"
    return f"{plan.rows}: {' × '.join([f'{len(settings)} of {decoders}', *varied])}"


def _source(plan: Plan) -> str:
    if plan.tasks is None:
        return ""
    return f", {plan.tasks.split} prompts of {', '.join(plan.tasks.tasks)}"


def command_of(plan: Plan, command: str = "sweep") -> str:
    """What to type to run the plan again, or another command on it; prompts of a file are listed below."""
    words = ["credit-viz", command]
    for arm in plan.arms:
        words += ["--arm", write_arm(arm)]
    if plan.tasks is not None:
        words += ["--tasks", ",".join(plan.tasks.tasks), "--split", plan.tasks.split]
        words += ["--prompts", str(plan.tasks.count), "--prompts-seed", str(plan.tasks.seed)]
    in_file = len(plan.prompts) > _MOST_TYPED or any(p.answer is not None for p in plan.prompts)
    if in_file:
        words += ["--prompts-file", "prompts.jsonl"]
    else:
        words += [word for prompt in plan.prompts for word in ("--prompt", prompt.text)]
    for name, flag in _FLAGS.items():
        words += [flag, ",".join(map(str, plan.options[name]))]
    if plan.options["early_stop"] == (True,):
        words.append("--early-stop")
    words += ["--compare", plan.compare, "--batch", str(plan.batch)]
    words += _model_words(plan)
    command = " ".join(map(shlex.quote, words))
    if not in_file:
        return command
    lines = (
        json.dumps(
            {"id": p.id, "prompt": p.text} | ({} if p.answer is None else {"answer": p.answer}), ensure_ascii=False
        )
        for p in plan.prompts
    )
    return "\n".join([command, "", "prompts.jsonl:", *lines])


def _model_words(plan: Plan) -> list[str]:
    model = plan.model
    named = {"--model": model.source, "--revision": model.revision, "--quantize": model.quantize}
    words = [word for flag, value in named.items() if value is not None for word in (flag, value)]
    words += ["--device", model.device] if model.device != "auto" else []
    words += ["--dtype", model.dtype] if model.dtype != "auto" else []
    return words + (["--compile"] if model.compile else [])
