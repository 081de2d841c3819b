"""In a checkout the package has two names, `src` and `convnets`, and each module is there once.

A second copy would have settings and layers of other classes, and could not register the kernels of the first.
"""

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

CHECKOUT, INSTALLED = "src", "convnets"


def share_modules(name: str) -> None:
    """Gives a package that is imported from a checkout its other name as well.

    Args:
        name: by which it is imported. An installed package does not take the name `src`.
    """
    if Path(__file__).parent.name == CHECKOUT:
        other = INSTALLED if name == CHECKOUT else CHECKOUT
        sys.modules[other] = sys.modules[name]
        sys.meta_path.insert(0, OtherName(other, name))


class OtherName(MetaPathFinder, Loader):
    """Finds the modules of a package under another name.

    Attributes:
        other: the other name.
        name: by which the package is imported.
    """

    def __init__(self, other: str, name: str) -> None:
        self.other, self.name = other, name

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Says that this class loads what begins with the other name."""
        return spec_from_loader(fullname, self) if fullname.startswith(f"{self.other}.") else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The one module that there is."""
        module = import_module(self.name + spec.name.removeprefix(self.other))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It was executed under its own name; the specification of that is put back."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state
