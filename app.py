"""Entry point of a Hugging Face Space, and of `python app.py`; all at module level, as ZeroGPU wants it."""

from __future__ import annotations

import os

if os.environ.get("SPACES_ZERO_GPU"):
    import spaces  # noqa: F401 - ZeroGPU wants it imported before anything asks for a GPU

from credit_viz import load_model
from credit_viz.backend.local import LocalBackend
from credit_viz.backend.menu import model_menu
from credit_viz.gallery import load_gallery
from credit_viz.models.threads import fit_threads
from credit_viz.tiny import SETTINGS, examples
from credit_viz.web import build_app, space_laboratory

model = fit_threads(load_model())
app = build_app(
    LocalBackend(model),
    examples=examples(),
    settings=SETTINGS,
    models=model_menu(model),
    gallery=load_gallery(),
    welcome=True,
    laboratory=space_laboratory(model),
)

if __name__ == "__main__":
    app.launch()
