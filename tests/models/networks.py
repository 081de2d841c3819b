"""Networks of `conf/model/` for tests: their settings, their counts, their layers; nothing is computed."""

import jax
from flax import nnx

from src.layers.blocks import ConvNorm
from src.models.base import abstract_network
from src.models.summary import model_layers
from src.zoo.named import named_model

read = named_model


def abstract(settings):
    return abstract_network(settings, *settings.published)


def parameter_count(model):
    """The number of trainable parameters; works on an abstract network as well."""
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))


def total_count(model):
    """Parameters and running statistics together, which is what Keras calls the total."""
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, (nnx.Param, nnx.BatchStat))))


def table(settings, shape=None, outputs=None):
    """The layers for inputs and outputs as published, unless said."""
    return model_layers(settings, shape or settings.published.input_shape, outputs or settings.published.outputs)


def shapes(settings, shape=None, outputs=None):
    """What each layer gives, by its name."""
    return {row.name: row.output_shape for row in table(settings, shape, outputs)}


def conv(*args, **kwargs):
    return ConvNorm(*args, **kwargs, rngs=nnx.Rngs(0))
