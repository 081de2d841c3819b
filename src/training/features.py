"""What the frozen body of a network makes of a data set, computed once and kept on disk."""

import hashlib
import logging
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import jax
import numpy as np
from jaxtyping import Float

from ..config.status import waiting_for
from ..data.cache import cache_home
from ..data.preprocessing import Preprocessing
from ..models.functional import Network, Tree
from .batched import in_batches

log = logging.getLogger(__name__)

FOLDER = "features"


class Features:
    """What the frozen layers of a network make of inputs, from the cache or computed and put there."""

    def __init__(self, network: Network, preprocessing: Preprocessing, batch_size: int) -> None:
        """Compiles the computation.

        Args:
            network: gives the features, by its frozen layers alone.
            preprocessing: what it expects of inputs as they are stored.
            batch_size: of the computation.
        """

        def features(parameters: Tree, batch_stats: Tree, inputs: Any) -> Any:
            return network(parameters, batch_stats, preprocessing.normalized(inputs))

        weights = network.parameters, network.batch_stats
        batch = jax.eval_shape(lambda: preprocessing.zeros(batch_size))
        lowered = jax.jit(features).lower(*weights, batch)
        self._compute, self._batch_size = partial(lowered.compile(), *weights), batch_size
        # Device and weights belong to the key; the text of the program has neither.
        self._program = f"{jax.devices()[0].device_kind}\n{lowered.as_text()}"
        self._arrays = network.frozen_arrays(), preprocessing.constants

    def __call__(self, inputs: Any) -> Float[np.ndarray, "n width"]:
        """The features of inputs as they are stored."""
        path = cache_home() / FOLDER / f"{key(self._program, (*self._arrays, inputs))}.npz"
        found = read(path)
        if found is None:
            count = len(jax.tree.leaves(inputs)[0])
            with waiting_for(f"computing the features of {count:,} examples"):
                found = np.asarray(in_batches(self._compute, inputs, self._batch_size))
            write(path, found)
        return found


def key(program: str, arrays: Any) -> str:
    """A hash of a program and of arrays that it computes with."""
    digest = hashlib.sha256(program.encode())
    for path, leaf in jax.tree.leaves_with_path(arrays):
        values = np.ascontiguousarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {values.dtype} {values.shape}\n".encode())
        digest.update(values.data)
    return digest.hexdigest()


def read(path: Path) -> Float[np.ndarray, "n width"] | None:
    """Features from a file, or None if it is missing or damaged; the format has checksums."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found: np.ndarray = file["features"]
            return found
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def write(path: Path, found: Float[np.ndarray, "n width"]) -> None:
    """Writes features whole or not at all; where the disk takes none they are computed again next time."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez(file, features=found)
        part.replace(path)
    except OSError as error:
        log.warning("the features are not kept: %s", error)
        with suppress(OSError):
            part.unlink()
