"""A published network falls as undefended networks do, and to us as to foolbox; skipped where its weights are not."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from benchmarks.engines import run_settings_of
from benchmarks.published import DEVIATION, MEAN, NETWORKS
from src.data.batches import Constants
from src.data.cache import cache_home
from src.data.examples import LABEL
from src.pretrained import li2018
from src.pretrained.importer import TORCH, put_weights, read_arrays
from src.randomness import at
from src.synthesis.attack import Victims
from src.synthesis.classifier import as_pixels, of_module
from src.synthesis.gradient_sign import FGSM
from src.synthesis.projected_gradient import PGD, start
from src.synthesis.robustness import scores, successes
from tests.conftest import LI

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not LI.exists(), reason="the weights of Li et al. are not here"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # foolbox imports names that SciPy has moved
    pytest.mark.skipif(not (cache_home() / "cifar10-original").exists(), reason="CIFAR-10 is not here"),
]
EPSILON, SIZE, STEPS = 8 / 255, 2 / 255, 20
KEY = jax.random.key(0)


@cache
def published(name, images):
    """A network and test images."""
    settings = run_settings_of(f"+experiment={NETWORKS[name].experiment}")
    test = settings.dataset().test[:images]
    module = settings.model.build(test.inputs.shape[1:], 10, rngs=nnx.Rngs(0))
    put_weights(module, read_arrays(LI / NETWORKS[name].file), li2018.resnet(56), TORCH, None)
    constants = Constants(MEAN.reshape(1, 1, -1), DEVIATION.reshape(1, 1, -1))
    return of_module(module, constants), test.inputs, test.targets[LABEL].astype(np.int32)


@pytest.mark.parametrize("name", NETWORKS)
def test_projected_gradients_leave_at_most_one_right_answer_in_a_hundred(name):
    network, images, labels = published(name, 200)
    right = (scores(network, images).argmax(1) == labels).mean()
    assert right > 0.84
    (turned,) = successes(PGD(steps=STEPS, step_size=SIZE), network, images, labels, [EPSILON], KEY)
    assert 1 - turned.share <= 0.01


def theirs(attack, epsilon, network, images, labels):
    """Whether images are turned by foolbox, whose network normalizes by our constants."""
    foolbox = pytest.importorskip("foolbox")
    eagerpy = pytest.importorskip("eagerpy")
    model = foolbox.JAXModel(jax.jit(lambda pixels: network(pixels)), bounds=(0, 1))
    pixels = eagerpy.astensor(jnp.asarray(as_pixels(images)))
    found = attack.run(model, pixels, foolbox.Misclassification(eagerpy.astensor(jnp.asarray(labels))), epsilon=epsilon)
    return scores(network, np.clip(np.asarray(found.raw), 0, 1)).argmax(1) != labels


def test_one_step_turns_the_images_that_it_turns_in_foolbox():
    attacks = pytest.importorskip("foolbox.attacks")
    network, images, labels = published("ResNet-56", 50)
    ours = scores(network, FGSM()(network, images, labels, EPSILON, KEY)).argmax(1) != labels
    found = theirs(attacks.LinfFastGradientAttack(), EPSILON, network, images, labels)
    assert (ours == found).mean() >= 0.98
    assert not ours.all()


@pytest.mark.parametrize(("size", "steps", "epsilon"), [(SIZE, STEPS, EPSILON), (0.25 / 255, 5, 1 / 255)])
def test_we_are_not_weaker_than_foolbox_from_the_same_starts(size, steps, epsilon):
    """With few short steps neither succeeds always, so the two can be told apart."""
    attacks = pytest.importorskip("foolbox.attacks")
    network, images, labels = published("ResNet-56", 50)
    keys = jax.vmap(lambda number: at(KEY, number))(jnp.arange(len(images)))
    attack = PGD(steps=steps, step_size=size)
    begun = start(attack, Victims(jnp.asarray(as_pixels(images)), jnp.asarray(labels), jnp.float32(epsilon), keys), 0)

    class Same(attacks.LinfPGD):
        def get_random_start(self, x0, epsilon):
            return type(x0)(begun)

    found = theirs(Same(abs_stepsize=size, steps=steps), epsilon, network, images, labels)
    ours = scores(network, attack(network, images, labels, epsilon, KEY)).argmax(1) != labels
    assert ours.sum() >= found.sum()
    assert ours.mean() - found.mean() <= 0.02
