"""What the frozen body of a network makes of a data set, computed once and kept on disk."""

import logging
import os
from contextlib import suppress
from functools import cached_property, partial
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
from .state import tree_sha256

log = logging.getLogger(__name__)

FOLDER = "features"


class Features:
    """What the frozen layers of a network make of inputs, from the cache or computed and put there."""

    def __init__(self, network: Network, preprocessing: Preprocessing, batch_size: int) -> None:
        """Prepares.

        Args:
            network: gives the features, by its frozen layers alone.
            preprocessing: what it expects of inputs as they are stored.
            batch_size: of the computation.
        """

        def features(parameters: Tree, batch_stats: Tree, inputs: Any) -> Any:
            return network(parameters, batch_stats, preprocessing.normalized(inputs))

        self._weights, self._batch_size = (network.parameters, network.batch_stats), batch_size
        batch = jax.eval_shape(lambda: preprocessing.zeros(batch_size))
        self._lowered = jax.jit(features).lower(*self._weights, batch)
        # Device and weights belong to the key; the text of the program has neither.
        self._program = f"{jax.devices()[0].device_kind}\n{self._lowered.as_text()}"
        self._arrays = network.frozen_arrays(), preprocessing.constants

    def __call__(self, inputs: Any) -> Float[np.ndarray, "n width"]:
        """The features of inputs as they are stored."""
        path = cache_home() / FOLDER / f"{tree_sha256((*self._arrays, inputs), self._program)}.npz"
        found = read(path)
        if found is None:
            count = len(jax.tree.leaves(inputs)[0])
            with waiting_for(f"computing the features of {count:,} examples"):
                found = np.asarray(in_batches(self._compute, inputs, self._batch_size))
            write(path, found)
        return found

    @cached_property
    def _compute(self) -> Any:
        """The features of a batch; compiled only where the cache lacks some."""
        return partial(self._lowered.compile(), *self._weights)


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
