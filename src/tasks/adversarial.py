"""Classification of images that were changed to be hard: the fast gradient sign method.

Goodfellow, Shlens, Szegedy: Explaining and Harnessing Adversarial Examples (arXiv:1412.6572).
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from pydantic import Field

from ..config.errors import UserError
from ..data.batches import Batch
from ..data.examples import DataSpec, is_shape
from ..data.settings import AugmentSettings
from .base import InputGradient
from .classification import Classification


class AdversarialClassification(Classification):
    """Trained on images that are moved a small step along the sign of the loss's gradient; scored on plain ones.

    Attributes:
        epsilon: the step, in units of the normalized images.
    """

    epsilon: Annotated[float, Field(ge=0)]

    def check(self, spec: DataSpec, augment: AugmentSettings | None) -> None:
        """Refuses texts, too: their words cannot be moved by a small step."""
        super().check(spec, augment)
        if any(len(shape) != 3 for shape in jax.tree.leaves(spec.shape, is_leaf=is_shape)):
            raise UserError(f"the task moves pixels along their gradient; data.name={spec.name} has texts")

    def perturbed(self, batch: Batch, gradient: InputGradient) -> Batch:
        """The images after the step (equation 2 of section 3, for any network)."""
        moved = jax.tree.map(lambda x, slope: x + self.epsilon * jnp.sign(slope), batch.inputs, gradient(batch))
        return batch._replace(inputs=moved)
