"""The experiments are the papers' recipes, to the number."""

import re
from dataclasses import replace
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from src.config.duration import Clock, Duration
from src.config.place import CONF
from src.models.base import abstract_network
from src.training.limits import Limits
from src.training.plan import make_plan
from src.training.schedules.base import WarmupSettings
from src.training.schedules.constant import Constant
from src.training.schedules.cosine import Cosine
from src.training.schedules.one_cycle import OneCycle
from src.training.schedules.plateau import Plateau, steered_scale
from src.training.schedules.step import Step
from tests.models.networks import parameter_count

QUICK = {"detection_shapes", "localisation_shapes", "segmentation_shapes"}  # fewer images than the quick profile has
FOLDERS = {"segmentation_camvid"}  # of images that a person has to have
OWN_IMAGES = {"transfer_augmented", "transfer_cached"}  # their images and weights are a person's own
EXPERIMENTS = sorted({path.stem for path in (CONF / "experiment").glob("*.yaml")} - QUICK - FOLDERS - OWN_IMAGES)
DEEPER = ("resnet32", "resnet44", "resnet110", "wrn56_4", "wrn56_8")
"""Networks of families of which CI builds others."""
DEPTHS = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962}

PARAMETERS = {f"resnet{depth}{suffix}": count for depth, count in DEPTHS.items() for suffix in ("", "_noskip")} | {
    "convnet_fig9": 703_594, "convnet_gmp_fig10": 179_306, "dense_cifar10": 61_935, "linear_mnist": 7_850,
    "lenet5_mnist": 61_706, "alexnet_cifar10": 3_491_722, "resnet110_preact": 1_727_962, "resnet164_preact": 1_703_258,
    "wrn28_10": 36_479_194, "densenet_cifar10": 1_019_722, "densenet_bc_cifar10": 769_162,
    "densenet121_li": 6_956_298,
}  # fmt: skip
SHAPES = {"cifar10": (32, 32, 3), "mnist": (28, 28, 1), "imdb_reviews": (500,)}
TRAINED = {"cifar10": 45_000, "mnist": 50_000, "imdb_reviews": 20_000}
DEEPEST = "resnet1001_preact"  # takes minutes to make; its description is tested with the networks


def learning_rates(settings, examples, steps):
    plan = make_plan(settings, examples)
    factor = settings.schedule.factor(plan.clock)
    return settings.optimizer.learning_rate * np.array([factor(jnp.int32(step)) for step in steps])


def built(settings, shape):
    return abstract_network(settings.model, shape, 10)


