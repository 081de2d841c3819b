"""Placement: one function for one device of a named axis, put on all of them."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from pydantic import Field, model_validator

from ..config.errors import UserError
from ..config.settings import Settings, not_defining

AXIS = "batch"
"""Name of the axis that a batch is divided over."""


class ParallelSettings(Settings):
    """How work is spread over devices.

    Attributes:
        placement: `jit` compiles with `jax.jit` over a mesh of devices; `pmap` maps with `jax.pmap`.
        devices: how many; null takes all there are, where the result does not depend on it.
        batch_norm: statistics over the `global` batch, or of each device's `local` part.
    """

    placement: Literal["jit", "pmap"] = not_defining()
    devices: Annotated[int, Field(gt=0)] | None = not_defining(batch_norm="local")
    batch_norm: Literal["global", "local"]

    @model_validator(mode="after")
    def _check_devices(self) -> "ParallelSettings":
        if self.batch_norm == "local" and self.devices is None:
            raise ValueError("with batch_norm=local the result depends on how many devices there are: state devices")
        return self

    def check_batch(self, batch_size: int, slices: int) -> None:
        """Refuses a batch that does not divide over a stated number of devices, before any of them is touched.

        Raises:
            UserError: naming the nearest sizes that do.
        """
        check_divisible(batch_size, self.devices or 1, slices)

    def mesh(self) -> Mesh:
        """The devices of a run.

        Raises:
            UserError: there are fewer than asked for.
        """
        present = jax.devices()
        count = self.devices or len(present)
        if count > len(present):
            raise UserError(f"parallel.devices={count}: there are {len(present)} ({present[0].platform})")
        return Mesh(np.array(present[:count]), (AXIS,))

    def place(self, function: Callable[..., Any], mesh: Mesh, *, donate: tuple[int, ...] = ()) -> Callable[..., Any]:
        """Compiles a function of one device for all devices of a mesh.

        Its arguments and results are the same on every device; inside it, `jax.lax.axis_index(AXIS)` says which part
        of a batch is the device's own.

        Args:
            function: what one device does; results have to be made equal by collectives over `AXIS`.
            mesh: the devices.
            donate: positions of arguments whose memory the results may take.
        """
        return PLACEMENTS[self.placement](function, mesh, donate)


def check_divisible(batch_size: int, devices: int, slices: int) -> None:
    """Refuses a batch that does not divide evenly over devices and, on each of them, over slices.

    Raises:
        UserError: naming the nearest sizes that do.
    """
    parts = devices * slices
    if batch_size % parts:
        below = batch_size - batch_size % parts
        nearest = f"{below} and {below + parts}" if below else f"{parts}"
        over = f"{devices} devices" + (f" and {slices} slices" if slices > 1 else "")
        raise UserError(f"data.batch_size={batch_size} does not divide over {over}; nearest: {nearest}")


def replicate(tree: Any, mesh: Mesh) -> Any:
    """A copy of a tree of arrays on every device."""
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))


def place_jit(function: Callable[..., Any], mesh: Mesh, donate: tuple[int, ...]) -> Callable[..., Any]:
    """Maps a function over a mesh and compiles it with `jax.jit`; see `ParallelSettings.place`."""
    everywhere = PartitionSpec()
    mapped = jax.shard_map(function, mesh=mesh, in_specs=everywhere, out_specs=everywhere, check_vma=False)
    return jax.jit(mapped, donate_argnums=donate)


def place_pmap(function: Callable[..., Any], mesh: Mesh, donate: tuple[int, ...]) -> Callable[..., Any]:
    """Maps and compiles a function with `jax.pmap`; see `ParallelSettings.place`.

    A mapped argument is required, so each device gets its number; all others are the same everywhere.
    """
    arguments = len(inspect.signature(function).parameters)
    mapped = jax.pmap(
        lambda _, *rest: function(*rest),
        axis_name=AXIS,
        in_axes=(0, *[None] * arguments),
        out_axes=None,
        devices=list(mesh.devices.flat),
        donate_argnums=tuple(position + 1 for position in donate),
    )
    return Numbered(mapped, np.arange(mesh.size))


class Numbered(partial[Any]):
    """A mapped function that is given the numbers of its devices; it can be lowered like a compiled one."""

    def lower(self, *arguments: Any) -> Any:
        """The program for some arguments, before it is compiled."""
        return self.func.lower(*self.args, *arguments)  # type: ignore[attr-defined]


PLACEMENTS = {"jit": place_jit, "pmap": place_pmap}
