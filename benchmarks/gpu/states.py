"""Final states of whole recipes as float16: half the size, and the test error to within rounding."""

import io
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.tree_util import keystr

from src.config.errors import UserError
from src.pretrained.importer import read_arrays
from src.runs.files import write_whole
from src.training.state import TrainState


def half(values: np.ndarray) -> np.ndarray:
    """An array as float16, or unchanged if one of its numbers is too large."""
    largest = np.abs(values).max(initial=0)
    return values.astype(np.float16) if largest <= np.finfo(np.float16).max else values


def write_state(file: Path, state: TrainState) -> None:
    """Writes parameters and batch statistics of a state, each array by its path: `[0]['blocks'][3]['conv1']…`."""
    leaves = jax.tree.leaves_with_path(jax.device_get(state.scored()))
    content = io.BytesIO()
    arrays: dict[str, Any] = {keystr(path): half(np.asarray(leaf)) for path, leaf in leaves}
    np.savez(content, **arrays)
    write_whole(file, content.getvalue())


def read_state(file: Path, like: TrainState) -> TrainState:
    """A state with the parameters and batch statistics of a file, with the dtypes of a state of the same network.

    Raises:
        UserError: the file cannot be read, or is that of another network.
    """
    arrays = read_arrays(file)
    paths, shape = jax.tree.flatten_with_path(like.scored())
    places = {keystr(path): leaf for path, leaf in paths}
    fits = {name: leaf.shape for name, leaf in places.items()} == {name: each.shape for name, each in arrays.items()}
    if not fits:
        raise UserError(f"{file} holds the state of another network")
    read = [arrays[name].astype(leaf.dtype) for name, leaf in places.items()]
    parameters, batch_stats = jax.tree.unflatten(shape, read)
    return like._replace(parameters=parameters, batch_stats=batch_stats, average=None)
