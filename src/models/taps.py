"""The parts of a network by their names in the layer table, and what comes out of one of them."""

from collections.abc import Callable
from typing import Any

from flax import nnx
from jaxtyping import Array

from ..config.errors import UserError, did_you_mean
from ..layers.children import replace
from .functional import dotted


class Tapped(nnx.Module):
    """A layer whose outputs a function sees and changes."""

    def __init__(self, layer: nnx.Module, change: Callable[[Any], Any]) -> None:
        self.layer, self._change = layer, change

    def __getattr__(self, name: str) -> Any:
        if name == "layer":  # a copy has no attributes yet
            raise AttributeError(name)
        return getattr(self.layer, name)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return self._change(self.layer(*inputs, **options))


def part_names(network: nnx.Module) -> list[str]:
    """The names of all layers, and of all parts that hold them."""
    return [dotted(path) for path, part in nnx.iter_modules(network) if path and callable(part)]


def check_part(network: nnx.Module, name: str) -> None:
    """Refuses a name that no part has.

    Raises:
        UserError: with the nearest name.
    """
    names = part_names(network)
    if name not in names:
        raise UserError(f"layer={name}: the network has no such layer{did_you_mean(str(name), names)}")


def tap(network: nnx.Module, name: str, change: Callable[[Array], Array]) -> None:
    """Lets a function change the outputs of a part of a network, in place.

    Args:
        network: a copy that was made for this.
        name: of a part.
        change: is called with the outputs whenever the part is used.

    Raises:
        UserError: there is no such part, with the nearest name.
    """
    check_part(network, name)
    parent, _, key = name.rpartition(".")
    parts = {dotted(path): part for path, part in nnx.iter_modules(network)}
    replace(parts[parent], key, Tapped(parts[name], change))
