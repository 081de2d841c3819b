"""Arrays that Python code has: for `fit`."""

from typing import Any

from pydantic import PrivateAttr

from ..config.errors import UserError
from .examples import Examples, checksum
from .settings import AugmentSettings, DataSettings, Normalization


class Held:
    """Examples that are compared by what they are, not by their contents."""

    def __init__(self, examples: Examples) -> None:
        self.examples = examples


class Given(DataSettings):
    """Splits as arrays. Their settings are what tells them from others.

    Attributes:
        sha256: over the arrays of all splits.
    """

    sha256: str
    _held: Any = PrivateAttr(None)

    @staticmethod
    def of(
        examples: Examples, *, batch_size: int, normalize: Normalization, augment: AugmentSettings | None
    ) -> "Given":
        """The settings of some examples."""
        own = Given(
            name="given", batch_size=batch_size, validation=0, normalize=normalize, augment=augment,
            sha256=checksum(examples),
        )  # fmt: skip
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
