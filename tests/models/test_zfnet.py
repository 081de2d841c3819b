from pathlib import Path

import pytest
import yaml
from flax import nnx

from src.config.errors import UserError
from src.config.settings import read_settings
from src.models.base import ModelSettings
from src.models.summary import layers


def settings(**changes):
    return read_settings(ModelSettings, yaml.safe_load(Path("conf/model/zfnet.yaml").read_text()) | changes)


def test_sizes_and_parameters_are_those_of_the_figure():
    found = settings()
    shape, outputs = found.published
    rows = layers(lambda: found.build(shape, outputs, rngs=nnx.Rngs(0)), shape)
    assert sum(row.parameters for row in rows) == 62_357_608
    assert [row.output_shape[0] for row in rows if row.kind == "Conv"] == [110, 26, 13, 13, 13]
    assert [row.output_shape for row in rows if row.kind == "MaxPool"] == [(55, 55, 96), (13, 13, 256), (6, 6, 256)]


def test_normalization_follows_the_pool():
    found = settings(small=True)
    kinds = [row.kind for row in layers(lambda: found.build((32, 32, 3), 10, rngs=nnx.Rngs(0)), (32, 32, 3))]
    assert kinds[:6] == ["Conv", "MaxPool", "LocalResponseNorm"] * 2


@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28, 1)])
def test_the_small_version_takes_small_images(shape):
    found = settings(small=True)
    assert layers(lambda: found.build(shape, 7, rngs=nnx.Rngs(0)), shape)[-1].output_shape == (7,)


@pytest.mark.parametrize("small", [False, True])
def test_the_smallest_image_works_and_is_named(small):
    found = settings(small=small)
    with pytest.raises(UserError, match="ZFNet takes images of at least") as error:
        found.build((1, 1, 3), 7, rngs=nnx.Rngs(0))
    smallest = int(str(error.value).split("at least ")[1].split("x")[0])
    shape = (smallest, smallest, 3)
    assert layers(lambda: found.build(shape, 7, rngs=nnx.Rngs(0)), shape)[-1].output_shape == (7,)
    with pytest.raises(UserError, match="at least"):
        found.build((smallest - 1, 300, 3), 7, rngs=nnx.Rngs(0))