def shrunk(shape, size):
    """What the profile leaves of an image; texts stay as they are."""
    factor = -(-shape[0] // size) if len(shape) == 3 else 1
    return (*(side // factor for side in shape[:2]), *shape[2:])


@pytest.mark.heavy
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name.startswith(DEEPER) else name for name in EXPERIMENTS]
)
def test_every_experiment_composes_builds_and_shrinks(compose, name):
    """In the quick profile too, with the image size that its head names if it needs more than 16x16 pixels."""
    needed = re.findall(r"profile\.image_size=\d+", (CONF / "experiment" / f"{name}.yaml").read_text())
    quick = compose(f"+experiment={name}", "+profile=quick", *needed)
    batch = quick.data.batch_size
    steps = make_plan(quick, 10_000).steps
    assert steps == -(-60_000 // batch)  # six epochs of 10,000 images
    assert steps < make_plan(compose(f"+experiment={name}"), TRAINED[quick.data.name]).steps / 3
    if name != DEEPEST:
        assert built(quick, shrunk(SHAPES[quick.data.name], quick.profile.image_size))


@pytest.mark.parametrize("name", sorted(OWN_IMAGES))
def test_experiments_on_ones_own_images_compose_and_build(compose, name):
    settings = compose(f"+experiment={name}", "data.root=photos", "pretrained=run:before")
    network = built(settings, (160, 160, 3))
    assert (settings.data.image_size, settings.freeze) == (160, ["body"])
    assert network.hidden.kernel.shape == (5 * 5 * 1024, 256)  # the chapter's head, on Keras's MobileNet


@pytest.mark.parametrize("name", sorted(FOLDERS))
def test_experiments_on_folders_compose_and_build(compose, name):
    settings = compose(f"+experiment={name}", "data.root=views")
    assert settings.task.ignored == settings.data.void == 11
    assert len(settings.data.classes) == 11
    assert built(settings, (*settings.data.image_size, 3))


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_the_networks_are_those_of_the_papers(compose, name, parameters):
    settings = compose(f"+experiment={name}")
    assert parameter_count(built(settings, SHAPES[settings.data.name])) == parameters


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("suffix", ["", "_noskip"])
def test_the_recipe_of_he_et_al(compose, depth, suffix):
    settings = compose(f"+experiment=resnet{depth}{suffix}")
    assert (settings.model.depth, settings.model.shortcut) == (depth, "none" if suffix else "A")
    assert (settings.data.name, settings.data.validation, settings.data.batch_size) == ("cifar10", 5000, 128)
    assert (settings.data.normalize, settings.data.augment.crop, settings.data.augment.flip) == ("pixel", 4, True)
    optimizer = settings.optimizer
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, False)
    assert (optimizer.weight_decay, optimizer.decayed) == (1e-4, "all")
    assert make_plan(settings, 45_000).steps == 64_000
    warm = 0.01 if depth == 110 else 0.1
    rates = learning_rates(settings, 45_000, [0, 399, 400, 31_999, 32_000, 47_999, 48_000, 63_999])
    np.testing.assert_allclose(rates, [warm, warm, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001], rtol=1e-5)


@pytest.mark.parametrize(
    "name", ["resnet20", "resnet56", "resnet110", "resnet20_noskip", "resnet56_noskip", "resnet110_noskip"]
)
def test_the_recipe_of_li_et_al(compose, name):
    settings = compose(f"+experiment={name}_li")
    assert settings.model.shortcut == ("none" if "noskip" in name else "B")
    assert (settings.data.validation, settings.data.normalize, settings.data.augment.fill) == (0, "channel", "black")
    assert (settings.optimizer.nesterov, settings.optimizer.weight_decay) == (True, 5e-4)
    first = 0.01 if name == "resnet110_noskip" else 0.1
    epoch = 50_000 / 128
    edges = [round(epoch * boundary) for boundary in (150, 225, 275)]
    steps = [0, *(step for edge in edges for step in (edge - 2, edge + 2))]
    factors = [1, 1, 0.1, 0.1, 0.01, 0.01, 0.001]
    np.testing.assert_allclose(learning_rates(settings, 50_000, steps), first * np.array(factors), rtol=1e-5)


def test_a_shortened_run_still_decays_and_warms_up(compose):
    settings = compose("+experiment=resnet110", "+profile=quick")
    steps = make_plan(settings, 10_000).steps
    assert steps == 469
    rates = learning_rates(settings, 10_000, [0, 2, 3, steps // 2 + 1, steps - 1])
    np.testing.assert_allclose(rates, [0.01, 0.01, 0.1, 0.01, 0.001], rtol=1e-5)


def test_a_profile_never_makes_a_run_longer(compose):
    settings = compose("train.duration=2epochs", "+profile=quick")
    assert make_plan(settings, 1300).steps == make_plan(compose("train.duration=2epochs"), 1300).steps
    assert isinstance(settings.profile, Limits)


CLOCK = Clock(128, 45_000, 1000)
WARMUP = WarmupSettings(duration=Duration.parse("10%"), factor=0.1, shape="linear")


def test_schedules():
    constant, cosine = Constant(warmup=None).factor(CLOCK), Cosine(final=0.1, warmup=None).factor(CLOCK)
    assert constant(999) == 1
    np.testing.assert_allclose([cosine(0), cosine(500), cosine(1000)], [1, 0.55, 0.1], rtol=1e-6)
    cycle = OneCycle(rise=0.25, start=0.04, final=0.01, warmup=None).factor(CLOCK)
    np.testing.assert_allclose([cycle(0), cycle(250), cycle(1000)], [0.04, 1, 0.0004], rtol=1e-5)
    short = OneCycle(rise=0.05, start=0.04, final=0.01, warmup=None).factor(replace(CLOCK, total_steps=10))
    np.testing.assert_allclose([short(0), short(1)], [0.04, 1], rtol=1e-6)
    step = Step(boundaries=[Duration.parse("1%"), Duration.parse("1%")], rate=0.1, warmup=None).factor(CLOCK)
    np.testing.assert_allclose([step(9), step(10)], [1, 0.01], rtol=1e-6)


def test_a_linear_warmup_rises_to_the_schedule():
    factor = Constant(warmup=WARMUP).factor(CLOCK)
    np.testing.assert_allclose([factor(0), factor(50), factor(100)], [0.1, 0.55, 1], rtol=1e-6)


@pytest.mark.parametrize("start", [0, 3, 30, 90, 99, 100])
@pytest.mark.parametrize("shape", ["constant", "linear"])
def test_cosine_and_one_cycle_begin_where_the_warmup_ends(start, shape):
    """After the warm-up they are what they would be in a run of the steps that are left."""
    clock = replace(CLOCK, total_steps=100)
    warmup = WarmupSettings(duration=Duration.parse(f"{start}steps"), factor=0.1, shape=shape)
    for schedule, opening in (
        (Cosine(final=0.1, warmup=None), 1),
        (OneCycle(rise=0.25, start=0.04, final=0.01, warmup=None), 0.04),
    ):
        factor = schedule.model_copy(update={"warmup": warmup}).factor(clock)
        rest = schedule.factor(replace(clock, total_steps=max(100 - start, 1)))
        steps = np.arange(start)
        rise = 0.1 + (0.9 * steps / max(start, 1) if shape == "linear" else 0 * steps)
        np.testing.assert_allclose([factor(step) for step in steps], opening * rise, rtol=1e-5)
        left = range(start, 101)
        np.testing.assert_allclose([factor(step) for step in left], [rest(step - start) for step in left], rtol=1e-5)


def test_the_factor_does_not_jump_when_a_linear_warmup_ends():
    """With 30 of 100 steps the cosine once went from .967 to .794, and never was 1."""
    clock = replace(CLOCK, total_steps=100)
    warmup = WarmupSettings(duration=Duration.parse("30%"), factor=0.0, shape="linear")
    cosine = [float(Cosine(final=0.0, warmup=warmup).factor(clock)(step)) for step in range(101)]
    np.testing.assert_allclose([cosine[k] for k in (0, 29, 30, 65, 100)], [0, 29 / 30, 1, 0.5, 0], atol=1e-6)
    cycle = [float(OneCycle(rise=0.5, start=0.5, final=0.1, warmup=warmup).factor(clock)(step)) for step in range(101)]
    assert np.abs(np.diff(cosine)).max() < 0.05
    assert np.abs(np.diff(cycle)).max() < 0.05
    assert max(cosine) == max(cycle) == 1


def test_steps_and_plateaus_run_underneath_a_warmup():
    """He et al. warm ResNet-110 up for 400 of its 64,000 steps, and decay at 32,000 and 48,000."""
    step = Step(boundaries=[Duration.parse("50%")], rate=0.1, warmup=WARMUP).factor(CLOCK)
    np.testing.assert_allclose([step(50), step(100), step(499), step(500)], [0.55, 1, 1, 0.1], rtol=1e-6)
    plateau = Plateau(rate=0.1, window=Duration.parse("20 steps"), patience=1, warmup=WARMUP).factor(CLOCK)
    np.testing.assert_allclose([plateau(0), plateau(50), plateau(100)], [0.1, 0.55, 1], rtol=1e-6)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("decayed", ["all", "kernels"])
def test_weight_decay_is_coupled_as_in_the_papers(compose, nesterov, decayed):
    """The update rule of the papers' programs, written out: decay joins the gradient before momentum."""
    settings = compose(f"optimizer.nesterov={nesterov}", f"optimizer.decayed={decayed}", "optimizer.weight_decay=0.01")
    transform = settings.optimizer.build(lambda step: 0.1)
    weights = {"kernel": jnp.array([[1.0, -2.0]]), "bias": jnp.array([3.0])}
    velocity = {name: np.zeros_like(value) for name, value in weights.items()}
    expected = {name: np.array(value) for name, value in weights.items()}
    state = transform.init(weights)
    for step in range(3):
        gradient = {"kernel": jnp.array([[0.5, 0.1 * step]]), "bias": jnp.array([-1.0])}
        updates, state = transform.update(gradient, state, weights)
        weights = optax.apply_updates(weights, updates)
        for name, value in expected.items():
            pull = 0.01 * value if name == "kernel" or decayed == "all" else 0.0
            total = np.asarray(gradient[name]) + pull
            velocity[name] = 0.9 * velocity[name] + total
            value -= 0.1 * (total + 0.9 * velocity[name] if nesterov else velocity[name])
    for name, value in expected.items():
        np.testing.assert_allclose(weights[name], value, rtol=1e-5)


def test_rmsprop_is_that_of_keras(compose):
    """The update rule of tf.keras to 2.10, written out: epsilon joins the root, so that tiny gradients move weights."""
    transform = compose("optimizer=rmsprop").optimizer.build(lambda step: 0.01)
    weights = jnp.array([1.0, 1.0])
    expected, mean_square = np.ones(2), np.zeros(2)
    state = transform.init(weights)
    for step in range(3):
        gradient = np.array([0.5, 1e-6 * (step - 3)])
        updates, state = transform.update(jnp.asarray(gradient, jnp.float32), state, weights)
        weights = optax.apply_updates(weights, updates)
        mean_square = 0.9 * mean_square + 0.1 * gradient**2
        expected -= 0.01 * gradient / (np.sqrt(mean_square) + 1e-7)
    np.testing.assert_allclose(weights, expected, rtol=1e-5)


def after_five_steps(optimizer, weights, gradients):
    """Where an optimizer leads, with a learning rate that falls, and the rates of its schedule."""
    factors = [1, 0.9, 0.5, 0.4, 0.1]
    transform = optimizer.build(lambda step: optimizer.learning_rate * jnp.array(factors)[step])
    weights = jax.tree.map(jnp.asarray, weights)
    state = transform.init(weights)
    for gradient in gradients:
        updates, state = transform.update(jax.tree.map(jnp.asarray, gradient), state, weights)
        weights = optax.apply_updates(weights, updates)
    return weights, factors


SHAPES_OF_KERNELS = {"filters": (3, 3, 2, 5), "stem": (2, 2, 1, 6), "narrow": (7, 3), "wide": (3, 7), "bias": (5,)}


@pytest.fixture
def weights_and_gradients():
    rng = np.random.default_rng(0)

    def draw(size):
        return {name: (size * rng.normal(size=shape)).astype(np.float32) for name, shape in SHAPES_OF_KERNELS.items()}

    return draw(1), [draw(size) for size in (1, 0.1, 10, 1, 0.5)]


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("decayed", ["all", "kernels"])
def test_lars_is_that_of_you_et_al(compose, weights_and_gradients, decayed, nesterov):
    """Their algorithm 1, with a decay that is as large as the gradient."""
    decay, trust = 0.5, 0.02
    optimizer = compose(
        "optimizer=lars", f"optimizer.weight_decay={decay}", f"optimizer.trust_coefficient={trust}",
        f"optimizer.decayed={decayed}", f"optimizer.nesterov={nesterov}",
    ).optimizer  # fmt: skip
    weights, gradients = weights_and_gradients
    found, factors = after_five_steps(optimizer, weights, gradients)
    for name, w in weights.items():
        w, velocity = w.astype(np.float64), 0.0
        kernel = w.ndim > 1
        for factor, g in zip(factors, (gradient[name] for gradient in gradients), strict=True):
            own = decay if kernel or decayed == "all" else 0.0
            local = trust * np.linalg.norm(w) / (np.linalg.norm(g) + own * np.linalg.norm(w)) if kernel else 1.0
            step = 2.0 * factor * local * (g + own * w)
            velocity = 0.9 * velocity + step
            w = w - (step + 0.9 * velocity if nesterov else velocity)
        np.testing.assert_allclose(found[name], w, rtol=1e-4, atol=1e-5)


def test_lars_moves_weights_that_are_zero(compose):
    optimizer = compose("optimizer=lars").optimizer
    found, _ = after_five_steps(
        optimizer, {"kernel": np.zeros((2, 2), np.float32)}, [{"kernel": np.ones((2, 2), np.float32)}]
    )
    np.testing.assert_allclose(found["kernel"], -2.0)
    still, _ = after_five_steps(
        optimizer, {"kernel": np.zeros((2, 2), np.float32)}, [{"kernel": np.zeros((2, 2), np.float32)}]
    )
    np.testing.assert_array_equal(still["kernel"], 0)


@pytest.mark.parametrize("decayed", ["all", "kernels"])
def test_muon_is_that_of_jordan_and_the_rest_gets_adam(compose, weights_and_gradients, decayed):
    """`muon.py` of github.com/KellerJordan/Muon and Kingma and Ba's Adam, with a large decay."""
    decay = 20.0
    optimizer = compose("optimizer=muon", f"optimizer.weight_decay={decay}", f"optimizer.decayed={decayed}").optimizer
    weights, gradients = weights_and_gradients
    found, factors = after_five_steps(optimizer, weights, gradients)
    for name, w in weights.items():
        w, first, second = w.astype(np.float64), 0.0, 0.0
        for t, (factor, g) in enumerate(zip(factors, (gradient[name] for gradient in gradients), strict=True), 1):
            if w.ndim > 1:
                first = 0.95 * first + 0.05 * g
                rows = (0.05 * g + 0.95 * first).reshape(-1, w.shape[-1]).T  # outputs first, as in PyTorch
                x = rows / (np.linalg.norm(rows) + 1e-7)
                for _ in range(5):
                    a = x @ x.T
                    x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
                scale = max(1, len(rows) / rows.shape[1]) ** 0.5 if w.ndim == 2 else 1
                rate, step = 0.02 * factor, scale * x.T.reshape(w.shape)
            else:
                first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
                step = first / (1 - 0.9**t) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
                rate = 0.003 * factor
            own = decay if w.ndim > 1 or decayed == "all" else 0.0
            w = w * (1 - rate * own) - rate * step
        np.testing.assert_allclose(found[name], w, rtol=1e-4, atol=1e-5)


def test_the_first_step_of_a_bias_beside_muon_is_the_learning_rate(compose):
    """That of Adam; with Nesterov's momentum it was half as long again."""
    zero, one = {"bias": np.zeros(3, np.float32)}, {"bias": np.full(3, 0.2, np.float32)}
    found, _ = after_five_steps(compose("optimizer=muon").optimizer, zero, [one])
    np.testing.assert_allclose(found["bias"], -0.003, rtol=1e-5)


def test_the_window_of_a_plateau_is_as_long_in_a_run_that_is_shortened():
    plateau = Plateau(rate=0.1, window=Duration.parse("20 steps"), patience=1, warmup=None)
    short = plateau.steered(optax.with_extra_args_support(optax.identity()), replace(CLOCK, scale=Fraction(1, 20)))
    state = short.init(jnp.zeros(()))
    for _ in range(30):  # within the second window nothing can have stopped falling
        _, state = short.update(jnp.ones(()), state, value=jnp.ones(()))
    assert float(steered_scale(state)) == 1
