"""Surfaces of a quadratic and of a small network: exact, resumed to the same bytes, refused where they do not fit."""

import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from src.config.errors import UserError
from src.landscape.directions import gaussian
from src.landscape.evaluation import at_points, scores_at
from src.landscape.grid import grid
from src.landscape.grid_evaluation import evaluate_grid
from src.landscape.objective import split_objective
from src.landscape.surface import save
from src.runs.provenance import UNKNOWN
from tests.landscape import quadratic
from tests.landscape.quadratic import PARAMETERS, flat, matrix

IDENTITY = {"seed": 0}
AXES = [np.linspace(-1, 1, 5), np.linspace(0, 2, 3)]


def directions(count=2):
    return [gaussian(jax.random.key(seed), PARAMETERS) for seed in range(count)]


def surface(points, objective=None, axes=AXES, given=None, identity=IDENTITY, **more):
    given = directions(len(axes)) if given is None else given
    measure = at_points(objective or quadratic.objective(), given)
    return evaluate_grid(measure, axes, title="q", identity=identity, points=points, **more)


class Counted:
    """A measure that remembers where it was asked."""

    def __init__(self, measure):
        self.measure, self.places = measure, []

    def __call__(self, places):
        self.places.extend(places)
        return self.measure(places)


def test_a_quadratic_is_exact_on_a_rectangle(tmp_path):
    found = surface(tmp_path / "points.jsonl")
    x, (one, other) = flat(PARAMETERS), map(flat, directions())
    for i, alpha in enumerate(AXES[0]):
        for j, beta in enumerate(AXES[1]):
            place = x + alpha * one + beta * other
            assert found.values["loss"][i, j] == pytest.approx(float(0.5 * place @ matrix() @ place), rel=1e-5)
    assert found.values["loss"].shape == (5, 3)


def test_a_line(tmp_path):
    found = surface(tmp_path / "points.jsonl", axes=AXES[:1])
    assert found.beta is None
    assert found.values["loss"].shape == (5,)


