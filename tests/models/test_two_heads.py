import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from src.config.errors import UserError
from tests.models.networks import abstract, parameter_count, read


def test_the_network_of_the_chapter_has_alexnets_layers_and_one_head_more():
    two, one = read("two_heads"), read("alexnet")
    shape = one.published.input_shape
    out = jax.eval_shape(lambda: two.build(shape, 1000, rngs=nnx.Rngs(0)))
    assert out.hidden.kernel.shape[1] == 4096
    assert out.head.kernel.shape == (4096, 1000)
    assert out.box.kernel.shape == (4096, 4)
    second = 4096 * 4096 + 4096  # of AlexNet's two wide layers the first is there
    assert parameter_count(out) == parameter_count(abstract(one)) - second + 4096 * 4 + 4


@pytest.mark.heavy
def test_both_heads_see_the_same_features():
    net = read("two_heads", body={"kind": "convnet", "collect": "flatten", "filters": [4] * 5, "batch_norm": False})
    with pytest.raises(UserError):
        net.build((8, 8, 3), 3, rngs=nnx.Rngs(0))
    built = net.model_copy(update={"hidden": None}).build((24, 24, 3), 3, rngs=nnx.Rngs(0))
    built.eval()
    found = built(jnp.ones((2, 24, 24, 3)))
    features = built.body(jnp.ones((2, 24, 24, 3)))
    assert jnp.allclose(found["box"], built.box(features))
    assert jnp.allclose(found["class"], built.head(features))
