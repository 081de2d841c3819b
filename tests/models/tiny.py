"""A network with dropout and an auxiliary head, small enough to train in every test: `trust=tests`."""

from flax import nnx

from src.layers.dropout import Dropout
from src.layers.pooling import GlobalAveragePool
from src.models.base import Heads, ModelSettings, Published


class TinySettings(ModelSettings):
    rate: float
    weight: float

    @property
    def published(self):
        return Published((8, 8, 1), 10)

    def build(self, input_shape, outputs, *, rngs):
        return Tiny(self.rate, self.weight, input_shape[-1], outputs, rngs)


class Tiny(nnx.Module):
    def __init__(self, rate, weight, channels, outputs, rngs):
        self.conv = nnx.Conv(channels, 8, (3, 3), rngs=rngs)
        self.auxiliary = nnx.Linear(8, outputs, rngs=rngs)
        self.dropout = Dropout(rate)
        self.second = Dropout(rate)
        self.pool = GlobalAveragePool()
        self.head = nnx.Linear(8, outputs, rngs=rngs)
        self.weight, self.deterministic = weight, False

    def __call__(self, x):
        x = self.pool(nnx.relu(self.conv(x)))
        main = self.head(self.second(self.dropout(x)))
        return main if self.deterministic else Heads(main, (self.auxiliary(x),), self.weight)
