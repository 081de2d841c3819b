"""Examples that are read by number, for sets that do not fit on a device."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np

from ..config.errors import UserError
from .examples import DataSpec, is_shape

Record = tuple[Any, Mapping[str, np.ndarray]]
"""The inputs and the targets of one example."""


@runtime_checkable
class Records(Protocol):
    """A split of which every example has a number; one that fits in memory is a `Split`."""

    def __len__(self) -> int:
        """The number of examples."""

    def __getitem__(self, number: int) -> Record:
        """One example; the same one whenever it is asked for."""


def check_records(records: Any, spec: DataSpec) -> None:
    """Refuses records whose first and last example are not as the specification says.

    Raises:
        UserError: there are none, or a shape, a type or a target differs; naming which.
    """
    if not isinstance(records, Records):
        raise UserError(f"data.name={spec.name}: records need len() and [number]; {type(records).__name__} lacks one")
    if not len(records):
        raise UserError(f"data.name={spec.name} has no records")
    for number in (0, len(records) - 1):
        inputs, targets = records[number]
        shapes = jax.tree.map(np.shape, inputs)
        if jax.tree.leaves(shapes, is_leaf=is_shape) != jax.tree.leaves(spec.shape, is_leaf=is_shape):
            raise UserError(f"data.name={spec.name}: record {number} has inputs {shapes}, where {spec.shape} is needed")
        for name, needed in spec.targets.items():
            if name not in targets:
                raise UserError(f"data.name={spec.name}: record {number} has no target {name}; {', '.join(targets)}")
            found = np.asarray(targets[name])
            if (found.shape, found.dtype) != (needed.shape, needed.dtype):
                raise UserError(
                    f"data.name={spec.name}: target {name} of record {number} is {found.dtype} {found.shape}, where "
                    f"{needed.dtype} {needed.shape} is needed"
                )
