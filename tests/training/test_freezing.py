"""Frozen layers, rates of layers, and features that are computed once."""

import jax
import numpy as np
import pytest
from flax import nnx

from src.config.errors import UserError
from src.models.layer_names import chosen_layers, frozen_layers
from src.training.check import check_layers
from src.training.engine import Engine
from tests.models.own import OwnSettings
from tests.training.trained import largest_difference, trained

SHORT = ("train.duration=12steps", "data.augment=null", "data.batch_size=32", "parallel.devices=1")
TRANSFER = (
    "model=transfer", "model.body=resnet", "model.body.depth=8", "model.features=average", "model.hidden=16",
)  # fmt: skip
NAMES = ["stem.conv", "stem.norm", "blocks.0.conv", "blocks.1.conv", "blocks.10.conv", "head"]


@pytest.mark.parametrize(
    ("patterns", "layers"),
    [
        (["stem"], {"stem.conv", "stem.norm"}),
        (["blocks.1"], {"blocks.1.conv"}),
        (["blocks.1*"], {"blocks.1.conv", "blocks.10.conv"}),
        (["*.norm"], {"stem.norm"}),
        (["*", "-head"], {*NAMES} - {"head"}),
        (["*", "-blocks", "blocks.0"], {"stem.conv", "stem.norm", "blocks.0.conv", "head"}),
    ],
)
def test_patterns_mean_layers_and_parts(patterns, layers):
    assert chosen_layers(NAMES, patterns, "freeze") == layers


def test_patterns_that_freeze_nothing_or_everything_are_refused(compose):
    module = nnx.Sequential(nnx.Linear(2, 2, rngs=nnx.Rngs(0)), nnx.BatchNorm(2, rngs=nnx.Rngs(0)))
    with pytest.raises(UserError, match=r"freeze=layers.3: .*did you mean 'layers\.\d'"):
        frozen_layers(module, ["layers.3"])
    with pytest.raises(UserError, match="freezes no layer"):
        frozen_layers(module, ["*", "-*"])
    with pytest.raises(UserError, match="freezes every layer"):
        frozen_layers(module, ["layers"])
    for wrong, words in (
        ({"blocks": 0.1, "blocks.0": 1.0}, "has a rate by another pattern"),
        ({"block.0": 0.1}, "no such layer; did you mean 'blocks.0'"),
    ):
        settings = compose(*SHORT).model_copy(update={"layer_rates": wrong})
        with pytest.raises(UserError, match=words):
            check_layers(settings, settings.dataset().spec)


@pytest.mark.heavy
@pytest.mark.parametrize(
    "more",
    [
        (),
        pytest.param(("kernels=xla",), marks=pytest.mark.slow),
        ("optimizer=adamw", "optimizer.weight_decay=.1", "optimizer.clip_norm=1"),
        pytest.param(("optimizer=muon",), marks=pytest.mark.slow),
        ("train.average=.9", "train.accumulation=2"),
        ("parallel.devices=3", "data.batch_size=30"),
        ("schedule=plateau", "train.steps_per_dispatch=5"),
    ],
)
def test_frozen_parameters_and_statistics_stay_to_the_bit(compose, more):
    engine = Engine(compose(*SHORT, "model.depth=8", "freeze=[stem,blocks.0,'blocks.1.*norm',blocks.2.conv1]", *more))
    begun = jax.device_get(engine.init_state().scored())
    parameters, statistics = jax.device_get(trained(engine)[0].scored())
    before, after = (dict(jax.tree.leaves_with_path(tree)) for tree in (begun, (parameters, statistics)))
    frozen = ("[0]['stem']", "[1]['stem']", "['blocks'][0]", "['blocks'][2]['conv1']")
    for path, array in before.items():
        name = jax.tree_util.keystr(path)
        is_frozen = any(part in name for part in frozen) or ("['blocks'][1]" in name and "norm" in name)
        assert (array.tobytes() == after[path].tobytes()) == is_frozen, name


@pytest.mark.heavy
def test_negative_zeros_stay_too(compose):
    engine = Engine(compose(*SHORT, "model.depth=8", "freeze=[stem]"))
    start = engine.init_state()
    start.parameters["stem"]["norm"]["bias"] = jax.numpy.full(16, -0.0)
    after = jax.device_get(trained(engine, start)[0].parameters["stem"]["norm"]["bias"])
    assert np.signbit(after).all()


@pytest.mark.heavy
def test_a_frozen_norm_computes_by_running_statistics_in_training(compose):
    settings = compose(*SHORT, "model.depth=8", "freeze=[*,-head]")
    engine = Engine(settings)
    state, x = engine.init_state(), jax.numpy.asarray(engine.preprocessing(engine.dataset.train.inputs[:8]))
    outputs, _ = engine.network.train(*state.scored(), x, jax.random.split(jax.random.key(0), 8))
    np.testing.assert_array_equal(outputs.main, engine.network(*state.scored(), x))


