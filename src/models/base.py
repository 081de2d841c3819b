"""The interface of all networks."""

import os
import sysconfig
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from traceback import extract_tb
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from ..config.errors import UserError
from ..config.settings import Settings
from .tracing import abstract_rngs, arrays_as_data

GIB = 2**30
FLOAT32 = 4
"""Bytes."""

STDLIB = sysconfig.get_paths()["stdlib"]

ImageShape = tuple[int, ...]
"""Height, width and channels of an image; length and channels of a sequence."""


class Published(NamedTuple):
    """The input and output sizes that a network was published with.

    Attributes:
        input_shape: of one example, without the batch.
        outputs: length of the vector for one example.
    """

    input_shape: ImageShape
    outputs: int


class ModelSettings(Settings):
    """Settings of a network, and how to build it for given inputs and outputs."""

    @property
    def published(self) -> Published:
        """The input and output sizes of the paper or implementation.

        Raises:
            UserError: there is no paper.
        """
        raise UserError("this network was published for no inputs; name some with data=")

    @abstractmethod
    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> nnx.Module:
        """Builds the network.

        Args:
            input_shape: height, width and channels of one image.
            outputs: length of the output vector for one image.
            rngs: source of the initial parameters.

        Raises:
            UserError: the input is too small or has the wrong number of dimensions.
        """


def abstract_network(model: ModelSettings, input_shape: ImageShape, outputs: int) -> nnx.Module:
    """Builds a network with shapes in place of arrays (`jax.eval_shape`); nothing is computed.

    Raises:
        UserError: the network does not accept these sizes, or its parameters exceed the memory of this machine.
    """
    with faults_in_one_line(model):
        network = nnx.eval_shape(lambda: arrays_as_data(model.build(input_shape, outputs, rngs=abstract_rngs())))
    parameters = sum(prod(leaf.shape) for leaf in jax.tree.leaves(nnx.state(network, nnx.Param)))
    needed, here = FLOAT32 * parameters, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > here:
        sizes = f"which take {needed / GIB:,.0f} GiB; this machine has {here / GIB:,.0f}"
        raise UserError(f"the network would have {parameters:,} parameters, {sizes}")
    return network


@contextmanager
def faults_in_one_line(model: ModelSettings) -> Iterator[None]:
    """Turns any exception inside a network, which may be the user's own, into one line with its place.

    Raises:
        UserError: an exception was raised.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        frames = extract_tb(error.__traceback__)
        own = [frame for frame in frames if "site-packages" not in frame.filename and STDLIB not in frame.filename]
        place = f"{(own or frames)[-1].filename}, line {(own or frames)[-1].lineno}"
        words = " ".join(str(error).strip().partition("\n\n")[0].split())
        raise UserError(
            f"the network of {type(model).__name__} fails at {place}: {type(error).__name__}: {words}"
        ) from error


class Heads(NamedTuple):
    """Outputs of a network with auxiliary classifiers in training; in evaluation it returns the main output only.

    Attributes:
        main: the output, or a tree of outputs.
        auxiliary: those of classifiers on the way, which bring the gradient to the early layers.
        weight: of each auxiliary loss.
    """

    main: Any
    auxiliary: tuple[Any, ...] = ()
    weight: float = 0.0


def heads(outputs: Any) -> Heads:
    """The outputs of any network in training as `Heads`, in at least float32, so that losses are too."""
    found = outputs if isinstance(outputs, Heads) else Heads(outputs)
    return found._replace(main=at_least_float32(found.main), auxiliary=tuple(map(at_least_float32, found.auxiliary)))


def at_least_float32(outputs: Any) -> Any:
    """Outputs of a network that may compute in fewer bits; wider ones stay as they are.

    Raises:
        UserError: they are no arrays.
    """
    for leaf in jax.tree.leaves(outputs, is_leaf=lambda leaf: leaf is None):
        if not isinstance(leaf, jax.Array):
            raise UserError(
                f"a network gives an array, a tree of them, or in training also Heads; not a {type(leaf).__name__}"
            )
    return jax.tree.map(lambda leaf: leaf.astype(jnp.promote_types(leaf.dtype, jnp.float32)), outputs)


def check_depth(name: str, depth: int, *, each: int, others: int) -> int:
    """Checks that a depth is `others` plus a multiple of `each`, and returns it.

    Args:
        name: what the network is called.
        depth: number of weighted layers.
        each: layers per unit.
        others: layers outside the units.

    Raises:
        ValueError: it is not; the message has the nearest depths.
    """
    smallest = each + others
    if depth >= smallest and (depth - others) % each == 0:
        return depth
    below = depth - (depth - others) % each
    nearest = f"{below} and {below + each}" if depth > smallest else smallest
    raise ValueError(f"{name} has {each}n+{others} layers; nearest: {nearest}")


def check_size(name: str, input_shape: ImageShape, smallest: int, *, small: bool = True) -> None:
    """Refuses images that are too small for a network.

    Args:
        name: what the network is called.
        input_shape: height, width and channels.
        smallest: side of the smallest image that it accepts.
        small: whether it is already the version for small images, or has none.

    Raises:
        UserError: the images are too small, or not images.
    """
    if len(input_shape) != 3:
        raise UserError(f"{name} takes images, which have height, width and channels; here are {input_shape}")
    height, width, _ = input_shape
    if min(height, width) < smallest:
        hint = "" if small else "; model.small=true takes smaller ones"
        raise UserError(f"{name} takes images of at least {smallest}x{smallest}, not {height}x{width}{hint}")