def test_a_surface_that_was_killed_goes_on_to_the_same_bytes(tmp_path):
    save(surface(tmp_path / "whole.jsonl"), tmp_path / "whole.npz")
    lines = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "cut.jsonl").write_text("".join(lines[:7]) + lines[7][:10])
    measured = Counted(at_points(quadratic.objective(), directions()))
    again = evaluate_grid(measured, AXES, title="q", identity=IDENTITY, points=tmp_path / "cut.jsonl")
    save(again, tmp_path / "cut.npz")
    kept = {json.loads(line)["point"] for line in lines[1:7]}
    places = grid(AXES)
    assert {tuple(place) for place in measured.places} == {tuple(places[k]) for k in range(15) if k not in kept}
    assert (tmp_path / "cut.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


def test_a_surface_names_the_code_and_the_devices_that_measured_it(tmp_path, monkeypatch):
    monkeypatch.setattr("src.landscape.grid_evaluation.code_and_device", lambda: "earlier")
    assert surface(tmp_path / "points.jsonl").metadata == {**IDENTITY, "measured_by": ["earlier"]}
    lines = (tmp_path / "points.jsonl").read_text().splitlines(keepends=True)
    monkeypatch.setattr("src.landscape.grid_evaluation.code_and_device", lambda: "later")
    assert surface(tmp_path / "points.jsonl").metadata["measured_by"] == ["earlier"]
    (tmp_path / "points.jsonl").write_text("".join(lines[:7]))
    assert surface(tmp_path / "points.jsonl").metadata["measured_by"] == ["earlier", "later"]


def test_points_without_provenance_were_measured_by_nobody_knows_what(tmp_path):
    file = tmp_path / "points.jsonl"
    whole = surface(file)
    header, *lines = map(json.loads, file.read_text().splitlines())
    lines = [{name: value for name, value in line.items() if name != "by"} for line in lines]
    file.write_text("".join(json.dumps(line) + "\n" for line in (header, *lines)))
    again = evaluate_grid(lambda places: pytest.fail("measured again"), AXES, title="q", identity=IDENTITY, points=file)
    np.testing.assert_array_equal(again.values["loss"], whole.values["loss"])
    assert again.metadata["measured_by"] == [UNKNOWN]


def test_nan_and_infinity_are_values(tmp_path):
    def measure(parameters, data):
        first = flat(parameters)[0]
        return {"loss": jnp.where(first > 1.05, jnp.inf, jnp.where(first < 0.95, jnp.nan, first))}

    wild = replace(quadratic.objective(), measure=measure)
    found = surface(tmp_path / "points.jsonl", wild)
    assert np.isinf(found.values["loss"]).any()
    assert np.isnan(found.values["loss"]).any()
    told = []
    again = surface(tmp_path / "points.jsonl", wild, callback=lambda done, total: told.append(done))
    assert not told
    np.testing.assert_array_equal(again.values["loss"], found.values["loss"])


def test_another_surface_in_the_file_is_named(tmp_path):
    surface(tmp_path / "points.jsonl")
    with pytest.raises(UserError, match="holds another surface: seed is 0 there and 1 here"):
        surface(tmp_path / "points.jsonl", identity={"seed": 1})


def test_a_damaged_file_is_named(tmp_path):
    surface(tmp_path / "points.jsonl")
    text = (tmp_path / "points.jsonl").read_text().replace('"point": 3', '"pint": 3')
    for content in (text.encode(), b"\xff\xfe\n", b"[]\n", b"3\n"):
        (tmp_path / "points.jsonl").write_bytes(content)
        with pytest.raises(UserError, match=r"points.jsonl is damaged; remove it to measure anew"):
            surface(tmp_path / "points.jsonl")


def test_mistakes_are_one_line(tmp_path):
    with pytest.raises(UserError, match="a surface needs at least two steps along beta, not 1"):
        surface(tmp_path / "points.jsonl", axes=[AXES[0], np.zeros(1)])
    with pytest.raises(UserError, match="steps along alpha go upwards"):
        surface(tmp_path / "points.jsonl", axes=[AXES[0][::-1], AXES[1]])
    with pytest.raises(UserError, match="a place with 1 steps needs as many directions, not 2"):
        surface(tmp_path / "points.jsonl", axes=AXES[:1], given=directions(2))
    with pytest.raises(UserError, match=r"directions of another network: one.kernel is absent there, 2x2 here"):
        surface(tmp_path / "points.jsonl", given=[{"two": {"kernel": jnp.ones((2, 1))}}] * 2)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        surface(tmp_path / "file" / "points.jsonl")


@pytest.fixture(scope="module")
def trained(engine):
    """A small network a few steps into its training, so that its statistics are not those of the beginning."""
    engine = engine()
    state, sums = engine.init_state(), engine.zero_sums()
    for step in range(10):
        state, sums = engine.advance(state, sums, engine.order(0), step + 1)
    return engine, state


def measured(engine, state, **options):
    splits = {name: jax.device_get(engine.split(name)) for name in ("train", "test")}
    module = engine.network.module(state)
    found = split_objective(module, engine.settings.task, splits, **options)
    return found.summary(jax.device_get(jax.jit(found.measure)(found.parameters, found.data)))


@pytest.mark.heavy
def test_the_middle_of_a_run_has_the_scores_of_the_run(trained):
    engine, state = trained
    found = measured(engine, state)
    for split in ("train", "test"):
        scores = engine.evaluate(state, split)
        assert found[f"{split}_accuracy"] == scores["accuracy"]
        assert found[f"{split}_loss"] == pytest.approx(scores["loss"], rel=1e-5)


@pytest.mark.heavy
def test_statistics_of_the_whole_training_set_do_not_depend_on_those_of_the_run(trained):
    engine, state = trained
    other = state._replace(batch_stats=jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), state.batch_stats))
    found, moved = (measured(engine, given, batch_norm="recalibrated") for given in (state, other))
    assert found == moved
    assert measured(engine, state) != measured(engine, other)


@pytest.mark.heavy
def test_a_batch_of_all_images_is_its_own_calibration(trained):
    """With one batch for everything, statistics of the batch and recalibrated ones are the same on training images."""
    engine, state = trained
    size = engine.dataset.spec.train
    one, other = (measured(engine, state, batch_norm=kind, batch_size=size) for kind in ("batch", "recalibrated"))
    assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-4)
    for kind, found in (("batch", one), ("recalibrated", other)):
        assert measured(engine, state, batch_norm=kind, batch_size=3 * size) == found