def test_frozen_layers_have_no_optimizer_state(compose):
    whole, frozen = (Engine(compose(*SHORT, "model.depth=8", *more)) for more in ((), ("freeze=[*,-head]",)))
    sizes = [sum(leaf.size for leaf in jax.tree.leaves(each.init_state().optimizer)) for each in (whole, frozen)]
    head = frozen.init_state().parameters["head"]
    assert sizes[1] < sizes[0] / 10
    assert sizes[1] >= sum(leaf.size for leaf in jax.tree.leaves(head))


@pytest.mark.heavy
def test_a_rate_multiplies_the_updates_of_its_layers(compose):
    """One step of SGD moves a layer in proportion to its rate."""
    steps = {}
    for name, rates in {"whole": None, "tenth": {"blocks": 0.1, "head": 0.0}}.items():
        settings = compose(*SHORT, "model.depth=8", "train.duration=1step", "optimizer=sgd", "schedule=constant")
        engine = Engine(settings.model_copy(update={"layer_rates": rates}))
        begun = jax.device_get(engine.init_state().parameters)
        after = jax.device_get(trained(engine)[0].parameters)
        steps[name] = jax.tree.map(lambda new, old: new - old, after, begun)
    whole, tenth = steps["whole"], steps["tenth"]
    jax.tree.map(lambda one, other: np.testing.assert_allclose(0.1 * one, other, atol=1e-6), whole["blocks"],
                 tenth["blocks"])  # fmt: skip
    jax.tree.map(np.testing.assert_array_equal, whole["stem"], tenth["stem"])
    assert not any(leaf.any() for leaf in jax.tree.leaves(tenth["head"]))
    assert any(leaf.any() for leaf in jax.tree.leaves(whole["head"]))


@pytest.mark.heavy
def test_a_head_on_cached_features_learns_what_it_learns_behind_the_frozen_body(compose, own_cache):
    cached, whole = (
        Engine(compose(*SHORT, *TRANSFER, "freeze=[body]", f"cache_features={flag}")) for flag in ("true", "false")
    )
    states = [trained(each)[0] for each in (cached, whole)]
    assert largest_difference(*states) < 1e-5
    assert cached.split("train").inputs.shape == (len(cached.dataset.train), 64)
    scores = [each.evaluate(state, "test") for each, state in zip((cached, whole), states, strict=True)]
    assert scores[0]["confusion"] == scores[1]["confusion"]
    assert cached.evaluate(states[1], "test")["loss"] == pytest.approx(scores[1]["loss"], rel=1e-5)


@pytest.mark.heavy
def test_features_are_kept_under_all_that_they_are_made_of(compose, own_cache):
    def kept(*more):
        engine = Engine(compose(*SHORT, *TRANSFER, "freeze=[body]", "cache_features=true", *more))
        features = np.asarray(engine.split("test").inputs)
        return features, {path.name: path.stat().st_mtime_ns for path in (own_cache / "features").iterdir()}

    features, first = kept()
    assert len(first) == 1
    assert kept("model.hidden=32", "optimizer=adamw")[1] == first  # the head is no part of them
    for more in ("seed=1", "data.normalize=unit", "model.body.depth=14", "data.test_share=.1", "model.features=all"):
        if more.startswith("data.test_share"):
            continue
        assert len(kept(more)[1]) == len(first) + 1, more
        for path in (own_cache / "features").iterdir():
            if path.name not in first:
                path.unlink()
    (path,) = (own_cache / "features").iterdir()
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    np.testing.assert_array_equal(kept()[0], features)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (("model=resnet",), "model=transfer"),
        (("freeze=[body.stem]",), r"body\.blocks\.0.* is trained; freeze=\[body\]"),
        (("data.augment={flip: true}",), "data.augment=null"),
        (("task=adversarial",), "task changes images"),
    ],
)
def test_features_that_would_change_are_refused(compose, changes, words):
    base = [text for text in (*SHORT, *TRANSFER) if not (changes[0].startswith("model=") and text.startswith("model"))]
    base = [text for text in base if text.partition("=")[0] != changes[0].partition("=")[0]]
    frozen = ["freeze=[body]"] if not changes[0].startswith(("freeze", "model")) else []
    settings = compose(*base, *frozen, "cache_features=true", *changes)
    with pytest.raises(UserError, match=words):
        check_layers(settings, settings.dataset().spec)


def test_networks_of_others_can_be_frozen():
    module = OwnSettings(kind="Ours").build((8, 8, 1), 3, rngs=nnx.Rngs(0))
    assert frozen_layers(module, ["body"]) == {"body.layers.0"}
