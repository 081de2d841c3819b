"""Reads pickles without running them, and the NumPy arrays in them.

A pickle is a program: it calls whatever it names. Here what it names must be on a short list, and even these calls are
only written down, for the reader to make arrays of.
"""

import pickle
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np

from ..config.errors import UserError, one_line

ARRAY_NAMES = (
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.ndarray",
    "numpy.dtype",
)
TYPES = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")


class Call:
    """A call that a pickle asks for; it is not made.

    Attributes:
        function: its full name.
        arguments: of the call.
        state: what the result would be given afterwards.
    """

    __slots__ = ("arguments", "function", "state")

    def __init__(self, function: str, arguments: tuple[Any, ...]) -> None:
        self.function, self.arguments = function, arguments
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class Name(str):
    """A full name in place of what it names."""

    __slots__ = ()

    def __call__(self, *arguments: Any) -> Call:
        return Call(str(self), arguments)


class Reader(pickle.Unpickler):
    """Gives plain values, and a `Name` or a `Call` for all else.

    Args:
        file: at the beginning of a pickle.
        path: for messages.
        names: that the pickle may contain, besides `collections.OrderedDict`.
    """

    def __init__(self, file: BufferedIOBase, path: Path, names: Collection[str]) -> None:
        super().__init__(file)
        self.path, self.names = path, names

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full == "collections.OrderedDict":
            return OrderedDict
        if full not in self.names:
            raise UserError(f"{self.path} names {full}, and only arrays are read; nothing in it was run")
        return Name(full)


def read_pickled_arrays(path: Path) -> dict[str, np.ndarray]:
    """NumPy arrays in dictionaries, however deep; `/` is between the keys.

    Raises:
        UserError: the file cannot be read, or contains something else.
    """
    try:
        with path.open("rb") as file:
            return dict(_arrays(Reader(file, path, ARRAY_NAMES).load(), ""))
    except UserError:
        raise
    except Exception as error:  # a damaged pickle leads to whatever it says
        raise UserError(f"{path} is no pickle of NumPy arrays: {one_line(error)}") from None


def _arrays(value: Any, name: str) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _arrays(each, f"{name}/{key}" if name else str(key))
    elif isinstance(value, Call):
        yield name, _array(value)
    else:
        raise ValueError(f"{name or 'it'} is a {type(value).__name__}")


def _array(call: Call) -> np.ndarray:
    """What `numpy.ndarray.__reduce__` describes."""
    _, shape, dtype, columns_first, data = call.state
    code, order = dtype.arguments[0], dtype.state[1]
    if code not in TYPES or order not in ("<", ">", "|"):
        raise ValueError(f"arrays of {code} are not read")
    flat = np.frombuffer(data, np.dtype(order + code))
    return flat.reshape(shape, order="F" if columns_first else "C")
