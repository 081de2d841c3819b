"""Means from samples: within their errors, with fewer examples where the loss allows, the same after a kill."""

import itertools

import jax
import numpy as np
import pytest

from src.config.errors import UserError
from src.landscape.directions import gaussian
from src.landscape.evaluation import at_points, scores_at, together
from src.landscape.grid import coarse_to_fine, grid
from src.landscape.grid_evaluation import evaluate_grid
from src.landscape.objective import split_objective
from src.landscape.regression import regression_means, strata
from src.landscape.sampled import Sampled, Tolerance
from src.landscape.surface import save

TOTAL, CLASSES = 4000, 10
LABELS = np.arange(TOTAL) % CLASSES
AXES = [np.linspace(-1, 1, 7), np.linspace(-1, 1, 5)]
PLACES = grid(AXES)
ORDER = coarse_to_fine(AXES)
TOLERANCE = Tolerance(relative=0.01, absolute=0.005, examples=100)
RANDOM = np.random.default_rng(0)
HARD = RANDOM.random(TOTAL) < 0.05
PHASE = RANDOM.uniform(0, 2 * np.pi, TOTAL)


def losses(place):
    """Near the middle one example in twenty has most of the loss; farther out the class says nearly all."""
    near = np.exp(-3 * (place**2).sum())
    waves = 1 + np.cos(3 * place.sum() + PHASE)
    return near * (8 * HARD + waves / 3) + (1 - near) * (2 + LABELS * (1 + place[0] / 2)) + waves / 50


class Counted:
    """Scores that count how many examples they were asked for; some of them may overflow."""

    def __init__(self, overflow=lambda place: None):
        self.asked, self._overflow = 0, overflow

    def __call__(self, place, chosen):
        self.asked += len(chosen)
        found = losses(place)[chosen]
        which = self._overflow(place)
        if which is not None:
            found[:] = which
        return np.stack([found, (found < 1).astype(float)], axis=1)


def measure(folder, scores=None, tolerance=TOLERANCE, seed=0):
    order = np.random.default_rng(seed).permutation(TOTAL)
    return Sampled(scores or Counted(), LABELS, PLACES[ORDER], tolerance, order, folder)


def surface(folder, name="points", **options):
    points = folder / f"{name}.jsonl"
    return evaluate_grid(
        measure(folder / name, **options), AXES, title="sampled", identity={}, points=points, order=ORDER
    )


def test_values_are_within_two_errors(tmp_path):
    exact = np.array([losses(place).mean() for place in PLACES]).reshape(7, 5)
    found = [surface(tmp_path, f"{seed}", seed=seed) for seed in range(8)]
    apart = np.array([np.abs(each.values["loss"] - exact) for each in found])
    errors = np.array([each.values["loss_error"] for each in found])
    sampled = errors > 0
    assert sampled.mean() > 0.5
    assert (apart <= 2 * errors)[sampled].mean() > 0.95
    assert (apart[~sampled] < 1e-12).all()
    assert (errors <= np.maximum(0.01 * exact, 0.005) * 1.1).all()


def test_a_sample_that_lacks_the_rare_large_losses_says_what_it_could_have_missed(tmp_path):
    """One example in a thousand has all of the loss, and most first samples have none of them."""
    exact, found = 2 / 1000, []

    def rare(place, chosen):
        return np.stack([2.0 * (chosen < TOTAL / 1000), chosen >= TOTAL / 1000], axis=1)

    for seed in range(40):
        order = np.random.default_rng(seed).permutation(TOTAL)
        found += Sampled(rare, LABELS, PLACES[:1], TOLERANCE, order, tmp_path / f"{seed}")(PLACES[:1])
    lacking = [row for row in found if row["loss"] == 0]
    assert len(lacking) > 10
    assert all(0 < row["loss_error"] <= TOLERANCE.absolute for row in lacking)
    assert np.mean([abs(row["loss"] - exact) <= 2 * row["loss_error"] for row in found]) > 0.9
    assert np.mean([abs(row["accuracy"] - 0.999) <= 2 * row["accuracy_error"] for row in found]) > 0.9


def share_within_two_errors(rare, loss, folder, total=10_000, seeds=100):
    """How often, where so many examples have a loss and all others have none."""
    labels, found = np.arange(total) % CLASSES, []
    own = np.where(np.random.default_rng(0).permutation(total) < rare, loss, 0.0)

    def scores(place, chosen):
        return np.stack([own[chosen], own[chosen] == 0], axis=1).astype(float)

    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(total)
        (row,) = Sampled(scores, labels, PLACES[:1], TOLERANCE, order, folder / f"{seed}")(PLACES[:1])
        found.append(abs(row["loss"] - own.mean()) <= 2 * row["loss_error"] + 1e-9)
    return np.mean(found)


