import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from src.config.errors import UserError
from tests.models.networks import read, table


def test_the_network_is_that_of_the_chapter():
    rows = table(read("text_conv1d"))
    assert sum(row.parameters for row in rows) == 1_315_937
    assert [row.output_shape for row in rows] == [(500, 128), (494, 32), (98, 32), (92, 32), (32,), (1,)]


@pytest.mark.parametrize("length", [41, 100])
def test_texts_of_other_lengths_pass_through(length):
    tokens = jnp.zeros((2, length), jnp.int32)
    out = jax.eval_shape(lambda: read("text_conv1d", vocabulary=20).build((length,), 3, rngs=nnx.Rngs(0))(tokens))
    assert out.shape == (2, 3)


def test_the_shortest_text_is_named():
    with pytest.raises(UserError, match="40 tokens are too short for text_conv1d; at least 41"):
        read("text_conv1d").build((40,), 1, rngs=nnx.Rngs(0))


@pytest.mark.heavy
def test_a_phrase_counts_wherever_it_stands():
    """Moved by the stride of the pool, a phrase in a text of padding gives the same logit."""
    net = read("text_conv1d", vocabulary=20).build((100,), 1, rngs=nnx.Rngs(0))
    text = jnp.zeros((1, 100), jnp.int32).at[0, 40:45].set(jnp.arange(1, 6))
    assert jnp.allclose(net(text), net(jnp.roll(text, 5, axis=1)), atol=1e-5)
    assert not jnp.allclose(net(text), net(text[:, ::-1]), atol=1e-5)


@pytest.mark.heavy
def test_weights_begin_as_in_keras():
    """Between -0.05 and 0.05 for words, and between -x and x, x² = 6 / (inputs + outputs of a filter), for kernels."""
    net = read("text_conv1d").build((500,), 1, rngs=nnx.Rngs(0))
    kernels = [(net.conv1.kernel, 7 * (128 + 32)), (net.conv2.kernel, 7 * (32 + 32)), (net.head.kernel, 32 + 1)]
    for weights, limit in [(net.embedding.embedding, 0.05), *((kernel, (6 / n) ** 0.5) for kernel, n in kernels)]:
        assert 0.8 * limit < jnp.abs(weights[...]).max() <= limit
        assert jnp.std(weights[...]) == pytest.approx(limit / 3**0.5, rel=0.25)


def test_the_last_four_words_of_a_text_are_not_seen():
    """The first pooling, by 5, takes 490 of its 494 places."""
    net = read("text_conv1d", vocabulary=20).build((500,), 1, rngs=nnx.Rngs(0))
    text = jax.random.randint(jax.random.key(0), (1, 500), 3, 20)

    def pooled(tokens):
        return net.pool1(net.conv1(net.embedding(tokens)))

    assert jnp.array_equal(pooled(text), pooled(text.at[0, -4:].set(1)))
    assert not jnp.array_equal(pooled(text), pooled(text.at[0, -5].set(1)))
