"""Classification of images that were changed to be hard: adversarial training.

One step along the sign of the loss's gradient (Goodfellow et al. 2015, arXiv:1412.6572), the same from a random start
(Wong et al. 2020, arXiv:2001.03994), or several steps (Madry et al. 2018, arXiv:1706.06083).
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key
from pydantic import Field, model_validator

from ..config.errors import UserError
from ..config.settings import added
from ..data.batches import Batch, Tree
from ..data.examples import DataSpec, is_shape
from ..data.settings import AugmentSettings
from ..randomness import at
from .base import InputGradient
from .classification import Classification

START = 2**16
"""Draw of an example's key for the random start; those of the network's layers are counted from 0."""


class AdversarialClassification(Classification):
    """Trained on images that climb the loss inside a small ball around them; scored on plain ones.

    Attributes:
        epsilon: the largest change of a value, in units of the normalized images.
        steps: along the sign of the gradient.
        step_size: of each; `epsilon` without.
        random_start: whether the first step begins anywhere in the ball.
        limits: the least and the greatest value of a changed image, such as [0, 1] with data.normalize=unit; any
            without.
    """

    epsilon: Annotated[float, Field(ge=0)]
    steps: Annotated[int, Field(gt=0)] = added(1)
    step_size: Annotated[float, Field(gt=0)] | None = added(None)
    random_start: bool = added(False)
    limits: Annotated[list[float], Field(min_length=2, max_length=2)] | None = added(None)

    @model_validator(mode="after")
    def _limits_in_order(self) -> "AdversarialClassification":
        if self.limits is not None and self.limits[0] >= self.limits[1]:
            raise ValueError(f"limits={self.limits}: the first should be the smaller one")
        return self

    def check(self, spec: DataSpec, augment: AugmentSettings | None) -> None:
        """Refuses texts, too: their words cannot be moved by a small step."""
        super().check(spec, augment)
        if any(len(shape) != 3 for shape in jax.tree.leaves(spec.shape, is_leaf=is_shape)):
            raise UserError(f"the task moves pixels along their gradient; data.name={spec.name} has texts")

    def perturbed(self, batch: Batch, gradient: InputGradient) -> Batch:
        """The images after all steps, each of which is brought back into the ball and the limits."""
        size = self.epsilon if self.step_size is None else self.step_size

        def step(moved: Tree) -> Tree:
            slopes = gradient(batch._replace(inputs=moved))
            further = jax.tree.map(lambda x, slope: x + size * jnp.sign(slope), moved, slopes)
            return jax.tree.map(self._brought_back, batch.inputs, further)

        moved = self._start(batch) if self.random_start else batch.inputs
        moved = step(moved) if self.steps == 1 else jax.lax.fori_loop(0, self.steps, lambda _, x: step(x), moved)
        return batch._replace(inputs=moved)

    def _start(self, batch: Batch) -> Tree:
        """Random images in the ball."""
        keys = batch.keys
        assert keys is not None  # batches of training have them

        def beside(x: Float[Array, "h w c"], key: Key[Array, ""]) -> Float[Array, "h w c"]:
            drawn = jax.random.uniform(at(key, START), x.shape, x.dtype, -self.epsilon, self.epsilon)
            return self._brought_back(x, x + drawn)

        return jax.tree.map(lambda images: jax.vmap(beside)(images, keys), batch.inputs)

    def _brought_back(self, x: Float[Array, "*shape"], moved: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        inside = jnp.clip(moved, x - self.epsilon, x + self.epsilon)
        return inside if self.limits is None else jnp.clip(inside, *self.limits)