@pytest.mark.parametrize("rare", [1, 10, 33, 100])
def test_errors_hold_rare_losses_up_to_that_of_guessing(tmp_path, rare):
    assert share_within_two_errors(rare, np.log(CLASSES), tmp_path) > 0.9


@pytest.mark.slow
def test_errors_do_not_hold_larger_losses_that_are_too_rare_for_the_sample(tmp_path):
    """The limit that the documents state."""
    assert share_within_two_errors(33, 8, tmp_path / "33") == pytest.approx(0.87, abs=0.08)
    assert share_within_two_errors(10, 8, tmp_path / "10") == pytest.approx(0.6, abs=0.12)
    assert share_within_two_errors(5, 100, tmp_path / "5") == pytest.approx(0.33, abs=0.12)


def test_rare_classes_are_taken_together():
    labels = np.repeat([0, 1, 2, 3], [50, 40, 6, 4])
    found = strata(labels, 0.1)
    assert found.sum(axis=1).tolist() == [1] * 100
    assert found.sum(axis=0).tolist() == [50, 50]
    assert strata(labels, 0.5).sum(axis=0).tolist() == [100]
    assert strata(labels, 0.9).sum(axis=0).tolist() == [100]
    assert strata(labels, 0.01).sum(axis=0).tolist() == [50, 40, 6, 4]


def test_a_rare_class_with_other_losses_leaves_the_mean_unbiased():
    labels = (RANDOM.random(TOTAL) < 0.004).astype(int)
    known, own = strata(labels, 0.05).astype(float), 1 + 5.0 * labels
    draws = [RANDOM.permutation(TOTAL)[:200] for _ in range(400)]
    found = [regression_means(own[draw, None], known[draw], known.mean(axis=0), TOTAL).values[0] for draw in draws]
    assert np.mean(found) == pytest.approx(own.mean(), abs=3 * np.std(found) / 20)


def test_a_class_that_the_sample_lacks_leaves_the_error_unknown():
    known = np.eye(2)[np.zeros(50, int)]
    found = regression_means(np.ones((50, 1)), known, np.array([0.9, 0.1]), 500)
    assert np.isinf(found.errors).all()


def test_a_single_example_of_a_class_tells_nothing_of_the_others():
    classes = np.array([0] * 49 + [1])
    for seed in range(20):
        rng = np.random.default_rng(seed)
        known = np.column_stack([np.eye(2)[classes], rng.gamma(0.3, 2, 50)])
        found = regression_means(rng.gamma(0.3, 2, (50, 1)), known, np.array([0.9, 0.1, 0.6]), 500)
        assert np.isinf(found.errors).all()


def test_few_examples_are_enough_where_the_class_says_nearly_all(tmp_path):
    scores = Counted()
    found = surface(tmp_path, scores=scores)
    assert scores.asked == found.values["examples"].sum() < TOTAL * len(PLACES) / 2
    assert found.values["examples"][0, 0] == TOLERANCE.examples
    assert found.values["examples"][3, 2] == TOTAL


def test_what_is_measured_on_all_helps_its_neighbours(tmp_path):
    """The second place has the losses of the first, up to a factor."""
    places, own = PLACES[[16, 17]], 8 * HARD + PHASE / 10

    def scores(place, chosen):
        factor = 1 if place.tobytes() == places[0].tobytes() else 1.2
        return np.stack([factor * own[chosen], np.zeros(len(chosen))], axis=1)

    order = np.random.default_rng(0).permutation(TOTAL)
    found = Sampled(scores, LABELS, places, TOLERANCE, order, tmp_path)(places)
    assert [row["examples"] for row in found] == [TOTAL, 4 * TOLERANCE.examples]
    assert found[1]["loss"] == pytest.approx(1.2 * own.mean(), rel=1e-6)


def test_a_place_is_measured_on_all_where_that_spares_those_that_follow(tmp_path):
    """All places have the same losses, so that one of them says all of the others."""
    own, tolerance = (
        np.random.default_rng(1).exponential(size=TOTAL),
        Tolerance(relative=0.03, absolute=0.01, examples=100),
    )

    def scores(place, chosen):
        return np.stack([own[chosen], np.zeros(len(chosen))], axis=1)

    def counts(places):
        order = np.random.default_rng(0).permutation(TOTAL)
        folder = tmp_path / f"{len(places)}"
        return [row["examples"] for row in Sampled(scores, LABELS, places, tolerance, order, folder)(places)]

    (alone,) = counts(PLACES[:1])
    assert tolerance.examples < alone < TOTAL / 3
    first, *others = counts(PLACES)
    assert first == TOTAL
    assert sum(others) < len(others) * alone / 3


