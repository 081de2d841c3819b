"""What holds of every attack, whatever the network and the images."""

import jax
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from src.config.errors import UserError
from src.synthesis import auto_projected_gradient, projected_gradient
from src.synthesis.ascent import TargetedAscent
from src.synthesis.auto_projected_gradient import APGD, checkpoints
from src.synthesis.balls import as_bytes
from src.synthesis.classifier import as_pixels, of_module
from src.synthesis.gradient_sign import FGSM
from src.synthesis.projected_gradient import PGD
from src.synthesis.robustness import scores, successes
from tests.synthesis.made import COLOURED, SHAPE, Convolutions, convolutions, grey, images, linear

NETWORK = convolutions()
KEY = jax.random.key(0)
ATTACKS = [
    FGSM(),
    FGSM(norm="l2", targeted=True),
    PGD(steps=4, restarts=2),
    PGD(norm="l2", steps=4),
    PGD(norm="l2", steps=3, step_size=0.5, targeted=True),
    APGD(steps=6),
    APGD(norm="l2", steps=6, loss="dlr", restarts=2),
    APGD(steps=6, loss="dlr", targeted=True),
    TargetedAscent(steps=3),
    TargetedAscent(norm="linf", steps=3),
]
SHORT = [attack for attack in ATTACKS if not attack.targeted]


def answers(network, pictures):
    return scores(network, pictures).argmax(1)


def distance(changed, pictures, norm):
    """In double precision, of the exact values."""
    change = np.abs(changed.astype(np.float64) - as_pixels(pictures).astype(np.float64)).reshape(len(pictures), -1)
    return change.max(1) if norm == "linf" else np.sqrt((change**2).sum(1))


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
@settings(max_examples=8, deadline=None)
@given(epsilon=st.floats(0, 1), seed=st.integers(0, 99), extreme=st.booleans())
def test_no_attack_leaves_the_ball_or_the_pixel_range(attack, epsilon, seed, extreme):
    pictures = images(seed=seed)
    if extreme:
        pictures = np.where(pictures > 127, np.uint8(255), np.uint8(0))
    changed = attack(NETWORK, pictures, np.arange(7) % 4, epsilon, jax.random.key(seed))
    assert changed.dtype == np.float32
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert distance(changed, pictures, attack.norm).max() <= epsilon
    stored = as_bytes(changed, pictures, epsilon, attack.norm)
    levels = np.abs(stored.astype(np.float64) - pictures).reshape(len(pictures), -1) / 255
    norms = levels.max(1) if attack.norm == "linf" else np.sqrt((levels**2).sum(1))
    assert norms.max() <= epsilon + 1e-8
    assert np.abs(stored / 255 - changed).max() <= 1.001 / 255


@pytest.mark.parametrize("epsilon", [level / 255 for level in (1, 2, 4, 8, 16)])
def test_whole_levels_survive_rounding(epsilon):
    pictures = np.full((1, *SHAPE), 100, np.uint8)
    changed = FGSM()(NETWORK, pictures, np.zeros(1, int), epsilon, KEY)
    stored = as_bytes(changed, pictures, epsilon, "linf")
    assert {*np.unique(np.abs(stored.astype(int) - 100))} <= {0, round(255 * epsilon)}


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_epsilon_0_gives_the_images_back(attack):
    labels = np.arange(7) % 4
    assert np.array_equal(attack(NETWORK, images(), labels, 0.0, KEY), as_pixels(images()))
    (share,) = successes(attack, NETWORK, images(), labels, [0.0], KEY)
    assert share.number == ((answers(NETWORK, images()) == labels) == attack.targeted).sum()


