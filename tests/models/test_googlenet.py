from math import prod

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.layers.blocks import ConvReLU
from src.layers.dropout import give_keys
from src.layers.pooling import AdaptiveAveragePool
from src.models.base import Heads
from src.models.googlenet import Inception, Widths
from src.models.summary import layers
from src.models.tracing import abstract_rngs
from tests.models.networks import abstract, parameter_count, read, shapes


# torchvision's own; the paper's from its Table 1 with biases: 6,998,552, and 3,188,840 + 3,190,888 in the classifiers.
@pytest.mark.parametrize(
    ("variant", "auxiliary", "parameters"),
    [
        ("torchvision", False, 6_624_904),
        ("torchvision", True, 13_004_888),
        ("paper", False, 6_998_552),
        ("paper", True, 13_378_280),
    ],
)
def test_parameter_counts(variant, auxiliary, parameters):
    settings = read("googlenet", variant=variant, auxiliary=auxiliary)
    assert parameter_count(abstract(settings)) == parameters


@pytest.mark.parametrize("variant", ["paper", "torchvision"])
def test_maps_have_the_sizes_of_the_paper(variant):
    found = shapes(read("googlenet", variant=variant))
    assert [found[f"stem.{place}"] for place in (1, 6)] == [(56, 56, 64), (28, 28, 192)]
    assert [found[f"body.{name}.pool"] for name in ("3b", "4b", "4e", "5b")] == [
        (28, 28, 256),
        (14, 14, 512),
        (14, 14, 528),
        (7, 7, 832),
    ]
    assert found["body.pool3"] == (14, 14, 480)
    assert found["body.pool4"] == (7, 7, 832)
    assert found["pool"] == (1024,)


def test_the_reduced_module_of_the_chapter_multiplies_271_million_times():
    def module():
        return Inception(
            256, Widths(128, 64, 192, 64, 96, 64), conv=lambda *a, **k: ConvReLU(*a, **k, rngs=nnx.Rngs(0))
        )

    convs = [row for row in layers(module, (28, 28, 256)) if row.kind == "Conv"]
    assert len(convs) == 6
    kernels = [next(shape for shape in row.tensors if len(shape) == 4) for row in convs]
    assert sum(28 * 28 * prod(kernel) for kernel in kernels) == 271_351_808
    assert sum(row.multiplications for row in convs) == 271_351_808
    assert jax.eval_shape(lambda: module()(jnp.zeros((1, 28, 28, 256)))).shape == (1, 28, 28, 480)


@pytest.mark.heavy
def test_branches_stand_in_the_order_of_the_paper():
    module = Inception(2, Widths(1, 1, 2, 1, 3, 4), conv=lambda *a, **k: ConvReLU(*a, **k, rngs=nnx.Rngs(0)))
    x = jax.random.normal(jax.random.key(0), (1, 5, 5, 2))
    y = module(x)
    np.testing.assert_allclose(y[..., :1], module.one(x), rtol=1e-6)
    np.testing.assert_allclose(y[..., 3:6], module.five(module.reduced_five(x)), rtol=1e-6)
    np.testing.assert_allclose(y[..., 6:], module.pooled(module.pool(x)), rtol=1e-6)


@pytest.mark.heavy
@pytest.mark.parametrize("variant", ["paper", "torchvision"])
def test_auxiliary_classifiers_speak_in_training_only(variant):
    def outputs(training):
        model = read("googlenet", variant=variant, small=True).build((32, 32, 3), 7, rngs=abstract_rngs())
        model.train() if training else model.eval()
        give_keys(model, jax.random.split(jax.random.key(0), 2))
        return model(jnp.zeros((2, 32, 32, 3)))

    found = jax.eval_shape(lambda: outputs(training=True))
    assert isinstance(found, Heads)
    assert found.main.shape == (2, 7)
    assert [head.shape for head in found.auxiliary] == [(2, 7)] * 2
    assert jax.eval_shape(lambda: outputs(training=False)).shape == (2, 7)


@pytest.mark.parametrize(("side", "sides"), [(32, (32, 16, 8)), (28, (28, 14, 7))])
def test_the_small_version_sees_small_images_as_the_paper_sees_large_ones(side, sides):
    found = shapes(read("googlenet", small=True), (side, side, 1))
    assert tuple(found[f"body.{name}.pool"][0] for name in ("3a", "4a", "5a")) == sides


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("auxiliary", [False, True])
@pytest.mark.parametrize("variant", ["paper", "torchvision"])
def test_the_smallest_image_is_the_smallest_that_works(variant, auxiliary, small):
    settings = read("googlenet", variant=variant, auxiliary=auxiliary, small=small, dropout=0.0)
    with pytest.raises(UserError, match="GoogLeNet takes images of at least") as refusal:
        settings.build((1, 500, 3), 10, rngs=nnx.Rngs(0))
    side = int(str(refusal.value).split("at least ")[1].split("x")[0])

    def outputs():
        model = settings.build((side, side + 9, 3), 10, rngs=abstract_rngs())
        give_keys(model, jax.random.split(jax.random.key(0), 2))
        return model(jnp.zeros((2, side, side + 9, 3)))

    assert {leaf.shape for leaf in jax.tree.leaves(jax.eval_shape(outputs))} <= {(2, 10), ()}
    with pytest.raises(UserError, match=f"not {side - 1}x{side}"):
        settings.build((side - 1, side, 3), 10, rngs=nnx.Rngs(0))


def test_averages_to_four_by_four_are_those_of_torchvision():
    x = jax.random.normal(jax.random.key(0), (1, 14, 6, 2))
    y = AdaptiveAveragePool(4)(x)
    np.testing.assert_allclose(y[:, 1, 0], x[:, 3:7, 0:2].mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(y[:, 3, 3], x[:, 10:14, 4:6].mean((1, 2)), rtol=1e-5)


def test_dropout_leaves_something():
    with pytest.raises(UserError, match=r"dropout=1\.0: should be less than 1"):
        read("googlenet", dropout=1.0)
