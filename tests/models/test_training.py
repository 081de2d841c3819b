"""Every network learns: thirty steps on one batch halve its loss, and every parameter has a gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from src.models.functional import Network
from tests.models.networks import read

EXAMPLES, CLASSES, STEPS = 8, 10, 30
SMALL = (32, 32, 3)
# One network of each family, in its version for small images, as shallow as it comes.
NETWORKS = {
    "linear": {}, "dense": {}, "text_conv1d": {}, "table_conv1d": {}, "convnet": {}, "convnet_gmp": {}, "lenet5": {},
    "alexnet": {"small": True}, "zfnet": {"small": True}, "vgg9": {}, "resnet": {"depth": 8},
    "resnet_preact": {"depth": 8}, "wide_resnet": {"depth": 10, "width": 2}, "filter_stack": {},
    "resnet18": {"small": True}, "densenet_cifar": {"depth": 16}, "mobilenet": {"small": True, "width": 0.5},
    "squeezenet1_1": {"small": True},
    "googlenet": {"small": True, "variant": "torchvision", "auxiliary": True},
    "inception_v3": {"small": True, "variant": "torchvision", "auxiliary": True},
    "inception_resnet_v2": {"small": True}, "xception": {"small": True}, "resnext50_32x4d": {"small": True},
    "resnet50_v2": {"small": True}, "mobilenet_v2": {"small": True}, "vgg11": {"small": True, "batch_norm": True},
    "nasnet_mobile": {"small": True}, "efficientnet_lite0": {"small": True},
}  # fmt: skip


QUICK = ("dense", "text_conv1d", "table_conv1d", "convnet", "lenet5", "resnet")


def examples(shape):
    """Noise: texts of random words, or images."""
    if len(shape) == 1:
        return jax.random.randint(jax.random.key(1), (EXAMPLES, *shape), 0, 10000)
    return jax.random.normal(jax.random.key(1), (EXAMPLES, *shape))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.heavy if name in QUICK else pytest.mark.slow) for name in NETWORKS]
)
def test_a_network_learns_one_batch(name):
    settings = read(name, **NETWORKS[name])
    shape = SMALL if NETWORKS[name].get("small") else settings.published.input_shape
    network = Network(settings.build(shape, CLASSES, rngs=nnx.Rngs(0)))
    inputs = examples(shape)
    labels = jnp.arange(EXAMPLES) % CLASSES
    keys = jax.random.split(jax.random.key(2), EXAMPLES)

    def loss(parameters, batch_stats):
        outputs, after = network.train(parameters, batch_stats, inputs, keys)
        entropy = optax.softmax_cross_entropy_with_integer_labels
        value = entropy(outputs.main, labels).mean()
        for auxiliary in outputs.auxiliary:
            value += outputs.weight * entropy(auxiliary, labels).mean()
        return value, after

    optimizer = optax.adam(1e-3)

    @jax.jit
    def step(parameters, batch_stats, state):
        (value, statistics), slope = jax.value_and_grad(loss, has_aux=True)(parameters, batch_stats)
        updates, state = optimizer.update(slope, state)
        return optax.apply_updates(parameters, updates), statistics, state, value, slope

    parameters, batch_stats = network.parameters, network.batch_stats
    state, losses, seen = optimizer.init(parameters), [], jax.tree.map(lambda leaf: False, parameters)
    for _ in range(STEPS):
        parameters, batch_stats, state, value, slope = step(parameters, batch_stats, state)
        losses.append(float(value))
        seen = jax.tree.map(lambda ever, leaf: ever or bool(np.abs(leaf).max() > 0), seen, slope)
    assert losses[-1] < losses[0] / 2, losses
    silent = [jax.tree_util.keystr(path) for path, ever in jax.tree.leaves_with_path(seen) if not ever]
    assert silent == []