@pytest.mark.parametrize("attack", SHORT, ids=str)
def test_the_same_seed_gives_the_same_bits_in_batches_of_any_size(attack):
    labels = answers(NETWORK, images())
    one = attack(NETWORK, images(), labels, 0.1, KEY)
    assert np.array_equal(one, attack(NETWORK, images(), labels, 0.1, KEY))
    small = type(attack)(**{**vars(attack), "batch_size": 3})
    np.testing.assert_allclose(one, small(NETWORK, images(), labels, 0.1, KEY), atol=1e-5)
    if not isinstance(attack, FGSM):
        assert not np.array_equal(one, attack(NETWORK, images(), labels, 0.1, jax.random.key(1)))


@pytest.mark.heavy
@pytest.mark.parametrize("training", [True, False])
def test_the_module_stays_as_it_is_and_is_evaluated(training):
    module = Convolutions()
    module.train() if training else module.eval()
    definition, before = nnx.graphdef(module), jax.device_get(nnx.to_pure_dict(nnx.state(module, nnx.Param, ...)[0]))
    statistics = jax.device_get(nnx.to_pure_dict(nnx.state(module, nnx.BatchStat)))
    network = of_module(module, COLOURED)
    PGD(steps=2)(network, images(), np.zeros(7, int), 0.1, KEY)
    assert nnx.graphdef(module) == definition
    after = nnx.to_pure_dict(nnx.state(module, nnx.Param, ...)[0]), nnx.to_pure_dict(nnx.state(module, nnx.BatchStat))
    assert jax.tree.all(jax.tree.map(np.array_equal, (before, statistics), after))
    module.eval()
    expected = module((images().astype(np.float32) - COLOURED.mean) / COLOURED.std)
    np.testing.assert_allclose(scores(network, images()), expected, atol=1e-4)


@pytest.mark.heavy
@pytest.mark.parametrize("attack", [PGD(steps=3, step_size=1.0), APGD(steps=6), PGD(norm="l2", steps=4)], ids=str)
def test_an_attack_is_never_weaker_than_its_start_or_than_nothing(attack):
    pictures, labels = images(40), answers(NETWORK, images(40))
    changed = attack(NETWORK, pictures, labels, 0.1, KEY)
    start = PGD(norm=attack.norm, steps=0)(NETWORK, pictures, labels, 0.1, KEY)

    def lead(found):
        own = found[np.arange(40), labels]
        return np.where(np.arange(4) == labels[:, None], -np.inf, found).max(1) - own

    assert (lead(scores(NETWORK, changed)) >= lead(scores(NETWORK, start)) - 1e-5).all()
    assert (lead(scores(NETWORK, start)) >= lead(scores(NETWORK, pictures)) - 1e-5).all()


@pytest.mark.heavy
def test_more_steps_and_restarts_turn_more():
    pictures, labels = images(60), answers(NETWORK, images(60))
    counts = [
        successes(attack, NETWORK, pictures, labels, [0.1], KEY)[0].number
        for attack in (PGD(steps=1, restarts=1), PGD(steps=20, restarts=1), PGD(steps=20, restarts=4))
    ]
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]


@pytest.fixture
def two_classes():
    rng = np.random.default_rng(3)
    return rng.normal(size=(2, *SHAPE)).astype(np.float32)


@pytest.mark.heavy
def test_the_fast_gradient_sign_is_the_optimum_of_a_linear_network(two_classes):
    network, labels, epsilon = linear(two_classes), np.zeros(5, int), 0.05
    changed = FGSM()(network, grey(), labels, epsilon, KEY)
    direction = two_classes[1] - two_classes[0]
    np.testing.assert_allclose(changed, grey() + epsilon * np.sign(direction), atol=1e-6)

    def lead(found):
        return found[:, 1] - found[:, 0]

    gained = lead(scores(network, changed)) - lead(scores(network, grey()))
    np.testing.assert_allclose(gained, epsilon * np.abs(direction).sum(), rtol=1e-4)
    for attack in (PGD(), APGD(steps=20)):
        np.testing.assert_allclose(attack(network, grey(), labels, epsilon, KEY), changed, atol=1e-6)


