"""ConvNets in JAX: `convnets` where it is installed, `src` in a checkout.

For notebooks: `load_data`, `fit` and `load_run`.
"""

from .start import begin_program

begin_program()  # before anything else is imported

from importlib import import_module
from typing import Any

from .one_copy import share_modules

__version__ = "0.1.0"

NOTEBOOK = {"load_data": ".training.fit", "fit": ".training.fit", "load_run": ".training.load_run"}
"""What is imported from here, and where it is."""

share_modules(__name__)


def __getattr__(name: str) -> Any:
    """Imports what is for notebooks when it is first asked for: JAX takes its time."""
    if name not in NOTEBOOK:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(NOTEBOOK[name], __name__), name)
