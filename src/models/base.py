"""What every network of the project has in common."""

from abc import abstractmethod

import jax
from flax import nnx

from src.config.settings import Settings

ImageShape = tuple[int, int, int]


class ModelSettings(Settings):
    """Settings of a network; they know how to build it for given inputs and outputs."""

    @abstractmethod
    def build(self, input_shape: ImageShape, outputs: int, *, rngs: nnx.Rngs) -> nnx.Module:
        """Builds the network.

        Args:
            input_shape: height, width and channels of one image.
            outputs: length of the vector that the network gives for one image.
            rngs: source of the initial parameters.
        """


def parameter_count(model: nnx.Module) -> int:
    """The number of trainable parameters; works on an abstract network as well."""
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))
