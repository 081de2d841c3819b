"""One's own examples in a file of NumPy arrays."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from jaxtyping import Shaped
from pydantic import BeforeValidator, Field

from ..config.errors import UserError, nearest, one_line
from .boxes import BOX_LABEL
from .examples import Examples, Split, canonical_order, numbered_classes, set_aside, stored_inputs
from .settings import DataSettings, only

CLASS_NAMES = "class_names"
NUMBERS = "biuf"
"""Kinds of arrays that can be targets."""
TEST, VALIDATION = "test_", "validation_"
Found = Mapping[str, Shaped[np.ndarray, "..."]]


def as_list(given: Any) -> Any:
    """One name or several."""
    return [given] if isinstance(given, str) else given


class Arrays(DataSettings):
    """Inputs and targets by name in `root`, a file of `np.savez`, with a row for each example.

    Inputs are uint8 pixels `n h w c` or words `n length`, given by whole numbers. Arrays of the same names with `test_`
    or `validation_` in front are those splits. `class_names` names the classes, which are numbers otherwise.

    Attributes:
        root: the file.
        inputs: name of the array of inputs.
        targets: names of the arrays of targets.
        test_share: part of the examples that is set aside for the test where there are no arrays for it.
    """

    name: Annotated[str, only("arrays")]
    root: Annotated[str, Field(min_length=1)]
    inputs: str
    targets: Annotated[list[str], BeforeValidator(as_list), Field(min_length=1)]
    test_share: Annotated[float, Field(gt=0, lt=1)]

    def read(self) -> Examples:
        """Reads the file.

        Raises:
            UserError: it is not there or no such file, lacks an array, or the arrays do not fit each other.
        """
        found = read_arrays(Path(self.root).expanduser())
        train = canonical_order(self._split(found, ""))
        if self._has(found, TEST):
            test = canonical_order(self._split(found, TEST))
        else:
            train, test = set_aside(train, self.test_share)
        validation = self._split(found, VALIDATION) if self._has(found, VALIDATION) else None
        return Examples(train, test, self._class_names(found), validation)

    def _has(self, found: Found, prefix: str) -> bool:
        return any(f"{prefix}{name}" in found for name in (self.inputs, *self.targets))

    def _split(self, found: Found, prefix: str) -> Split:
        for name in (self.inputs, *self.targets):
            if f"{prefix}{name}" not in found:
                near = nearest(f"{prefix}{name}", found)
                words = f"; did you mean '{near}'?" if near else ""
                raise UserError(f"{self.root} has no array {prefix}{name}{words}; it has {', '.join(found)}")
        inputs = stored_inputs(found[f"{prefix}{self.inputs}"], f"{self.root}: {prefix}{self.inputs}")
        targets = {name: found[f"{prefix}{name}"] for name in self.targets}
        for name, array in targets.items():
            if not array.ndim or array.dtype.kind not in NUMBERS:
                raise UserError(
                    f"{self.root}: {prefix}{name} is {array.dtype} {array.shape}; numbers (n, …) are needed"
                )
            if len(array) != len(inputs):
                raise UserError(f"{self.root}: {len(inputs)} inputs and {len(array)} of {prefix}{name}")
        return Split(inputs, targets)

    def _class_names(self, found: Found) -> tuple[str, ...]:
        if CLASS_NAMES not in found and BOX_LABEL in self.targets:
            raise UserError(f"{self.root}: boxes need {CLASS_NAMES}, a name for each class of {BOX_LABEL}")
        if CLASS_NAMES not in found:
            of_splits = (found.get(f"{prefix}{self.targets[0]}") for prefix in ("", TEST, VALIDATION))
            return numbered_classes(*(array for array in of_splits if array is not None))
        names = found[CLASS_NAMES]
        if names.ndim != 1:
            raise UserError(
                f"{self.root}: {CLASS_NAMES} has the shape {names.shape}; one name for each class is needed"
            )
        return tuple(map(str, names))


def read_arrays(path: Path) -> Found:
    """The arrays of a file; nothing in it is executed.

    Raises:
        UserError: it is not there, or not of this kind.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise UserError(f"data.root={path} is not there") from None
    except (OSError, ValueError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise UserError(f"data.root={path} is no file of np.savez with plain arrays: {one_line(error)}") from None
