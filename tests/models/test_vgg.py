import pytest
from flax import nnx

from src.config.errors import UserError
from tests.models.networks import abstract, parameter_count, read, table

# torchvision's networks, without and with batch normalization.
PARAMETERS = {
    "vgg11": (132_863_336, 132_868_840),
    "vgg13": (133_047_848, 133_053_736),
    "vgg16": (138_357_544, 138_365_992),
    "vgg19": (143_667_240, 143_678_248),
}


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_parameter_counts_are_those_of_torchvision(name, batch_norm):
    net = abstract(read(name, batch_norm=batch_norm))
    assert parameter_count(net) == PARAMETERS[name][batch_norm]


def test_vgg16_has_the_sizes_costs_and_fields_of_the_figure():
    rows = table(read("vgg16"))
    assert [row.output_shape[0] for row in rows if row.kind == "MaxPool"] == [112, 56, 28, 14, 7]
    assert sum(row.kind in ("Conv", "Linear") for row in rows) == 16
    assert round(sum(row.multiplications for row in rows) / 1e6) == 15_470
    assert next(row for row in rows if row.name == "stages.4.pool").field.size == (212, 212)


def test_the_dense_part_of_vgg19():
    dense = [row.parameters for row in table(read("vgg19")) if row.kind == "Linear"]
    assert sum(dense) == 123_642_856
    assert dense[0] == 102_760_448 + 4096


def test_vgg9_is_that_of_li_et_al():
    """Seven convolutions with biases and two dense layers, normalized but for the last: computed from their code."""
    rows = table(read("vgg9"))
    assert sum(row.kind in ("Conv", "Linear") for row in rows) == 9
    assert [row.output_shape for row in rows if row.kind == "MaxPool"] == [(16, 16, 64), (8, 8, 128), (4, 4, 256)]
    assert sum(row.parameters for row in rows) == 2_789_706


@pytest.mark.parametrize("name", ["vgg9", *PARAMETERS])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28, 1), (8, 8, 1)])
def test_the_small_version_takes_small_images(name, batch_norm, shape):
    found = read(name, batch_norm=batch_norm, small=True)
    rows = table(found, shape, 7)
    assert rows[-1].output_shape == (7,)
    assert next(row.output_shape for row in rows if row.kind == "Linear") == ((256,) if name == "vgg9" else (512,))


def test_mistakes_are_named():
    with pytest.raises(UserError, match="depth=17: a VGG network has 9, 11, 13, 16, 19 layers; nearest: 16"):
        read("vgg16", depth=17)
    with pytest.raises(UserError, match="small=true, or depth=11"):
        read("vgg9", small=False)
    with pytest.raises(UserError, match=r"at least 32x32, not 31x40; model\.small=true"):
        read("vgg16").build((31, 40, 3), 10, rngs=nnx.Rngs(0))


def test_three_convolutions_see_as_much_as_one_of_7x7():
    rows = {row.name: row for row in table(read("vgg16", small=True))}
    before, after = rows["stages.1.pool"].field, rows["stages.2.convs.2"].field
    assert (after.size[0] - before.size[0]) // before.stride[0] == 7 - 1
