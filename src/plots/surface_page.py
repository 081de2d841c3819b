"""Interactive surfaces: one HTML file that works offline and contains the exact measured values."""

import base64
import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ..config.errors import UserError
from ..landscape.surface import Surface
from ..plain_json import dumps
from .surfaces import ACCURACY_LEVELS, COLORS, LOSS_LEVELS, finite_range, is_loss, logarithmic, scores, words

PARTS = Path(__file__).with_name("page")


def surface_page(surfaces: Sequence[Surface], title: str) -> str:
    """A page with surfaces side by side (Li et al. 2018, Fig. 1), with one scale of heights and colours.

    Args:
        surfaces: over planes, in any sizes; losses and accuracies of all of them can be chosen on the page.
        title: its heading.

    Raises:
        UserError: a surface is a line, or the surfaces have no finite value in common.
    """
    names = [name for name in scores(surfaces[0]) if all(name in surface.values for surface in surfaces)]
    if not names:
        raise UserError(f"the surfaces of '{title}' have no loss or accuracy in common")
    data = {
        "colors": _base64((255 * COLORS(np.arange(256))[:, :3]).round().astype(np.uint8)),
        "values": {name: _scale(surfaces, name) for name in names},
        "surfaces": [_surface(surface, names) for surface in surfaces],
    }
    parts = {
        "title": html.escape(title),
        "data": dumps(data).replace("<", "\\u003c"),
        "script": "".join((PARTS / name).read_text() for name in ("scene.js", "page.js")),
    }
    return re.sub("@(title|data|script)@", lambda mark: parts[mark[1]], (PARTS / "page.html").read_text())


def _scale(surfaces: Sequence[Surface], name: str) -> dict[str, Any]:
    """Label and scale of a value in all panels."""
    low, high = finite_range(surfaces, name)
    loss, log = is_loss(name), logarithmic(surfaces, name)
    levels = LOSS_LEVELS if loss else ACCURACY_LEVELS
    return {"label": words(name), "low": low, "high": high, "loss": loss, "logarithmic": log, "levels": levels}


def _surface(surface: Surface, names: Sequence[str]) -> dict[str, Any]:
    alpha, beta = surface.plane()
    facts = surface.metadata.items()
    return {
        "title": surface.title,
        "metadata": {name: fact if isinstance(fact, str) else dumps(_short(fact)) for name, fact in facts},
        "alpha": _array(alpha),
        "beta": _array(beta),
        "values": {name: _array(surface.values[name]) for name in names},
    }


def _short(fact: Any) -> Any:
    """A fact for display, with numbers of four digits."""
    if isinstance(fact, dict):
        return {name: _short(value) for name, value in fact.items()}
    if isinstance(fact, list | tuple):
        return [_short(value) for value in fact]
    return float(f"{fact:.4g}") if isinstance(fact, float) else fact


def _array(values: Float[np.ndarray, "..."]) -> dict[str, str]:
    """The bytes of an array, for typed arrays in JavaScript."""
    return {"dtype": values.dtype.name, "base64": _base64(values.astype(values.dtype.newbyteorder("<")))}


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode()
