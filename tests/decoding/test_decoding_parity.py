"""Every reference run of the peers' own decoders: same tokens, same commit steps, same number of forward passes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import credit_viz
from credit_viz.models.base import DiffusionLM

REFERENCE = Path(__file__).parents[1] / "fixtures" / "llada_peaky" / "decode_reference.npz"

_DINFER = {"alpha": 0.7, "beta": 0.8, "gamma": 0.2}
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "vanilla": ("vanilla", {}),
    "threshold0.9": ("threshold", {"threshold": 0.9}),
    "threshold0.6": ("threshold", {"threshold": 0.6}),
    "credit_dinfer_0.9": ("credit", {**_DINFER, "threshold": 0.9}),
    "credit_dinfer_0.7": ("credit", {**_DINFER, "threshold": 0.7}),
    "credit_paper_0.95": ("credit", {"alpha": 0.65, "beta": 0.7, "gamma": 0.2, "threshold": 0.95}),
    "credit_a2_b.9_g.5_0.9": ("credit", {"alpha": 2, "beta": 0.9, "gamma": 0.5, "threshold": 0.9}),
}

with np.load(REFERENCE) as _file:
    REFERENCES = {name: _file[name] for name in _file.files}
RUNS = sorted(name.removesuffix("_nfe") for name in REFERENCES if name.endswith("_nfe"))


def test_there_are_72_reference_runs() -> None:
    assert len(RUNS) == 72


@pytest.mark.parametrize("record", ["all", "none"])
@pytest.mark.parametrize("run", RUNS)
def test_reference_run(peaky: DiffusionLM, run: str, record: str) -> None:
    parts = re.fullmatch(r"p(\d+)_L(\d+)_B(\d+)_(.+)", run)
    assert parts is not None
    length = int(parts[2])
    decoder, settings = ("vanilla", {"steps": length // 2}) if parts[4] == "vanilla_half" else SETTINGS[parts[4]]
    trace = credit_viz.decode(
        peaky,
        prompt_ids=REFERENCES[f"prompt{parts[1]}"].tolist(),
        decoder=decoder,
        settings=settings,
        gen_length=length,
        block_length=int(parts[3]),
        record=record,
    )
    np.testing.assert_array_equal(trace.token_ids, REFERENCES[f"{run}_ids"])
    np.testing.assert_array_equal(trace.commit_step, REFERENCES[f"{run}_commit"])
    assert trace.forward_passes == REFERENCES[f"{run}_nfe"]
