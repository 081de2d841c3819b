"""Arrays that Python code has: for `fit`, and for what a loaded run does."""

import hashlib
from typing import Any

import jax
import numpy as np
from jaxtyping import Integer, UInt8, UInt16
from pydantic import PrivateAttr

from ..config.errors import UserError
from ..config.settings import read_settings
from .examples import Examples, Split, checksum, labelled, stored_inputs
from .settings import AugmentSettings, DataSettings, Normalization

Labelled = tuple[UInt8[np.ndarray, "n h w c"] | UInt16[np.ndarray, "n length"], Integer[np.ndarray, "n"]]
"""Inputs and labels."""


def as_split(data: Split | Labelled) -> Split:
    """A split as it is, or made of inputs and labels.

    Raises:
        UserError: they are something else, or do not belong together.
    """
    if isinstance(data, Split):
        return data
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise UserError(f"data are a Split, or inputs and labels as (inputs, labels); not a {type(data).__name__}")
    inputs, labels = (np.asarray(array) for array in data)
    if inputs.size:
        inputs = stored_inputs(inputs, "inputs")
    if labels.shape != inputs.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
        raise UserError(f"labels are {labels.dtype} {labels.shape}; whole numbers {inputs.shape[:1]} are needed")
    return labelled(inputs, labels)


class Held:
    """Examples that are equal to none but themselves: to compare their contents would take long."""

    def __init__(self, examples: Examples) -> None:
        self.examples = examples


class Given(DataSettings):
    """Splits as arrays. Their settings are what tells them from others.

    Attributes:
        sha256: over the arrays of all splits, their shapes and the names of the classes.
    """

    sha256: str
    _held: Any = PrivateAttr(None)

    @staticmethod
    def of(
        examples: Examples, *, batch_size: int, normalize: Normalization, augment: AugmentSettings | None
    ) -> "Given":
        """The settings of some examples.

        Raises:
            UserError: a value is none that the setting takes.
        """
        values = {"batch_size": batch_size, "normalize": normalize, "augment": augment}
        own = read_settings(Given, {"name": "given", "validation": 0, "sha256": sha256(examples), **values})
        own._held = Held(examples)
        return own

    @property
    def pinned(self) -> bool:
        """The checksum is among the settings."""
        return True

    def read(self) -> Examples:
        """The arrays.

        Raises:
            UserError: these are settings that were read from a file.
        """
        if self._held is None:
            raise UserError("the data of this run were given in Python; evaluate(data) takes others")
        examples: Examples = self._held.examples
        return examples


def sha256(examples: Examples) -> str:
    """A checksum that also says how the bytes are divided."""
    splits = [vars(split) for split in (examples.train, examples.validation, examples.test) if split is not None]
    shapes = jax.tree.map(np.shape, splits)
    return hashlib.sha256(f"{checksum(examples)} {shapes} {examples.class_names}".encode()).hexdigest()
