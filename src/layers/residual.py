"""Residual blocks of two convolutions, with the activation after the addition (He et al. 2015, chapter Fig. 34)."""

from functools import partial

from flax import nnx
from jaxtyping import Array, Float

from .blocks import ConvNorm
from .shortcuts import Shortcut, make_shortcut


class Block(nnx.Module):
    """Two 3x3 convolutions, and a shortcut around them unless the network is plain (chapter Fig. 34)."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, shortcut: Shortcut, rngs: nnx.Rngs) -> None:
        self.conv1 = ConvNorm(inputs, outputs, kernel=3, stride=stride, rngs=rngs)
        self.conv2 = ConvNorm(outputs, outputs, kernel=3, rngs=rngs)
        project = partial(ConvNorm, inputs, outputs, kernel=1, stride=stride, rngs=rngs)
        self.shortcut = make_shortcut(shortcut, inputs, outputs, stride, project=project)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 d"]:
        y = self.conv2(nnx.relu(self.conv1(x)))
        if self.shortcut is not None:
            y += self.shortcut(x)
        return nnx.relu(y)
