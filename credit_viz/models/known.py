"""Published checkpoints that are served natively: what each needs, how it likes to be decoded, and its licence.

Knows facts about checkpoints, each with where it is from. Loads nothing; any other checkpoint of these families works.

Sizes are counted on the published shapes (`Size` is exact; tests build each network without weights and compare).
Licences are those that the models' pages on the hub state; where a page was not seen, the entry says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from credit_viz.models.families import FAMILIES
from credit_viz.models.memory import Size, Way, free_memory, ways_to_fit
from credit_viz.models.quantize import quantizable_to

__all__ = ["EMBEDDED", "KNOWN_MODELS", "KnownModel", "Recommended", "known_model", "ways_here"]

EMBEDDED = "embedded"
SEE_PAGE = "see the model's page"


@dataclass(frozen=True)
class Recommended:
    """Settings to begin with."""

    gen_length: int
    block_length: int
    decoder: str
    preset: str | None = None
    threshold: float | None = None  #: laid over the preset
    source: str = ""  #: where the numbers are from


@dataclass(frozen=True)
class KnownModel:
    """One checkpoint."""

    id: str  #: hub id, or "embedded"
    family: str
    size: Size
    active_parameters: int  #: that one token passes through; all of them in a dense model
    recommended: Recommended
    licence: str
    note: str
    estimate: bool = False  #: the size is second-hand, not counted here
    experimental: bool = False

    @property
    def command(self) -> str:
        """How to serve it."""
        return "credit-viz serve" if self.id == EMBEDDED else f"credit-viz serve --model {self.id}"


_PAPER = Recommended(256, 64, "credit", "paper", source="CreditDecoding, section 5.1, second-hand")
_FAST_DLLM = Recommended(256, 32, "threshold", threshold=0.9, source="Fast-dLLM's defaults")

#: LLaDA 8B: 32 layers of width 4096, feed-forward 12,288, 126,464 rows of embedding.
_LLADA = Size(8_015_581_184, 6_979_321_856, 126_464)
#: Dream 7B: the shape of Qwen2.5-7B.
_DREAM = Size(7_615_616_512, 6_525_288_448, 152_064)
#: LLaDA-MoE: 16 layers of width 2048 with 64 experts of 1024 each.
_LLADA_MOE = Size(7_356_880_896, 268_435_456, 157_184)
#: LLaDA2 mini: 20 layers of width 2048 with 256 experts of 512 each.
_LLADA2 = Size(16_255_638_528, 300_941_312, 157_184)

_LISTED = (
    KnownModel(
        id=EMBEDDED,
        family="llada",
        size=Size(2_369_088, 2_211_840, 808),
        active_parameters=2_369_088,
        recommended=Recommended(64, 64, "credit", threshold=0.99, source="its model card"),
        licence="Apache-2.0",
        note="ships with Credit Viz: small stories, sums, JSON and code, on any CPU",
    ),
    KnownModel(
        id="GSAI-ML/LLaDA-8B-Instruct",
        family="llada",
        size=_LLADA,
        active_parameters=_LLADA.parameters,
        recommended=_PAPER,
        licence="MIT",
        note="the paper's dense model",
    ),
    KnownModel(
        id="GSAI-ML/LLaDA-8B-Base",
        family="llada",
        size=_LLADA,
        active_parameters=_LLADA.parameters,
        recommended=_PAPER,
        licence="MIT",
        note="continues text; no chat turns",
    ),
    KnownModel(
        id="GSAI-ML/LLaDA-1.5",
        family="llada",
        size=_LLADA,
        active_parameters=_LLADA.parameters,
        recommended=_PAPER,
        licence=SEE_PAGE,
        note="LLaDA-8B-Instruct after preference training",
    ),
    KnownModel(
        id="inclusionAI/LLaDA-MoE-7B-A1B-Instruct",
        family="llada_moe",
        size=_LLADA_MOE,
        active_parameters=1_400_000_000,
        recommended=_PAPER,
        licence="Apache-2.0",
        note="the paper's mixture of experts",
    ),
    KnownModel(
        id="inclusionAI/LLaDA-MoE-7B-A1B-Base",
        family="llada_moe",
        size=_LLADA_MOE,
        active_parameters=1_400_000_000,
        recommended=_PAPER,
        licence="Apache-2.0",
        note="continues text; no chat turns",
    ),
    KnownModel(
        id="Dream-org/Dream-v0-Instruct-7B",
        family="dream",
        size=_DREAM,
        active_parameters=_DREAM.parameters,
        recommended=_FAST_DLLM,
        licence="Apache-2.0",
        note="grown from Qwen2.5-7B; each row of logits speaks of the next position",
    ),
    KnownModel(
        id="Dream-org/Dream-v0-Base-7B",
        family="dream",
        size=_DREAM,
        active_parameters=_DREAM.parameters,
        recommended=_FAST_DLLM,
        licence=SEE_PAGE,
        note="continues text; no chat turns",
    ),
    KnownModel(
        id="inclusionAI/LLaDA2.0-mini",
        family="llada2",
        size=_LLADA2,
        active_parameters=1_400_000_000,
        recommended=Recommended(256, 32, "threshold", threshold=0.95, source="LLaDA2.0's own decoder"),
        licence="Apache-2.0",
        note="block-causal: needs blocks of 32",
    ),
    KnownModel(
        id="inclusionAI/LLaDA2.1-mini",
        family="llada2",
        size=_LLADA2,
        active_parameters=1_400_000_000,
        recommended=Recommended(256, 32, "editing", "quality", source="LLaDA2.1's quality mode, second-hand"),
        licence="Apache-2.0",
        note="block-causal: needs blocks of 32; trained to edit what it wrote, too",
    ),
    KnownModel(
        id="google/diffusiongemma-26B-A4B-it",
        family="diffusion_gemma",
        size=Size(25_800_000_000, 0, 262_144),
        active_parameters=3_800_000_000,
        recommended=Recommended(256, 256, "uniform-entropy", source="its canvas of 256 tokens and its own rule"),
        licence="Apache-2.0",
        note="noise of random words instead of a mask, with decoders of its own",
        estimate=True,
        experimental=True,
    ),
)

#: what can be served: a family that is not there yet is not offered.
KNOWN_MODELS = tuple(model for model in _LISTED if model.family in {family.name for family in FAMILIES})


def known_model(name: str) -> KnownModel | None:
    """The entry of that hub id ("embedded" for the model that ships), None where there is none."""
    return next((model for model in KNOWN_MODELS if model.id.lower() == name.lower()), None)


def ways_here(model: KnownModel, device: torch.device, dtype: str) -> list[Way] | None:
    """How a model fits on a device as free as it is now, the best first; None where free memory cannot be told."""
    free = free_memory(device)
    if free is None:
        return None
    return ways_to_fit(model.size, free, dtype, quantizable_to(model.family, model.size, device, dtype))
