import pytest
from flax import nnx

from src.config.errors import UserError
from tests.models.networks import read, table


def test_sizes_and_parameters_are_those_of_the_figure():
    rows = table(read("zfnet"))
    assert sum(row.parameters for row in rows) == 62_357_608
    assert [row.output_shape[0] for row in rows if row.kind == "Conv"] == [110, 26, 13, 13, 13]
    assert [row.output_shape for row in rows if row.kind == "MaxPool"] == [(55, 55, 96), (13, 13, 256), (6, 6, 256)]


def test_normalization_follows_the_pool():
    kinds = [row.kind for row in table(read("zfnet", small=True))]
    assert kinds[:6] == ["Conv", "MaxPool", "LocalResponseNorm"] * 2


@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28, 1)])
def test_the_small_version_takes_small_images(shape):
    assert table(read("zfnet", small=True), shape, 7)[-1].output_shape == (7,)


@pytest.mark.parametrize("small", [False, True])
def test_the_smallest_image_works_and_is_named(small):
    found = read("zfnet", small=small)
    with pytest.raises(UserError, match="ZFNet takes images of at least") as error:
        found.build((1, 1, 3), 7, rngs=nnx.Rngs(0))
    smallest = int(str(error.value).split("at least ")[1].split("x")[0])
    shape = (smallest, smallest, 3)
    assert table(found, shape, 7)[-1].output_shape == (7,)
    with pytest.raises(UserError, match="at least"):
        found.build((smallest - 1, 300, 3), 7, rngs=nnx.Rngs(0))
