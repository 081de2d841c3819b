"""Reads the weights in a file of `torch.save`, without PyTorch and without running anything.

Since PyTorch 1.6 it is a zip archive: a pickle, and a file for each storage. Before, it was four pickles and the
storages, one after the other. In the pickle, tensors are calls with the number of a storage.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from io import BufferedIOBase, BytesIO
from math import prod
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile, is_zipfile

import jax.numpy as jnp
import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..config.errors import UserError, one_line
from .pickled import Call, Reader

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
TENSOR, PARAMETER = "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"
STORAGES: dict[str, Any] = {
    "torch.DoubleStorage": "<f8",
    "torch.FloatStorage": "<f4",
    "torch.HalfStorage": "<f2",
    "torch.BFloat16Storage": jnp.bfloat16,
    "torch.LongStorage": "<i8",
    "torch.IntStorage": "<i4",
    "torch.ShortStorage": "<i2",
    "torch.CharStorage": "<i1",
    "torch.ByteStorage": "<u1",
    "torch.BoolStorage": "?",
}
TURNED = "its bytes are in the other order"
PARALLEL = "module."
"""What `DataParallel` puts before every name."""


class Storage(NamedTuple):
    """The place of a tensor's values."""

    kind: str
    key: str
    size: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        return np.dtype(STORAGES[self.kind])


class _Saved(Reader):
    def __init__(self, file: BufferedIOBase, path: Path) -> None:
        super().__init__(file, path, {TENSOR, PARAMETER, *STORAGES})
        self.storages: dict[str, Storage] = {}

    def persistent_load(self, key: Any) -> Storage:
        what, kind, number, _, size, *view = key
        if what != "storage" or any(view):
            raise ValueError("it has storages of an unknown form")
        return self.storages.setdefault(str(number), Storage(str(kind), str(number), int(size)))


def read_torch_file(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a state dict, or of the `state_dict` of a checkpoint, in PyTorch's order of axes.

    Raises:
        UserError: the file cannot be read, or contains something else.
    """
    try:
        tensors = _zipped(path) if is_zipfile(path) else _in_sequence(path)
    except UserError:
        raise
    except Exception as error:  # a damaged pickle leads to whatever it says
        raise UserError(f"{path} is no file of PyTorch weights: {one_line(error)}") from None
    if not tensors:
        raise UserError(f"{path} has no tensors; torch.save(network.state_dict(), …) writes them")
    parallel = all(name.startswith(PARALLEL) for name in tensors)
    return {name.removeprefix(PARALLEL) if parallel else name: array for name, array in tensors.items()}


def _zipped(path: Path) -> dict[str, np.ndarray]:
    with ZipFile(path) as archive:
        names = archive.namelist()
        folder = next(name for name in names if name.endswith("/data.pkl")).removesuffix("data.pkl")
        if f"{folder}byteorder" in names and archive.read(f"{folder}byteorder") != b"little":
            raise ValueError(TURNED)
        saved = _Saved(BytesIO(archive.read(f"{folder}data.pkl")), path).load()
        return _tensors(saved, cache(lambda storage: archive.read(f"{folder}data/{storage.key}")))


def _in_sequence(path: Path) -> dict[str, np.ndarray]:
    with path.open("rb") as file:
        magic, version, system = (_Saved(file, path).load() for _ in range(3))
        if (magic, version) != (MAGIC, VERSION):
            raise ValueError("it does not begin as such a file does")
        if not system["little_endian"]:
            raise ValueError(TURNED)
        pickled, found = _Saved(file, path), {}
        saved, keys = pickled.load(), _Saved(file, path).load()
        for key in keys:
            size = int.from_bytes(file.read(8), "little")
            found[key] = file.read(size * pickled.storages[key].dtype.itemsize)
    return _tensors(saved, lambda storage: found[storage.key])


def _state(saved: Any) -> Mapping[str, Any]:
    """The part of a file that is a state dict."""
    own = saved.get("state_dict", saved) if isinstance(saved, Mapping) else None
    if not isinstance(own, Mapping):
        raise ValueError("it has no state dict")
    return {str(name): value for name, value in own.items() if isinstance(value, Call)}


def _arguments(call: Call) -> tuple[Any, ...]:
    """Storage, offset, shape and strides of a tensor or a parameter."""
    tensor = call.arguments[0] if call.function == PARAMETER else call
    return tensor.arguments[:4]


def _tensors(saved: Any, read: Callable[[Storage], bytes]) -> dict[str, np.ndarray]:
    return {name: _tensor(read, *_arguments(call)) for name, call in _state(saved).items()}


def _tensor(
    read: Callable[[Storage], bytes], storage: Storage, offset: int, shape: Sequence[int], strides: Sequence[int]
) -> np.ndarray:
    values, size = np.frombuffer(read(storage), storage.dtype), prod(int(length) for length in shape)
    end = offset + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True)) + 1
    if min(offset, *shape, *strides, 0) < 0 or size > len(values) or (size and end > len(values)):
        raise ValueError("a tensor is larger than its storage")
    return as_strided(values[offset:], shape, [stride * storage.dtype.itemsize for stride in strides]).copy()
