"""Imports weights: arrays with PyTorch's or Keras's names into networks of this project.

A table per family (`torchvision.py`, `keras.py`, `li2018.py`) maps our layers to theirs. This module has what depends
on the framework only: the names of the arrays of a layer and the order of their axes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float
from safetensors import SafetensorError
from safetensors.numpy import load_file

from ..config.errors import UserError, did_you_mean, say
from ..layers.shortcuts import PadShortcut
from ..models.summary import innermost
from .names import Kernel, Zeros, their_layers
from .pickled import read_pickled_arrays
from .sense import doubts
from .torch_file import read_torch_file

Arrays = Mapping[str, np.ndarray]
Table = Mapping[str, str | Kernel | Zeros]


@dataclass(frozen=True)
class Framework:
    """How a framework names and stores the arrays of a layer.

    Attributes:
        separator: between the names of a layer and of its array.
        leaves: their possible names for each of ours.
        turned: transposes an array into our order of axes.
        ignored: suffixes of names that are not weights.
    """

    separator: str
    leaves: Mapping[str, tuple[str, ...]]
    turned: Callable[[np.ndarray], np.ndarray] = lambda array: array
    ignored: tuple[str, ...] = ()


def _outputs_last(array: np.ndarray) -> np.ndarray:
    """From outputs, inputs, height, width to height, width, inputs, outputs."""
    return array.transpose(*range(2, array.ndim), 1, 0) if array.ndim > 1 else array


TORCH = Framework(
    ".",
    {
        "kernel": ("weight",),
        "scale": ("weight",),
        "bias": ("bias",),
        "mean": ("running_mean",),
        "var": ("running_var",),
    },
    _outputs_last,
    ignored=("num_batches_tracked",),
)
KERAS = Framework(
    "/",
    {
        "kernel": ("kernel",),
        "scale": ("gamma",),
        "bias": ("bias", "beta"),
        "mean": ("moving_mean",),
        "var": ("moving_variance",),
    },
)

FLAX = Framework(
    "/",
    {"kernel": ("kernel",), "scale": ("scale",), "bias": ("bias",), "mean": ("mean",), "var": ("var",)},
)
READERS: dict[str, Callable[[Path], dict[str, np.ndarray]]] = {
    **dict.fromkeys((".pth", ".pt", ".th"), read_torch_file),
    **dict.fromkeys((".pkl", ".pickle", ".ckpt"), read_pickled_arrays),
}
"""By the endings of files."""


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Reads a file of arrays: `.npz`, `.safetensors`, PyTorch's `.pth`, or pickled NumPy arrays; no code in it is run.

    Raises:
        UserError: there is no such file, or it is none of these.
    """
    if not path.is_file():
        raise UserError(f"{path} is not there")
    reader = READERS.get(path.suffix)
    if reader is not None:
        return reader(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        others = [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]
        if others:
            raise ValueError(f"{others[0]} in it is something else")
        return arrays
    except (OSError, ValueError, TypeError, AttributeError, EOFError, BadZipFile, SafetensorError) as error:
        raise UserError(f"{path} is no .npz or .safetensors file of arrays: {error}") from None


def put_weights(
    module: nnx.Module,
    arrays: Arrays,
    layers: Table,
    framework: Framework,
    images: Float[Array | np.ndarray, "b ..."] | None,
    *,
    replaced: Sequence[str] = (),
) -> None:
    """Loads trained weights into a network, in place, and warns if they do not match its computation.

    Running variances are not converted. Of n values of a channel in a batch, PyTorch records the unbiased variance
    (over n - 1), Flax the biased one (over n), also in further training.

    Args:
        module: every parameter and running statistic is set, outside of what is replaced.
        arrays: by the framework's names, such as `layer1.0.conv1.weight` or `conv1/kernel`.
        layers: the family's table.
        framework: `TORCH`, `KERAS` or `FLAX`.
        images: 30 to 100 of several classes, preprocessed as for the source, for a check of the network; None for no
            check.
        replaced: our layers, or what begins their names, such as `head`: they keep their values, and arrays for them
            are not needed.

    Raises:
        UserError: a layer is not in the table; an array is missing, of another shape, or left over; a shortcut has its
            zeros elsewhere.
    """
    check_zeros(module, layers)
    for variable, array in matched(module, arrays, layers, framework, replaced=replaced):  # all or nothing
        variable.set_value(jnp.asarray(array, variable.dtype))
    doubt = None if images is None else doubts(module, jnp.asarray(images), classifies=not replaced)
    if doubt:
        say(
            f"warning: the weights fit, but {doubt}; do padding, order of channels and preparation of the images agree "
            "with the source?"
        )


def matched(
    module: nnx.Module, arrays: Arrays, layers: Table, framework: Framework, *, replaced: Sequence[str] = ()
) -> list[tuple[nnx.Variable, np.ndarray]]:
    """Every parameter and running statistic of a network outside of what is replaced, with its array.

    Nothing is changed.

    Raises:
        UserError: a layer is not in the table; an array is missing, of another shape, or left over.
    """
    found = []
    left = _needed(arrays, layers, framework, replaced)
    for path, variable in nnx.to_flat_state(nnx.state(module, (nnx.Param, nnx.BatchStat))):
        layer, leaf = ".".join(map(str, path[:-1])), str(path[-1])
        if within(layer, replaced):
            continue
        if layer not in layers:
            raise UserError(f"the table of names has no layer {layer}{did_you_mean(layer, layers)}")
        entry = layers[layer]
        if isinstance(entry, Zeros):
            raise UserError(f"layer {layer} has arrays, where the weights have a shortcut that pads with zeros")
        theirs = entry if isinstance(entry, Kernel) else Kernel(entry)
        name = _name(arrays, layer, leaf, theirs, framework)
        array = framework.turned(arrays[name])
        array = theirs.turned(array) if leaf == "kernel" else theirs.vectors(array)
        if array.shape != variable.shape:
            raise UserError(f"layer {layer}: {name} has the shape {array.shape} where {variable.shape} is needed")
        found.append((variable, array))
        left.discard(name)
    if left:
        raise UserError(f"the network has no place for {', '.join(sorted(left)[:3])} ({len(left)} arrays)")
    return found


def within(layer: str, parts: Sequence[str]) -> bool:
    """Whether a layer is one of these parts of a network, or in one."""
    return any(layer == part or layer.startswith(f"{part}.") for part in parts)


def _needed(arrays: Arrays, layers: Table, framework: Framework, replaced: Sequence[str]) -> set[str]:
    """The names of the arrays that a network has to have a place for."""
    old = their_layers(entry for ours, entry in layers.items() if within(ours, replaced))
    return {
        name
        for name in arrays
        if not name.endswith(framework.ignored) and name.rpartition(framework.separator)[0] not in old
    }


def check_zeros(module: nnx.Module, layers: Table) -> None:
    """Refuses shortcuts that pad with zeros at another place than those that the weights were trained with.

    Raises:
        UserError: naming the first.
    """
    for _, _, shortcut, name in innermost(module):
        if isinstance(shortcut, PadShortcut):
            theirs = layers.get(name)
            if not isinstance(theirs, Zeros):
                raise UserError(f"layer {name} pads with zeros, and the table of names has no such shortcut there")
            if theirs.centred != (shortcut.before > 0):
                sides = {False: "behind the channels", True: "half before the channels, half behind"}
                right = "A_centred" if theirs.centred else "A"
                raise UserError(
                    f"layer {name} has its zeros {sides[not theirs.centred]}, where the weights need them "
                    f"{sides[theirs.centred]}: model.shortcut={right}"
                )


def _name(arrays: Arrays, layer: str, leaf: str, theirs: Kernel, framework: Framework) -> str:
    """Their name of the array that is a layer's `leaf`."""
    leaves = theirs.names if leaf == "kernel" and theirs.names else framework.leaves[leaf]
    names = [f"{theirs.layer}{framework.separator}{own}" for own in leaves]
    name = next((name for name in names if name in arrays), None)
    if name is None:
        raise UserError(f"layer {layer}: the weights have no {names[0]}{did_you_mean(names[0], arrays)}")
    return name
