"""What is explained: the scores of a network's classes for images, as a pure function, and in batches of one size.

All methods of attribution are `method(network, images, target=None, *, its settings, batch_size=32)`:

- `network`: any NNX module from images to one score for each class, also `load_run(path).module`. It is computed in
  evaluation mode and stays as it is, in whichever mode that is.
- `images`: what the network takes, `n h w c`, so after normalization; any number.
- `target`: the class whose score is explained, one for all images or one for each; the predicted one if it is missing.
- `batch_size`: images, or changed copies of them, that are computed at once. Memory depends on this number alone.
- the answer: float32 on the host, `n h w c`; or `n h w` from methods that do not tell channels apart.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int, Shaped

from ..config.errors import UserError, one_line
from ..models.base import at_least_float32
from ..models.captured import in_evaluation
from ..training.batched import fill, in_batches

BATCH_SIZE = 32


@dataclass(frozen=True)
class Explained:
    """The scores of classes of images.

    Attributes:
        network: in whichever mode it is. Compiled functions take it as an argument: it is a tree of arrays, and
            networks of one structure share compiled programs.
        images: on the host.
        targets: the class of each image whose score is explained.
        batch_size: at most as many as there are images.
        copies: how many changed copies of each image of a batch may be computed at once.
    """

    network: nnx.Module
    images: Float[np.ndarray, "n h w c"]
    targets: Int[np.ndarray, "n"]
    batch_size: int
    copies: int

    def in_batches(self, function: Callable[..., Any], *others: Any) -> Any:
        """What a function gives of images, their targets and other arrays with one row for each image."""
        return in_batches(
            lambda batch: function(*map(jnp.asarray, batch)), (self.images, self.targets, *others), self.batch_size
        )


def explained(network: nnx.Module, images: Any, target: Any, batch_size: int) -> Explained:
    """Checks what a method was given; see the head of this file.

    Raises:
        UserError: this is no network of classes, it cannot take such images, or there is no such class.
    """
    check_network(network)
    images = checked_images(images)
    if batch_size < 1:
        raise UserError(f"batch_size={batch_size}: should be at least 1")
    size = min(batch_size, len(images))
    classes = _classes(network, images)
    if target is None:
        targets = in_batches(lambda batch: _outputs(network, batch).argmax(1), images, size)
    else:
        targets = _targets(target, len(images), classes)
    return Explained(network, images, targets.astype(np.int32), size, max(1, batch_size // size))


def check_network(network: Any) -> None:
    """Refuses what is no network, or hides its arrays from JAX.

    Raises:
        UserError: saying what is explained.
    """
    if not isinstance(network, nnx.Module):
        hint = "; give its .module" if hasattr(network, "module") else ""
        raise UserError(f"a Flax NNX module is explained, and not a {type(network).__name__}{hint}")
    if any(isinstance(leaf, nnx.Module) for leaf in jax.tree.leaves(network)):
        raise UserError(f"a network is a tree of arrays; {type(network).__name__} or a part of it says pytree=False")


def chunks(rows: Shaped[np.ndarray, "n ..."], size: int) -> list[Shaped[np.ndarray, "size ..."]]:
    """Rows, so many at a time; the last ones are filled up with zeros."""
    size = min(size, len(rows))
    return [fill(rows[at : at + size], size) for at in range(0, len(rows), size)]


def scores(network: nnx.Module, images: Float[Array, "b h w c"]) -> Float[Array, "b classes"]:
    """The scores of all classes in evaluation mode; the network stays as it is."""
    return outputs(network, images)


def outputs(network: nnx.Module, images: Float[Array, "b h w c"]) -> Any:
    """Whatever the network gives in evaluation mode."""
    return at_least_float32(in_evaluation(network)(images))


_outputs = jax.jit(outputs)
"""Traced once, and not in every call that asks for shapes alone."""


def score_of(scores: Float[Array, "b classes"], targets: Int[Array, "b"]) -> Float[Array, "b"]:
    """The score of one class of each image."""
    return scores[np.arange(len(targets)), targets]


def checked_images(images: Any) -> Float[np.ndarray, "n h w c"]:
    """Images as an array on the host.

    Raises:
        UserError: they are none, or not yet what a network takes.
    """
    try:
        found = np.asarray(images)
    except (TypeError, ValueError):
        raise UserError("images should be one array of images of one size, n h w c") from None
    if found.ndim != 4 or not found.size:
        hint = "; one image is images[None]" if found.ndim == 3 else ""
        raise UserError(f"images should have the shape n h w c, not {'x'.join(map(str, found.shape)) or 'none'}{hint}")
    if not np.issubdtype(found.dtype, np.floating):
        raise UserError(f"images should be what the network takes, float32 after normalization, not {found.dtype}")
    return found


def like_images(values: Any, images: Float[np.ndarray, "n h w c"], name: str) -> Float[np.ndarray, "n h w c"]:
    """A number, an image or images, as images.

    Raises:
        UserError: it has another shape.
    """
    try:
        return np.broadcast_to(np.asarray(values, images.dtype), images.shape)
    except (TypeError, ValueError):
        of_each = "x".join(map(str, images.shape[1:]))
        raise UserError(f"{name} should be a number or one or {len(images)} images of {of_each}") from None


def _classes(network: nnx.Module, images: np.ndarray) -> int:
    """How many classes a network tells apart.

    Raises:
        UserError: it cannot take the images, or gives anything but a score for each class.
    """
    one = jax.ShapeDtypeStruct((1, *images.shape[1:]), images.dtype)
    try:
        found = _outputs.eval_shape(network, one)
    except (AssertionError, TypeError, ValueError, IndexError) as error:
        shape = "x".join(map(str, images.shape[1:]))
        raise UserError(f"the network cannot take images of {shape}: {one_line(error)}") from None
    sizes = getattr(found, "shape", None)
    if sizes is None or len(sizes) != 2:
        kind = f"outputs of the shape {sizes}" if sizes else "several outputs"
        raise UserError(f"a network that gives one score for each class is explained; this one gives {kind}")
    return int(sizes[1])


def _targets(target: Any, count: int, classes: int) -> Int[np.ndarray, "n"]:
    """The class of each image.

    Raises:
        UserError: there is no such class, or there are not as many as images.
    """
    found = np.asarray(target)
    if not np.issubdtype(found.dtype, np.integer) or found.shape not in ((), (count,)):
        raise UserError(f"target should be a class, or one for each of the {count} images, not {target}")
    for wrong in found[(found < 0) | (found >= classes)].ravel()[:1]:
        raise UserError(f"target={wrong}: the network tells {classes} classes apart, 0 to {classes - 1}")
    return np.broadcast_to(found, count)