@pytest.mark.heavy
@pytest.mark.parametrize("batch_norm", ["frozen", "recalibrated"])
def test_surfaces_by_kernels_are_surfaces(trained, batch_norm):
    engine, state = trained
    assert engine.kernels is not None
    splits = {name: jax.device_get(engine.split(name)) for name in ("train", "test")}
    given = engine.network.module(state), engine.settings.task, splits
    places = np.linspace(0, 0.3, jax.device_count(), dtype=np.float32)[:, None]
    by = {}
    for kernels in (None, engine.kernels):
        objective = split_objective(*given, batch_norm=batch_norm, kernels=kernels)
        text = jax.jit(objective.measure).lower(objective.parameters, objective.data).as_text()
        assert (engine.kernels.key in text) == (kernels is not None)
        by[kernels] = at_points(objective, [gaussian(jax.random.key(0), objective.parameters)])(places)
    for xla, ours in zip(by[None], by[engine.kernels], strict=True):
        assert {name: ours[name] for name in xla if "loss" in name} == pytest.approx(
            {name: xla[name] for name in xla if "loss" in name}, rel=1e-4
        )


@pytest.mark.heavy
def test_points_say_by_which_kernels_they_were_measured(trained, tmp_path):
    engine, _ = trained
    for name, kernels in (("xla", None), ("ours", engine.kernels)):
        (said,) = surface(tmp_path / name, kernels=kernels).metadata["measured_by"]
        assert said.endswith(f", kernels {engine.kernels.key}") == (kernels is not None)


@pytest.mark.heavy
def test_a_short_batch_has_no_statistics_of_its_own(trained):
    engine, state = trained
    size = engine.dataset.spec.train // 2 + 1
    data = jax.device_get(engine.split("train"))
    first = jax.tree.map(lambda array: array[:size], data)._replace(constants=data.constants)
    module = engine.network.module(state)
    short, whole = (
        split_objective(module, engine.settings.task, {"train": part}, batch_norm="batch", batch_size=size)
        for part in (data, first)
    )
    assert jax.jit(short.measure)(short.parameters, short.data) == jax.jit(whole.measure)(whole.parameters, whole.data)


@pytest.mark.heavy
def test_statistics_are_recalibrated_at_every_place_on_any_mesh(trained):
    """Those of the run lie on the devices of its training, which are divided otherwise than places are."""
    engine, state = trained
    splits = {"train": engine.split("train")}
    module = engine.network.module(state)
    objective = split_objective(module, engine.settings.task, splits, batch_norm="recalibrated")
    rows = at_points(objective, [objective.parameters])(np.zeros((jax.device_count(), 1), np.float32))
    assert rows[0]["train_loss"] == pytest.approx(measured(engine, state, batch_norm="recalibrated")["train_loss"])


def test_recalibration_needs_training_images(trained):
    engine, state = trained
    with pytest.raises(UserError, match="takes statistics from the training images; add the split train"):
        split_objective(
            engine.network.module(state),
            engine.settings.task,
            {"test": engine.split("test")},
            batch_norm="recalibrated",
        )


@pytest.mark.heavy
def test_a_network_that_overflows_is_not_taken_for_one_that_guesses(trained):
    """Its values become NaN before the last ReLU, of which sums on the CPU make 0 if they are let."""
    engine, state = trained
    data = jax.device_get(engine.split("train"))
    module, task = engine.network.module(state), engine.settings.task
    objective = split_objective(module, task, {"train": data})
    away = jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.inf), objective.parameters)
    places = np.array([[0.0]] * 7 + [[1.0]], np.float32)
    *_, gone = at_points(objective, [away])(places)
    assert np.isnan(gone["train_loss"])
    scores = scores_at(module, task, data, [away], batch_size=400)
    assert np.isnan(scores(places[-1], np.arange(400))[:, 0]).all()


def test_steps_may_be_whole_numbers(tmp_path):
    found = surface(tmp_path / "points.jsonl", axes=[np.arange(-1, 2), np.arange(3)])
    assert found.alpha.dtype == found.beta.dtype == np.float64


def test_points_are_lines_of_json(tmp_path):
    surface(tmp_path / "points.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "points.jsonl").read_text().splitlines()]
    assert lines[0] == {"axes": [axis.tolist() for axis in AXES], **IDENTITY}
    assert sorted(line["point"] for line in lines[1:]) == list(range(15))
