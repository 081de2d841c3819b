"""A network that Python code has built: for `fit`."""

import hashlib
from typing import Any

import jax
from flax import nnx
from pydantic import PrivateAttr

from ..config.errors import UserError
from ..config.settings import read_settings
from .base import ImageShape, ModelSettings


class Given(ModelSettings):
    """Any NNX module. Its settings are what tells it from others, not how to build it.

    Attributes:
        name: that its owner gives it.
        parameters: SHA-256 over names, shapes and types of all its variables.
    """

    name: str
    parameters: str
    _module: Any = PrivateAttr(None)

    @staticmethod
    def of(module: nnx.Module, name: str) -> "Given":
        """The settings of a module.

        Raises:
            UserError: it is none, or the name is no text.
        """
        if not isinstance(module, nnx.Module):
            found = f"the class {module.__name__}" if isinstance(module, type) else f"a {type(module).__name__}"
            raise UserError(f"a Flax NNX module is trained, such as nnx.Linear(64, 10, rngs=nnx.Rngs(0)); not {found}")
        parameters = shapes_sha256(nnx.to_pure_dict(nnx.state(module)))
        own = read_settings(Given, {"name": name, "parameters": parameters})
        own._module = module
        return own

    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> nnx.Module:
        """A copy of the module.

        Raises:
            UserError: these are settings that were read from a file.
        """
        if self._module is None:
            raise UserError(f"the network {self.name} was given in Python; fit(module, …) goes on with it")
        return nnx.clone(self._module)


def shapes_sha256(tree: Any) -> str:
    """The start of a SHA-256 over names, shapes and types of the arrays of a tree."""
    leaves = jax.tree.leaves_with_path(tree)
    lines = [
        f"{jax.tree_util.keystr(path)} {leaf.shape} {leaf.dtype}" for path, leaf in leaves if hasattr(leaf, "shape")
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:10]
