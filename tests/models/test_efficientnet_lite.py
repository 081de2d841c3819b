"""EfficientNet-Lite: sizes as published, and the same numbers as a plain loop."""

from functools import partial
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.models.base import abstract_network
from src.models.efficientnet_lite import scaled_width
from tests.models.networks import abstract, parameter_count, read, shapes, table


@pytest.mark.parametrize(
    ("size", "parameters", "side"),
    [
        (0, 4_652_008, 224),  # this and that of Lite2 are those of the published weights
        (1, 5_416_680, 240),
        (2, 6_092_072, 260),
        (3, 8_197_096, 280),
        (4, 13_006_568, 300),
    ],
)
def test_parameters_and_images_are_as_published(size, parameters, side):
    settings = read(f"efficientnet_lite{size}")
    assert parameter_count(abstract(settings)) == parameters
    assert settings.published == ((side, side, 3), 1000)


@pytest.mark.heavy
@pytest.mark.parametrize(("size", "millions"), [(0, 407), (1, 631), (2, 899), (3, 1440), (4, 2640)])
def test_multiplications_are_nearly_those_of_the_authors(size, millions):
    """Their profiler counts normalizations and nonlinearities, too."""
    rows = [row for row in table(read(f"efficientnet_lite{size}")) if row.kind in ("Conv", "Linear")]
    convolutions = sum(prod(row.output_shape[:2]) * row.parameters for row in rows[:-1])
    assert 1.03 < millions * 1e6 / (convolutions + 1280 * 1000) < 1.06


def test_stages_have_the_sizes_of_the_paper():
    rows = shapes(read("efficientnet_lite0"))
    assert [rows[f"blocks.{block}.project.conv"] for block in (0, 2, 4, 7, 10, 14, 15)] == [
        (112, 112, 16),
        (56, 56, 24),
        (28, 28, 40),
        (14, 14, 80),
        (14, 14, 112),
        (7, 7, 192),
        (7, 7, 320),
    ]
    assert rows["last.conv"] == (7, 7, 1280)


@pytest.mark.heavy
def test_first_and_last_layers_are_not_scaled():
    small, large = shapes(read("efficientnet_lite0")), shapes(read("efficientnet_lite4"))
    assert small["stem.conv"][-1] == large["stem.conv"][-1] == 32
    assert small["last.conv"][-1] == large["last.conv"][-1] == 1280
    assert "blocks.29.project.conv" in large
    assert "blocks.30.project.conv" not in large


@pytest.mark.parametrize(("width", "factor", "scaled"), [(24, 1.1, 24), (40, 1.1, 48), (24, 1.4, 32), (4, 1.0, 8)])
def test_channels_are_multiples_of_eight(width, factor, scaled):
    """40 times 1.1 is 44, halfway between two; 24 times 1.4 is 33.6."""
    assert scaled_width(width, factor) == scaled


def test_the_small_version_keeps_four_by_four_pixels():
    rows = table(read("efficientnet_lite0", small=True), (32, 32, 3), 7)
    assert [row.output_shape for row in rows[-4:]] == [(4, 4, 1280), (1280,), (1280,), (7,)]


def test_images_of_other_sizes_pass_through():
    assert table(read("efficientnet_lite1"), (33, 47, 2), 7)[-1].output_shape == (7,)


def test_a_size_that_does_not_exist_is_refused():
    with pytest.raises(UserError, match=r"size=5: .*0, 1, 2, 3 or 4"):
        read("efficientnet_lite0", size=5)


def plain(values, images, kernels, strides):
    """The same network as a loop over its arrays, with their names; TensorFlow's padding is written out."""

    def conv(x, name, stride=1):
        kernel = values[f"{name}.conv.kernel"]
        pads = []
        for side, length in zip(x.shape[1:3], kernel.shape[:2], strict=True):
            missing = max((-(-side // stride) - 1) * stride + length - side, 0)
            pads.append((missing // 2, missing - missing // 2))
        groups = x.shape[-1] // kernel.shape[2]
        y = jax.lax.conv_general_dilated(
            x, kernel, (stride, stride), pads, dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=groups
        )
        mean, var, scale, bias = (values[f"{name}.norm.{leaf}"] for leaf in ("mean", "var", "scale", "bias"))
        return (y - mean) / jnp.sqrt(var + 1e-3) * scale + bias

    def relu6(x):
        return jnp.minimum(jnp.maximum(x, 0), 6)

    x = relu6(conv(images, "stem", 2))
    for number, (kernel, stride) in enumerate(zip(kernels, strides, strict=True)):
        name, y = f"blocks.{number}", x
        if number:
            y = relu6(conv(y, f"{name}.expand"))
        assert values[f"{name}.depthwise.conv.kernel"].shape[:2] == (kernel, kernel)
        y = conv(relu6(conv(y, f"{name}.depthwise", stride)), f"{name}.project")
        x = x + y if y.shape == x.shape and number else y
    x = relu6(conv(x, "last")).mean((1, 2))
    return x @ values["head.kernel"] + values["head.bias"]


@pytest.mark.heavy
def test_it_computes_what_a_plain_loop_computes():
    """With other statistics than those that a network begins with, in double precision."""
    with jax.enable_x64(True):
        settings = read("efficientnet_lite0")
        module = abstract_network(settings, (65, 48, 3), 5)
        rng = np.random.default_rng(0)
        for path, variable in nnx.to_flat_state(nnx.state(module, (nnx.Param, nnx.BatchStat))):
            spread = np.sqrt(2 / prod(variable.shape[:-1])) if path[-1] == "kernel" else 0.1
            drawn = spread * rng.standard_normal(variable.shape)
            positive = path[-1] in ("scale", "var")
            variable.set_value(jnp.asarray(rng.uniform(0.5, 1.5, variable.shape) if positive else drawn))
        state = nnx.to_flat_state(nnx.state(module, (nnx.Param, nnx.BatchStat)))
        values = {".".join(map(str, path)): variable.get_value() for path, variable in state}
        images = jnp.asarray(rng.standard_normal((2, 65, 48, 3)))
        module.eval()
        definition, own = nnx.split(module)
        ours = jax.jit(lambda own, x: nnx.merge(definition, own)(x))(own, images)
        kernels = (3, 3, 3, 5, 5, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 3)
        strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
        theirs = jax.jit(partial(plain, kernels=kernels, strides=strides))(values, images)
    assert ours.dtype == jnp.float64
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
