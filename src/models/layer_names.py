"""Layers that are chosen by patterns of their names, as they stand in the layer table."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from flax import nnx

from ..config.errors import UserError, did_you_mean, nearest
from .functional import dotted

NOT = "-"
"""Begins a pattern of layers that are not meant after all."""


def layer_names(module: nnx.Module) -> list[str]:
    """The names of all layers with parameters or running statistics; works for abstract networks too."""
    paths = (path for path, _ in nnx.to_flat_state(nnx.state(module, (nnx.Param, nnx.BatchStat))))
    return list(dict.fromkeys(dotted(path[:-1]) for path in paths))


def chosen_layers(names: Sequence[str], patterns: Iterable[str], setting: str) -> frozenset[str]:
    """The layers that patterns mean; of patterns that contradict each other the later one counts, as in `.gitignore`.

    Args:
        names: of all layers.
        patterns: the name of a layer, or of a part with all layers in it, with `*` for anything, such as `blocks.1*`;
            with a `-` before it for layers that are not meant after all.
        setting: where the patterns stand, for the message.

    Raises:
        UserError: a pattern means no layer; with the nearest name.
    """
    found: set[str] = set()
    for pattern in patterns:
        own = pattern.removeprefix(NOT)
        meant = {name for name in names if fnmatchcase(name, own) or fnmatchcase(name, f"{own}.*")}
        if not meant:
            known = parts(names) if nearest(own, parts(names)) else dict.fromkeys(name.split(".")[0] for name in names)
            raise UserError(f"{setting}={pattern}: the network has no such layer{did_you_mean(own, known)}")
        found = found - meant if pattern.startswith(NOT) else found | meant
    return frozenset(found)


def parts(names: Iterable[str]) -> list[str]:
    """The names of layers, and of all parts that hold them."""
    ends = (name.split(".") for name in names)
    return list(dict.fromkeys(".".join(words[:count]) for words in ends for count in range(1, len(words) + 1)))


def frozen_layers(module: nnx.Module, patterns: Sequence[str]) -> frozenset[str]:
    """The layers that are not trained.

    Raises:
        UserError: a pattern means no layer, or nothing would be trained.
    """
    names = layer_names(module)
    frozen = chosen_layers(names, patterns, "freeze")
    trained = [path for path, _ in nnx.to_flat_state(nnx.state(module, nnx.Param)) if dotted(path[:-1]) not in frozen]
    if patterns and not frozen:
        raise UserError(f"freeze=[{','.join(patterns)}] freezes no layer")
    if not trained:
        left = f"leave one out, such as {NOT}{next((name for name in names if name.startswith('head')), names[0])}"
        raise UserError(f"freeze=[{','.join(patterns)}] freezes every layer with parameters; {left}")
    return frozen
