"""What attacks have in common.

An attack is a function of a classifier, images, labels, epsilon and a key, and gives images that differ from the given
ones by at most epsilon. Images and epsilon are in units of the pixel range: 0 is black, 1 is white, 8/255 are eight
levels. All steps from one start are one compiled program, which another epsilon does not compile again. On CPUs
with the project's kernels, and on accelerators, that is the faster form; with XLA's convolutions on CPUs it is slower.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, Num

from ..config.errors import UserError
from ..randomness import at
from ..training.batched import in_batches
from .balls import Norm, Pixels, rounded_down
from .classifier import Classifier, as_pixels
from .losses import Labels, success


class Victims(NamedTuple):
    """A batch of images, and what it may become.

    Attributes:
        images: from 0 to 1.
        labels: classes that the answers should no longer be, or with a targeted attack those that they should become.
        epsilon: the largest change.
        keys: randomness of each image, whatever the batch.
    """

    images: Pixels
    labels: Labels
    epsilon: Float[Array, ""]
    keys: Key[Array, "b"]


class Best(NamedTuple):
    """The images with which an attack has come furthest so far.

    Attributes:
        images: from 0 to 1.
        success: how far; positive where the attack has succeeded.
    """

    images: Pixels
    success: Float[Array, "b"]

    def or_else(self, images: Pixels, found: Float[Array, "b"]) -> "Best":
        """These images, or others where those are better."""
        better = found > self.success
        return Best(where(better, images, self.images), jnp.where(better, found, self.success))


@dataclass(frozen=True, kw_only=True)
class Attack(ABC):
    """An attack with its settings.

    Attributes:
        norm: in which a change is measured.
        targeted: labels are classes that the answers should become, and not those that they should no longer be.
        batch_size: images that are changed at once; it does not change what comes out.
    """

    norm: Norm = "linf"
    targeted: bool = False
    batch_size: int = 100

    def __call__(
        self,
        classifier: Classifier,
        images: Num[np.ndarray, "n h w c"],
        labels: Int[np.ndarray, "n"],
        epsilon: float,
        key: Key[Array, ""],
    ) -> Float[np.ndarray, "n h w c"]:
        """Changes images.

        Args:
            classifier: the network.
            images: uint8, or floating-point numbers from 0 to 1.
            labels: the class of each; with `targeted`, the wanted one.
            epsilon: the largest change.
            key: of the random numbers.

        Returns:
            float32, from 0 to 1.

        Raises:
            UserError: images, labels or epsilon are out of range.
        """
        pixels, limit = as_pixels(images), checked_epsilon(epsilon, self.norm)
        if not epsilon:
            return pixels

        def of_batch(batch: Any) -> Pixels:
            images, labels, numbers = map(jnp.asarray, batch)
            keys = jax.vmap(lambda number: at(key, number))(numbers)
            return self.changed(classifier, Victims(images, labels, limit, keys))

        rows = (pixels, np.asarray(labels, np.int32), np.arange(len(pixels), dtype=np.int32))
        return in_batches(of_batch, rows, min(self.batch_size, max(1, len(pixels))))

    @abstractmethod
    def changed(self, classifier: Classifier, victims: Victims) -> Pixels:
        """The images of one batch after the attack."""


def checked_epsilon(epsilon: float, norm: Norm) -> Float[Array, ""]:
    """Epsilon in float32.

    Raises:
        UserError: it is negative; or larger than the whole pixel range, where a change of one number is measured.
    """
    if norm == "linf" and not 0 <= epsilon <= 1:
        raise UserError(f"epsilon={epsilon:g}: should be from 0 to 1, in units of the pixel range; 8 levels are 8/255")
    if not 0 <= epsilon < np.inf:
        raise UserError(f"epsilon={epsilon:g}: should not be negative")
    return jnp.asarray(rounded_down(epsilon))


@partial(jax.jit, static_argnames="attack")
def unchanged(attack: Attack, classifier: Classifier, victims: Victims) -> Best:
    """The images as they are: what an attack begins with, so that it never leaves fewer errors than there were."""
    return Best(victims.images, success(classifier(victims.images), victims.labels, attack.targeted))


def seen(attack: Attack, classifier: Classifier, victims: Victims, images: Pixels, best: Best) -> Best:
    """The best images, where the last ones of a loop may be among them."""
    return best.or_else(images, success(classifier(images), victims.labels, attack.targeted))


def where(condition: Bool[Array, "b"], yes: Array, no: Array) -> Array:
    """Rows of one array or of another."""
    return jnp.where(condition.reshape(-1, *[1] * (yes.ndim - 1)), yes, no)