@pytest.mark.parametrize(
    "attack", [FGSM(norm="l2"), PGD(norm="l2", steps=60, step_size=0.1), APGD(norm="l2", steps=40)], ids=str
)
def test_the_gradient_is_the_optimum_of_a_linear_network(attack, two_classes):
    changed = attack(linear(two_classes), grey(), np.zeros(5, int), 0.5, KEY)
    direction = two_classes[1] - two_classes[0]
    best = 0.5 * direction / np.linalg.norm(direction)
    np.testing.assert_allclose(changed, grey() + best, atol=2e-4)


@pytest.mark.heavy
def test_scaled_scores_hide_gradients_of_the_cross_entropy_and_not_of_the_ratio():
    rng = np.random.default_rng(5)
    weights = 1e4 * rng.normal(size=(3, *SHAPE)).astype(np.float32)
    network, pictures = linear(weights), grey(20)
    labels = answers(network, pictures)
    (hidden,), (found,) = (
        successes(attack, network, pictures, labels, [0.2], KEY)
        for attack in (FGSM(), APGD(loss="dlr", steps=10))
    )  # fmt: skip
    assert hidden.number < found.number == 20


@pytest.mark.heavy
def test_a_targeted_attack_reaches_its_class_and_stops_there():
    pictures, labels = grey(12), answers(NETWORK, grey(12))
    wanted = (labels + 1) % 4
    attack = TargetedAscent(step_size=0.05, steps=400)
    changed = attack(NETWORK, pictures, wanted, 50.0, KEY)
    assert (answers(NETWORK, changed) == wanted).all()
    found = distance(changed, pictures, "l2")
    further = TargetedAscent(step_size=0.05, steps=800)(NETWORK, pictures, wanted, 50.0, KEY)
    assert np.array_equal(changed, further)
    assert found.min() > 0


@pytest.mark.parametrize(
    ("attack", "climbed"),
    [(PGD(steps=4, restarts=2), projected_gradient._climbed), (APGD(steps=6), auto_projected_gradient._climbed)],
    ids=["PGD", "APGD"],
)
def test_the_steps_are_compiled_once_for_all_starts_and_epsilons(attack, climbed):
    labels = np.arange(7) % 4
    before = climbed._cache_size()
    attack(NETWORK, images(), labels, 0.1, KEY)
    attack(NETWORK, images(seed=1), labels, 0.2, jax.random.key(1))
    assert climbed._cache_size() <= before + 1


@pytest.mark.parametrize("attack", [PGD(steps=0), APGD(steps=0), APGD(steps=1), APGD(steps=3)], ids=str)
def test_few_steps_are_taken_too(attack):
    pictures = images()
    changed = attack(NETWORK, pictures, np.arange(7) % 4, 0.1, KEY)
    assert distance(changed, pictures, attack.norm).max() <= 0.1


def test_checkpoints_are_those_of_the_paper():
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert checkpoints(3) == [1, 2, 3]


@pytest.mark.parametrize(
    ("attack", "epsilon", "said"),
    [
        (FGSM(), -0.1, "epsilon=-0.1: should be from 0 to 1"),
        (PGD(), 8.0, "epsilon=8: should be from 0 to 1, in units of the pixel range; 8 levels are 8/255"),
        (APGD(), float("nan"), "epsilon=nan: should be from 0 to 1"),
        (PGD(norm="l2"), -1.0, "epsilon=-1: should not be negative"),
    ],
    ids=str,
)
def test_epsilon_is_checked(attack, epsilon, said):
    with pytest.raises(UserError, match=said):
        attack(NETWORK, images(), np.zeros(7, int), epsilon, KEY)


def test_images_and_classes_are_checked(two_classes):
    with pytest.raises(UserError, match="images are uint8, or floating-point numbers from 0 to 1"):
        FGSM()(NETWORK, 255 * grey(), np.zeros(5, int), 0.1, KEY)
    with pytest.raises(UserError, match="loss=dlr compares the three highest scores, and the network has 2 classes"):
        APGD(loss="dlr")(linear(two_classes), grey(), np.zeros(5, int), 0.1, KEY)
