import jax
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.models.squeezenet import Fire
from tests.models.networks import abstract, parameter_count, read, table


@pytest.mark.parametrize(("name", "parameters"), {"squeezenet1_0": 1_248_424, "squeezenet1_1": 1_235_496}.items())
def test_parameter_counts_are_those_of_torchvision(name, parameters):
    assert parameter_count(abstract(read(name))) == parameters


@pytest.mark.parametrize(
    ("name", "sizes"), {"squeezenet1_0": [109, 54, 27, 13], "squeezenet1_1": [111, 55, 27, 13]}.items()
)
def test_last_windows_hang_over_the_edge(name, sizes):
    rows = table(read(name), (224, 224, 3), 1000)
    sides = [row.output_shape[0] for row in rows if row.name == "stem" or row.kind == "MaxPool"]
    assert sides == sizes
    assert [row.output_shape for row in rows[-2:]] == [(13, 13, 1000), (1000,)]


@pytest.mark.parametrize("name", ["squeezenet1_0", "squeezenet1_1"])
@pytest.mark.parametrize(("shape", "side"), [((32, 32, 3), 8), ((28, 28, 1), 7)])
def test_the_small_version_keeps_a_quarter_of_the_side(name, shape, side):
    *_, last, pooled = table(read(name, small=True), shape, 7)
    assert last.output_shape == (side, side, 7)
    assert pooled.output_shape == (7,)


def test_a_fire_module_puts_its_expansions_side_by_side():
    fire = Fire(6, 2, 3, rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (1, 4, 4, 6))
    squeezed = nnx.relu(fire.squeeze(x))
    assert squeezed.shape == (1, 4, 4, 2)
    np.testing.assert_allclose(fire(x)[..., :3], nnx.relu(fire.expand1(squeezed)), rtol=1e-6)
    np.testing.assert_allclose(fire(x)[..., 3:], nnx.relu(fire.expand3(squeezed)), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "small", "smallest"),
    [("squeezenet1_0", False, 21), ("squeezenet1_1", False, 17), ("squeezenet1_0", True, 4)],
)
def test_images_that_are_too_small_are_refused(name, small, smallest):
    settings, side = read(name, small=small), smallest - 1
    with pytest.raises(UserError, match=f"at least {smallest}x{smallest}, not {side}x{side}"):
        settings.build((side, side, 3), 10, rngs=nnx.Rngs(0))
    assert table(settings, (smallest, smallest, 3), 7)[-1].output_shape == (7,)
