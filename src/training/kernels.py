"""By which operations a run computes: kernels of our own, or XLA's."""

from dataclasses import asdict
from typing import Any, Literal

import jax

from ..data.cache import cache_home
from ..operations.library import Library, kernels
from ..runs.directory import RunDirectory

XLA = "xla"
"""Stands for XLA's operations where others would have the key of a library."""


def chosen_kernels(setting: Literal["auto", "xla"], begun_with: str | None = None) -> Library | None:
    """The kernels that a run computes by; None for XLA's operations.

    Args:
        setting: of the run.
        begun_with: by what a run that goes on has computed so far: the key of a library, or `xla`. It goes on with
            that, if it is there.
    """
    if setting == XLA or begun_with == XLA or jax.default_backend() != "cpu":
        return None
    return kernels(cache_home() / "kernels", begun_with)


def begun_with(directory: RunDirectory) -> str | None:
    """By which operations a run has computed so far: the key of a library, or `xla`; nothing if it has not begun."""
    if not directory.started():
        return None
    begun = directory.read_json("provenance.json")
    resumed = begun.get("resumed")
    last = resumed[-1] if isinstance(resumed, list) and resumed else begun
    return str(last.get("kernels", XLA)) if isinstance(last, dict) else XLA


def operations(kernels: Library | None) -> dict[str, Any]:
    """What a run writes down about its operations."""
    return {"kernels": XLA} if kernels is None else {"kernels": kernels.key, "kernels_built": asdict(kernels)}
