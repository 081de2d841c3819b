"""Networks of `conf/model/` for tests: their settings, their counts, their layers; nothing is computed."""

import yaml
from flax import nnx

from src.config.compose import CONF
from src.config.settings import read_settings
from src.models.base import ModelSettings
from src.models.blocks import ConvNorm
from src.models.summary import layers


def read(name, **changes):
    return read_settings(ModelSettings, yaml.safe_load((CONF / "model" / f"{name}.yaml").read_text()) | changes)


def abstract(settings):
    shape, outputs = settings.published
    return nnx.eval_shape(lambda: settings.build(shape, outputs, rngs=nnx.Rngs(0)))


def table(settings, shape, outputs=10):
    return layers(lambda: settings.build(shape, outputs, rngs=nnx.Rngs(0)), shape)


def conv(*args, **kwargs):
    return ConvNorm(*args, **kwargs, rngs=nnx.Rngs(0))
