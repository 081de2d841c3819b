"""Networks as other people write them, with and without faults: `trust=tests`."""

import jax
import jax.numpy as jnp
from flax import nnx

from src.layers.dropout import Dropout, RandomLayer
from src.models.base import ModelSettings


class OwnSettings(ModelSettings):
    kind: str

    def build(self, input_shape, outputs, *, rngs):
        return KINDS[self.kind](input_shape, outputs, rngs)


class Flax(nnx.Module):
    """Dropout as Flax's documentation has it, twice the same in one place, and constants."""

    def __init__(self, input_shape, outputs, rngs):
        height, width, channels = input_shape
        self.body = nnx.Sequential(nnx.Linear(height * width * channels, 32, rngs=rngs), nnx.relu, self.dropout(rngs))
        self.second = self.dropout(rngs)
        self.again = self.second
        self.scales = jnp.full(32, 2.0)
        self.table = nnx.Variable(jnp.full(32, 0.5))
        self.head = nnx.Linear(32, outputs, rngs=rngs)

    def dropout(self, rngs):
        return nnx.Dropout(0.25, rngs=rngs)

    def __call__(self, x):
        x = self.body(x.reshape(len(x), -1)) * self.scales * self.table
        return self.head(self.again(self.second(x)))


class Ours(Flax):
    """The same with dropout of this project."""

    def dropout(self, rngs):
        rngs.dropout()  # which Flax's takes
        return Dropout(0.25)


class Noise(RandomLayer):
    def __call__(self, x):
        if self.deterministic:
            return x
        return x + jax.vmap(lambda key: jax.random.normal(key, x.shape[1:]))(self.keys)


class Noisy(Flax):
    def dropout(self, rngs):
        return Noise()


class Stream(Flax):
    def __init__(self, input_shape, outputs, rngs):
        super().__init__(input_shape, outputs, rngs)
        self.noise = rngs.noise.fork()

    def __call__(self, x):
        return super().__call__(x + jax.random.normal(self.noise(), x.shape))


class Counting(Flax):
    def __call__(self, x):
        self.table[...] += 1
        return super().__call__(x)


class Changing(Flax):
    def __call__(self, x):
        self.scales = self.scales + 1
        return super().__call__(x)


class Growing(Flax):
    def __init__(self, input_shape, outputs, rngs):
        super().__init__(input_shape, outputs, rngs)
        self.seen = nnx.BatchStat(jnp.zeros(1))

    def __call__(self, x):
        self.seen = nnx.BatchStat(jnp.zeros(len(x)))
        return super().__call__(x)


class BatchDropout(Flax):
    def dropout(self, rngs):
        return nnx.Dropout(0.25, broadcast_dims=(0,), rngs=rngs)


class WrongInside(Flax):
    def __init__(self, input_shape, outputs, rngs):
        super().__init__(input_shape, outputs, rngs)
        self.head = nnx.Linear(33, outputs, rngs=rngs)


class WrongReshape(Flax):
    def __call__(self, x):
        return super().__call__(x.reshape(7, -1))


class Misspelt(Flax):
    def __call__(self, x):
        return self.haed(x)


class TooMany(Flax):
    def __init__(self, input_shape, outputs, rngs):
        super().__init__(input_shape, outputs + 3, rngs)


class TooFew(Flax):
    def __init__(self, input_shape, outputs, rngs):
        super().__init__(input_shape, outputs - 3, rngs)


class Whole(Flax):
    def __init__(self, input_shape, outputs, rngs):
        super().__init__(input_shape, outputs, rngs)
        self.order = nnx.Param(jnp.arange(3))


class Pair(Flax):
    def __call__(self, x):
        return super().__call__(x), x


KINDS = {kind.__name__: kind for kind in (Ours, Noisy, *Flax.__subclasses__(), Flax)}
