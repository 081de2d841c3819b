"""In a checkout the package has two names, `src` and `convnets`; each module is still imported only once.

A second copy of a module would define its classes a second time, and would register the kernels twice, which XLA
refuses.
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
    """Makes a package that is imported from a checkout importable under its other name too.

    Args:
        name: the name it was imported by. An installed package does not take the name `src`.
    """
    if Path(__file__).parent.name == CHECKOUT:
        other = INSTALLED if name == CHECKOUT else CHECKOUT
        sys.modules[other] = sys.modules[name]
        sys.meta_path.insert(0, OtherName(other, name))


class OtherName(MetaPathFinder, Loader):
    """Imports the modules of a package under a second name.

    Attributes:
        other: the second name.
        name: the name by which the package was imported.
    """

    def __init__(self, other: str, name: str) -> None:
        self.other, self.name = other, name

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Returns this class as the loader of every module under the second name."""
        return spec_from_loader(fullname, self) if fullname.startswith(f"{self.other}.") else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Returns the module that was imported under the first name."""
        module = import_module(self.name + spec.name.removeprefix(self.other))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Restores the module's own specification; it was executed under its own name."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state
