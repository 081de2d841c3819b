"""Networks by kernels: the same numbers, fused only where nobody looks inside."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.data.cache import cache_home
from src.layers.blocks import ConvNorm, ConvNormReLU, ConvNormReLU6, ConvReLU, NormConv
from src.models.functional import Network
from src.models.resnet_cifar import CifarResNet
from src.operations import fusible
from src.operations.fused import use_kernels
from src.operations.library import kernels


@pytest.fixture(scope="module")
def library():
    found = kernels(cache_home() / "kernels")
    assert found is not None, "the kernels could not be built; a C++ compiler is needed"
    return found.key


def network(shortcut="A"):
    return CifarResNet(8, shortcut, channels=3, outputs=10, rngs=nnx.Rngs(0))


def with_kernels(module, library):
    module = nnx.clone(module)
    use_kernels(module, library)
    return module


def called(module, x):
    """How many kernels a module calls."""
    definition, state = nnx.split(module)
    return str(jax.make_jaxpr(lambda x: nnx.merge(definition, state, copy=True)(x))(x)).count("ffi_call[")


@pytest.mark.heavy
@pytest.mark.parametrize("shortcut", ["A", "B", "none"])
def test_outputs_gradients_and_statistics_are_those_of_xla(library, shortcut):
    """Within a thousandth, or 1e-4 of the largest value: a few blocks carry on what roundings and ReLUs differ in."""
    plain = network(shortcut)
    both = [Network(plain), Network(plain, with_kernels(plain, library))]
    x = jax.random.normal(jax.random.key(1), (8, 12, 12, 3))

    def trained(net):
        def loss(parameters, batch_stats, x):
            outputs, after = net.train(parameters, batch_stats, x, None)
            return jnp.sum(jnp.sin(outputs.main)), after

        values = jax.value_and_grad(loss, argnums=(0, 2), has_aux=True)
        return jax.jit(lambda p, s, x: (values(p, s, x), net(p, s, x)))(net.parameters, net.batch_stats, x)

    expected, found = map(trained, both)
    for own, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-3, atol=1e-4 * np.abs(other).max())


@pytest.mark.parametrize("training", [True, False])
def test_blocks_are_fused_unless_somebody_looks_inside(library, training, monkeypatch):
    x = jnp.ones((2, 8, 8, 3))
    module = with_kernels(network(), library)
    module.train() if training else module.eval()
    fused_calls = called(module, x)
    assert fused_calls == (1 + 1 + 3 * 3 if training else 7)

    replaced = nnx.clone(module)
    replaced.blocks[0].conv1.norm = nnx.LayerNorm(16, rngs=nnx.Rngs(0))
    assert called(replaced, x) == (fused_calls - 3 + 3 if training else fused_calls)
    seen = []
    plain_norm = nnx.BatchNorm.__call__
    monkeypatch.setattr(nnx.BatchNorm, "__call__", lambda self, *given: seen.append(1) or plain_norm(self, *given))
    called(module, x)
    assert not seen
    _, captured = nnx.capture(module, nnx.Intermediate, method_outputs=nnx.Intermediate)(x)
    assert len(seen) == 7
    assert "norm" in captured["blocks"][0]["conv1"]


def test_a_changed_relu_is_called(library, monkeypatch):
    module = with_kernels(network(), library)
    module.eval()
    monkeypatch.setattr(nnx, "relu", jnp.tanh)
    plain = network()
    plain.eval()
    x = jax.random.normal(jax.random.key(1), (2, 8, 8, 3))
    np.testing.assert_allclose(module(x), plain(x), rtol=1e-4, atol=1e-5)


@pytest.mark.heavy
def test_what_kernels_do_not_take_is_computed_by_xla(library):
    rngs = nnx.Rngs(0)
    layers = {
        "half precision": (nnx.Conv(4, 4, (3, 3), dtype=jnp.bfloat16, rngs=rngs), (2, 5, 5, 4)),
        "a line": (nnx.Conv(4, 4, (3,), rngs=rngs), (2, 5, 4)),
        "dilated maps": (nnx.Conv(4, 4, (3, 3), input_dilation=2, padding=1, rngs=rngs), (2, 5, 5, 4)),
        "no images": (nnx.Conv(4, 4, (3, 3), rngs=rngs), (0, 5, 5, 4)),
        "negative padding": (nnx.Conv(4, 4, (3, 3), padding=((-1, 0), (0, 0)), rngs=rngs), (2, 7, 7, 4)),
        "norm, no images": (ConvNorm(4, 4, kernel=3, rngs=rngs), (0, 5, 5, 4)),
    }
    for name, (layer, shape) in layers.items():
        own = with_kernels(layer, library)
        assert called(own, jnp.ones(shape)) == 0, name
        np.testing.assert_array_equal(own(jnp.ones(shape)), layer(jnp.ones(shape)), name)


@pytest.mark.heavy
def test_other_kinds_of_layers_and_paddings(library):
    rngs = nnx.Rngs(0)
    x = jax.random.normal(jax.random.key(1), (3, 9, 8, 5))
    for layer in (
        ConvReLU(5, 7, kernel=3, stride=2, rngs=rngs),
        ConvNormReLU(5, 7, kernel=3, stride=2, padding="SAME", scale=False, rngs=rngs),
        ConvNorm(5, 7, kernel=(1, 3), bias=True, rngs=rngs),
        ConvNormReLU(5, 5, kernel=3, stride=2, groups=5, rngs=rngs),
        nnx.Conv(5, 5, (3, 3), feature_group_count=5, rngs=rngs),
        nnx.Conv(5, 10, (3, 3), feature_group_count=5, rngs=rngs),
        nnx.Conv(5, 7, (3, 3), padding="CIRCULAR", rngs=rngs),
        nnx.Conv(5, 7, (3, 2), kernel_dilation=2, rngs=rngs),
    ):
        own = with_kernels(layer, library)
        assert called(own, x) > 0
        np.testing.assert_allclose(own(x), layer(x), rtol=1e-4, atol=1e-5)


def test_the_largest_images_are_left_to_xla(library, monkeypatch):
    monkeypatch.setattr(fusible, "LARGEST", 10)
    assert called(with_kernels(network(), library), jnp.ones((1, 8, 8, 3))) == 0


class Mixed(nnx.Module):
    """A layer for kernels, dropout of Flax, and constants of both kinds."""

    def __init__(self):
        rngs = nnx.Rngs(0)
        self.layer = ConvNormReLU(3, 8, kernel=3, rngs=rngs)
        self.dropout = nnx.Dropout(0.25, rngs=rngs)
        self.scales = jnp.arange(8.0)
        self.table = nnx.Variable(jnp.full(8, 0.5))

    def __call__(self, x):
        return (self.dropout(self.layer(x)) * self.scales * self.table.get_value()).mean((1, 2))


@pytest.mark.heavy
def test_deep_products_of_matrices_are_left_to_xla(library):
    """Alone from 512 channels on, with a normalization from 1024."""
    rngs = nnx.Rngs(0)
    for channels, window, strides, alone, normalized in (
        (511, 1, 1, 1, 1), (512, 1, 1, 0, 1), (1024, 1, 1, 0, 0), (1024, 1, 2, 1, 1), (1024, 3, 1, 1, 1)
    ):  # fmt: skip
        x = jnp.ones((1, 4, 4, channels))
        plain = nnx.Conv(channels, 8, (window, window), strides, rngs=rngs)
        assert (called(with_kernels(plain, library), x) > 0) == alone
        layer = ConvNormReLU(channels, 8, kernel=window, stride=strides, rngs=rngs)
        assert (called(with_kernels(layer, library), x) > 0) == normalized


def test_constants_and_dropout_are_the_same(library):
    plain = Mixed()
    fast = with_kernels(plain, library)
    fast.scales = 0 * fast.scales  # those of the network count
    x, keys = jax.random.normal(jax.random.key(1), (4, 6, 6, 3)), jax.random.split(jax.random.key(2), 4)

    def computed(net):
        outputs, batch_stats = net.train(net.parameters, net.batch_stats, x, keys)
        return outputs.main, batch_stats, net(net.parameters, net.batch_stats, x)

    for other, own in zip(*map(jax.tree.leaves, map(computed, (Network(Mixed()), Network(plain, fast)))), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-6)


@pytest.mark.heavy
@pytest.mark.parametrize("groups", [2, 4, 10, 20])
def test_groups_of_channels_are_computed_as_by_xla(library, groups):
    """Values and gradients, to 1e-4 of each value, or 1e-5."""
    x = jax.random.normal(jax.random.key(1), (3, 7, 6, 20))
    plain = nnx.Conv(20, 40, (3, 3), strides=2, feature_group_count=groups, rngs=nnx.Rngs(0))
    own = with_kernels(plain, library)
    assert called(own, x) > 0

    def gradients(layer):
        return nnx.grad(lambda layer, x: jnp.sum(jnp.sin(layer(x))), argnums=(0, 1))(layer, x)

    np.testing.assert_allclose(own(x), plain(x), rtol=1e-4, atol=1e-5)
    for one, other in zip(*map(jax.tree.leaves, map(gradients, (own, plain))), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


LAYERS = {
    "depthwise": partial(ConvNorm, 6, 6, kernel=3, groups=6),
    "relu6": partial(ConvNormReLU6, 6, 8, kernel=3, stride=2),
    "depthwise, relu6": partial(ConvNormReLU6, 6, 6, kernel=3, groups=6),
    "norm first": partial(NormConv, 6, 8, kernel=3, epsilon=1e-3),
    "bias": partial(ConvNormReLU, 6, 8, kernel=3, bias=True),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_layers_train_as_by_xla(library, kind):
    """Outputs, statistics and gradients to 1e-4 of each value, or 1e-4 and that of the largest.

    Then evaluation by those statistics. The gradient of a bias before a normalization is zero; XLA gives 5e-5.
    """
    plain = LAYERS[kind](rngs=nnx.Rngs(0))
    plain.norm.scale[...] = plain.norm.scale[...] * 5  # so that ReLU6 meets its ceiling
    if plain.conv.bias is not None:
        plain.conv.bias[...] = jnp.linspace(-1.0, 1.0, 8)
    x = jax.random.normal(jax.random.key(1), (4, 7, 6, 6))

    def trained(layer):
        def loss(layer, x):
            y = layer(x)
            return jnp.sum(jnp.sin(y)), y

        layer.train()
        (_, y), gradients = nnx.value_and_grad(loss, argnums=(0, 1), has_aux=True)(layer, x)
        layer.eval()
        return y, gradients, nnx.state(layer, nnx.BatchStat), layer(x)

    own = with_kernels(plain, library)
    assert called(own, x) > 0
    for one, other in zip(*map(jax.tree.leaves, map(trained, (own, plain))), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * max(1, np.abs(other).max()))


SPECIAL = (np.nan, np.inf, -np.inf, -0.0, 1e-40)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("special", SPECIAL)
def test_special_values_go_back_through_a_layer_as_by_xla(library, special, training):
    """From its input and from the gradient behind it; what is finite to 1e-4 of each value, or of the largest.

    In evaluation the normalization's scale is in the filters: from opposite infinities its gradient has NaN.
    """
    plain = ConvNormReLU(6, 8, kernel=3, rngs=nnx.Rngs(0))
    plain.train() if training else plain.eval()
    x, dy = (jax.random.normal(jax.random.key(number), (2, 7, 6, size)) for number, size in ((1, 6), (2, 8)))

    def pulled(layer, x, dy):
        parameters, rest = nnx.state(layer, nnx.Param), nnx.state(layer, nnx.Not(nnx.Param))
        definition = nnx.graphdef(layer)
        y, back = jax.vjp(lambda p, x: nnx.merge(definition, p, rest, copy=True)(x), parameters, x)
        return y, back(dy)

    for given in ((x.at[1, 2, 3, 4].set(special), dy), (x, dy.at[1, 2, 3, 4].set(special))):
        own, other = (jax.tree.leaves(pulled(layer, *given)) for layer in (with_kernels(plain, library), plain))
        for one, another in zip(own, other, strict=True):
            if not training:
                one, another = (np.where(np.isfinite(array), array, np.nan) for array in (one, another))
            largest = np.abs(np.where(np.isfinite(another), another, 0)).max()
            np.testing.assert_allclose(one, another, rtol=1e-4, atol=1e-4 * largest)