def test_a_survey_that_was_killed_goes_on_to_the_same_bytes(tmp_path):
    save(surface(tmp_path, "whole"), tmp_path / "whole.npz")
    lines = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
    for name, kept in (("cut", 4), ("late", 20)):
        (tmp_path / f"{name}.jsonl").write_text("".join(lines[:kept]))
        (tmp_path / "whole").rename(tmp_path / name)  # with the files of places that come later still
        save(surface(tmp_path, name), tmp_path / f"{name}.npz")
        assert (tmp_path / f"{name}.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()
        (tmp_path / name).rename(tmp_path / "whole")


def test_a_damaged_file_of_losses_is_named(tmp_path):
    surface(tmp_path, "whole")
    path = next((tmp_path / "whole").glob("*.npy"))
    for content in (b"", b"no numbers", path.read_bytes()[:200]):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"\.npy is damaged; remove .*whole to measure anew"):
            surface(tmp_path, "whole")


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_where_the_loss_overflows_nothing_more_is_asked(tmp_path, value):
    scores = Counted(lambda place: value if place[0] > 0.9 else None)
    found = surface(tmp_path, scores=scores)
    np.testing.assert_array_equal(found.values["loss"][-1], value)
    assert (found.values["examples"][-1] == TOLERANCE.examples).all()
    assert np.isfinite(found.values["loss"][:-1]).all()


def test_a_grid_from_coarse_to_fine():
    order = coarse_to_fine([np.linspace(-1, 1, 5)] * 2)
    assert sorted(order) == list(range(25))
    assert order[0] == 12
    assert set(order[1:5]) == {0, 4, 20, 24}


def test_errors_of_a_regression_are_as_large_as_they_should_be():
    known = np.column_stack([np.ones(TOTAL), PHASE])
    own = (PHASE + 4 * HARD + RANDOM.normal(size=TOTAL))[:, None]
    draws = [RANDOM.permutation(TOTAL)[:400] for _ in range(500)]
    found = [regression_means(own[draw], known[draw], known.mean(axis=0), TOTAL) for draw in draws]
    apart = np.array([abs(each.values[0] - own.mean()) / each.errors[0] for each in found])
    assert 0.92 < (apart <= 2).mean() < 0.98
    assert 0.62 < (apart <= 1).mean() < 0.74


def test_regression_is_exact_for_what_is_a_sum_of_what_is_known():
    rng = np.random.default_rng(1)
    known = np.column_stack([np.ones(500), rng.normal(size=(500, 2))])
    values = known @ np.array([[1.0], [2.0], [-3.0]])
    found = regression_means(values[:50], known[:50], known.mean(axis=0), 500)
    assert found.values[0] == pytest.approx(values.mean())
    assert found.errors[0] < 1e-12


@pytest.mark.heavy
def test_a_tolerance_that_takes_everything_gives_the_exact_surface(tmp_path, engine):
    engine = engine()
    state, data = engine.init_state(), jax.device_get(engine.split("test"))
    module, task = engine.network.module(state), engine.settings.task
    objective = split_objective(module, task, {"test": data})
    directions = [gaussian(jax.random.key(seed), objective.parameters) for seed in range(2)]
    axes = [np.linspace(-1, 1, 3)] * 2
    places = grid(axes)
    exact = evaluate_grid(
        at_points(objective, directions), axes, title="", identity={}, points=tmp_path / "exact.jsonl"
    )
    scores = scores_at(module, task, data, directions, batch_size=30)
    everything = Tolerance(relative=1e-9, absolute=1e-9, examples=30)
    order = np.arange(len(data.targets["label"]))
    sampled = Sampled(scores, data.targets["label"], places, everything, order, tmp_path / "all")
    found = together({"test": sampled})(places)
    for row, (i, j) in zip(found, itertools.product(range(3), range(3)), strict=True):
        assert row["test_examples"] == len(data.targets["label"])
        assert row["test_loss"] == pytest.approx(exact.values["test_loss"][i, j], rel=1e-5)
        assert row["test_accuracy"] == pytest.approx(exact.values["test_accuracy"][i, j])
