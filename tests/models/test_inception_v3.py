import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.layers.branches import Branches, Conv
from src.layers.dropout import give_keys
from src.models.base import Heads
from src.models.inception_v3 import VARIANTS
from src.models.tracing import abstract_rngs
from tests.models.networks import abstract, parameter_count, read, shapes, total_count

pytestmark = pytest.mark.heavy  # deep networks take seconds each to trace


def outputs(settings, shape, *, training):
    def run():
        model = settings.build(shape, 7, rngs=abstract_rngs())
        model.train() if training else model.eval()
        give_keys(model, jax.random.split(jax.random.key(0), 2))
        return model(jnp.zeros((2, *shape)))

    return jax.eval_shape(run)


def test_parameter_counts_are_those_of_keras():
    model = abstract(read("inception_v3"))
    assert total_count(model) == 23_851_784
    assert parameter_count(model) == 23_817_352


@pytest.mark.parametrize(("auxiliary", "parameters"), [(False, 23_834_568), (True, 27_161_264)])
def test_parameter_counts_are_those_of_torchvision(auxiliary, parameters):
    assert parameter_count(abstract(read("inception_v3", variant="torchvision", auxiliary=auxiliary))) == parameters


def test_maps_have_the_sizes_of_the_paper():
    found = shapes(read("inception_v3"))
    convs = [found[f"stem.layers.{place}.conv"] for place in (0, 1, 2, 4, 5)]
    assert convs == [(149, 149, 32), (147, 147, 32), (147, 147, 64), (73, 73, 80), (71, 71, 192)]
    assert [found[f"stem.layers.{place}"] for place in (3, 6)] == [(73, 73, 64), (35, 35, 192)]
    pools = [found[f"before.layers.{place}.branches.3.layers.0"] for place in (0, 1, 2, 4, 7)]
    assert pools == [(35, 35, 192), (35, 35, 256), (35, 35, 288), (17, 17, 768), (17, 17, 768)]
    assert found["after.layers.1.branches.3.layers.0"] == (8, 8, 1280)
    assert found["pool"] == (2048,)


@pytest.mark.parametrize(("side", "sides"), [(32, (26, 12, 5)), (28, (22, 10, 4))])
def test_the_small_version_takes_small_images(side, sides):
    found = shapes(read("inception_v3", small=True), (side, side, 1), 10)
    names = ("before.layers.0", "before.layers.4", "after.layers.1")
    assert tuple(found[f"{name}.branches.3.layers.0"][0] for name in names) == sides


def test_the_auxiliary_classifier_speaks_in_training_only():
    settings = read("inception_v3", variant="torchvision", auxiliary=True, small=True)
    found = outputs(settings, (28, 28, 1), training=True)
    assert isinstance(found, Heads)
    assert [found.main.shape, *(head.shape for head in found.auxiliary)] == [(2, 7), (2, 7)]
    assert outputs(settings, (28, 28, 1), training=False).shape == (2, 7)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("small", "auxiliary", "smallest"), [(False, False, 75), (False, True, 299), (True, False, 13), (True, True, 25)]
)
def test_the_smallest_image_is_the_smallest_that_works(small, auxiliary, smallest):
    settings = read("inception_v3", variant="torchvision", small=small, auxiliary=auxiliary)
    found = outputs(settings, (smallest, smallest, 3), training=True)
    assert (found.main if auxiliary else found).shape == (2, 7)
    with pytest.raises(UserError, match=f"Inception-v3 takes images of at least {smallest}x{smallest}, not"):
        settings.build((smallest, smallest - 1, 3), 7, rngs=nnx.Rngs(0))


def test_keras_has_no_auxiliary_classifier():
    with pytest.raises(UserError, match="auxiliary=True: Keras has no auxiliary classifier; nearest"):
        read("inception_v3", auxiliary=True)


@pytest.mark.parametrize(("variant", "corner"), [("keras", 1.0), ("torchvision", 4 / 9)])
def test_torchvision_counts_the_zeros_around_the_image(variant, corner):
    average = VARIANTS[variant].average()(jnp.ones((1, 4, 4, 1)))
    assert average[0, 0, 0, 0] == pytest.approx(corner)
    assert average[0, 1, 1, 0] == pytest.approx(1.0)


def test_branches_within_branches_are_concatenated_in_their_order():
    def conv(inputs, outputs, **options):
        return nnx.Conv(inputs, outputs, (1, 1), rngs=nnx.Rngs(outputs))

    module = Branches(3, ((Conv(2),), (Conv(4), ((Conv(1),), (Conv(3),)))), conv, lambda: None)
    x = jax.random.normal(jax.random.key(0), (1, 2, 2, 3))
    first, second = (branch.layers for branch in module.branches)
    stem = second[0](x)
    inner = [branch(stem) for branch in second[1].branches]
    np.testing.assert_array_equal(module(x), jnp.concatenate([first[0](x), *inner], axis=-1))
    assert module.outputs == 6
