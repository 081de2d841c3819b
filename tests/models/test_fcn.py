"""Networks for a class at every pixel: the paper's counts, sizes of all kinds, and the beginning as interpolation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.models.fcn import Enlarge, enlarged
from src.models.summary import model_layers
from src.models.tracing import abstract_rngs
from tests.models.networks import abstract, parameter_count, read

VGG = 14_714_688
"""Parameters of VGG-16's convolutions."""

WIDE = 512 * 7 * 7 * 4096 + 4096 + 4096 * 4096 + 4096


@pytest.mark.parametrize(
    ("name", "finer"),
    [
        ("fcn32s", 0),
        ("fcn16s", 512 * 21 + 21 + 4 * 4 * 21 * 21),
        ("fcn8s", (512 + 256) * 21 + 2 * 21 + 2 * 4 * 4 * 21 * 21),
    ],
)
def test_parameters_are_those_of_the_paper(name, finer):
    """Its Table 1 has 134 million for FCN-VGG16."""
    assert parameter_count(abstract(read(name))) == VGG + WIDE + 4096 * 21 + 21 + finer
    assert 134e6 < parameter_count(abstract(read(name))) < 134.5e6


@pytest.mark.parametrize("name", ["fcn_small", "fcn16s", "fcn32s", "full_resolution", "encoder_decoder"])
@pytest.mark.parametrize("shape", [(32, 32, 3), (64, 96, 1), (52, 76, 3)])
def test_every_pixel_gets_its_classes(name, shape):
    def outputs():
        net = read(name).build(shape, 7, rngs=abstract_rngs())
        net.eval()
        return net(jnp.zeros((2, *shape)))

    out = jax.eval_shape(outputs)
    assert out.shape == (2, *shape[:2], 7)


@pytest.mark.heavy
def test_other_sizes_than_multiples_of_32_keep_pixels_in_their_places():
    """What a pixel says depends on its surroundings, not on how far the image goes on beyond them."""
    net = read("fcn_small", filters=[2, 2, 4, 4, 4], dense=4).build((64, 64, 3), 4, rngs=nnx.Rngs(0))
    net.eval()
    for layer in (net.score, *net.finer):
        layer.kernel[...] = jax.random.normal(jax.random.key(1), layer.kernel.shape)
    image = jax.random.normal(jax.random.key(0), (1, 384, 384, 3))
    whole, part = (nnx.jit(lambda own, x: own(x))(net, x) for x in (image, image[:, :330, :321]))
    np.testing.assert_allclose(whole[:, :64, :64], part[:, :64, :64], atol=1e-4)


def test_enlarging_begins_as_bilinear_interpolation():
    ramp = jnp.broadcast_to(jnp.arange(6.0)[:, None, None], (6, 5, 2))[None]
    found = Enlarge(2, rngs=nnx.Rngs(0))(ramp)
    np.testing.assert_allclose(found[0, 2:-2, 3, 1], np.arange(0.75, 4.5, 0.5), atol=1e-6)
    np.testing.assert_allclose(found[:, 2:-2, 2:-2], enlarged(ramp, 2)[:, 2:-2, 2:-2], atol=1e-6)


@pytest.mark.heavy
def test_classes_begin_even_and_are_learnt():
    net = read("fcn_small", filters=[2, 2, 4, 4, 4], dense=4).build((32, 32, 3), 3, rngs=nnx.Rngs(0))
    net.eval()
    images = jax.random.normal(jax.random.key(0), (2, 32, 32, 3))

    @nnx.jit
    def outputs_and_gradient(own):
        return own(images), nnx.grad(lambda own: jnp.sum(jnp.sin(own(images) + 0.1 * images)))(own)

    outputs, gradient = outputs_and_gradient(net)
    assert (np.asarray(outputs) == 0).all()
    for layer in (gradient["score"], *gradient["finer"].values()):
        assert float(jnp.abs(layer["kernel"][...]).max()) > 0


def test_layers_of_networks_for_pixels_can_be_counted():
    rows = model_layers(read("fcn_small"), (64, 64, 3), 4)
    assert rows[0].output_shape == (64, 64, 16)
    assert {row.name for row in rows} >= {"score", "finer.0", "enlarge.1.conv", "stages.4.convs.0.conv"}
    (row,) = (row for row in model_layers(read("full_resolution"), (24, 24, 3), 4) if row.name == "head")
    assert row.field.size == (17, 17) if isinstance(row.field.size, tuple) else row.field.size == 17
