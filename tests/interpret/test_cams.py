"""Class activation maps against numbers by hand, and names that do not fit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.interpret.cams import grad_cam, grad_cam_plus_plus, positive_gradients
from src.models.resnet_cifar import CifarResNet
from src.models.taps import part_names


class Cam(nnx.Module):
    """A convolution of 1x1, ReLU, the mean of each map, linear: here Grad-CAM is CAM."""

    def __init__(self):
        rngs = nnx.Rngs(1)
        self.conv, self.norm = nnx.Conv(2, 3, (1, 1), rngs=rngs), nnx.BatchNorm(3, rngs=rngs)
        self.head = nnx.Linear(3, 4, rngs=rngs)
        self.twice = nnx.Linear(4, 4, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.norm(self.conv(x))).mean((1, 2))
        return self.twice(self.twice(self.head(x)))


def images(count, *shape):
    return np.asarray(jax.random.normal(jax.random.key(count), (count, *shape)), np.float32)


def test_grad_cam_is_the_weighted_sum_of_the_maps():
    class Plain(Cam):
        def __call__(self, x):
            return self.head(self.conv(x).mean((1, 2)))

    network, x, targets = Plain(), images(3, 4, 4, 2), np.array([0, 3, 1])
    found = grad_cam(network, x, targets, layer="conv")
    weights = np.asarray(network.head.kernel[...]).T[targets] / 16
    expected = np.maximum(np.einsum("bhwc,bc->bhw", np.asarray(network.conv(x)), weights), 0)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.max() > 0


def test_grad_cam_plus_plus_has_the_weights_of_the_paper():
    maps, gradients = np.abs(images(2, 3, 3, 2)), images(3, 3, 3, 2)[:2]
    found = positive_gradients(jnp.asarray(maps), jnp.asarray(gradients))
    for image in range(2):
        for channel in range(2):
            a, g = maps[image, :, :, channel].astype(float), gradients[image, :, :, channel].astype(float)
            alpha = g**2 / (2 * g**2 + a.sum() * g**3)
            expected = (alpha * np.maximum(g, 0)).sum()
            np.testing.assert_allclose(found[image, :, :, channel], expected, rtol=1e-3)


@pytest.mark.heavy
@pytest.mark.parametrize("method", [grad_cam, grad_cam_plus_plus])
def test_maps_have_the_size_of_the_images_and_do_not_depend_on_batches(method):
    network, x = CifarResNet(8, "A", channels=3, outputs=10, rngs=nnx.Rngs(0)), images(5, 16, 16, 3)
    found = method(network, x, layer="blocks.2")
    assert found.shape == (5, 16, 16)
    assert found.min() >= 0
    assert not network.stem.norm.use_running_average
    np.testing.assert_allclose(method(network, x, layer="blocks.2", batch_size=2), found, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("convv", "layer=convv: the network has no such layer; did you mean 'conv'?"),
        ("head", r"layer=head: it gives no maps, which have height, width and channels, but \(4,\)"),
        ("twice", "layer=twice: it is used 2 times"),
    ],
)
def test_layers_that_do_not_fit_are_refused_in_one_line(layer, message):
    with pytest.raises(UserError, match=message):
        grad_cam(Cam(), images(2, 4, 4, 2), layer=layer)


def test_layers_have_the_names_of_the_layer_table():
    from src.models.summary import innermost

    network = CifarResNet(8, "B", channels=3, outputs=10, rngs=nnx.Rngs(0))
    names = part_names(network)
    assert {name for *_, name in innermost(network)} <= set(names)
    assert {"blocks.1", "blocks.1.conv1"} <= set(names)
