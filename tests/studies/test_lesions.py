"""Lesions of a whole run: of a network that has learnt nothing, so that only their bookkeeping can be wrong."""

import pytest

from src.interpret.lesions import error
from src.runs.directory import RunDirectory
from src.studies.lesions import halving, one_removed, path_gradients, several_removed, several_swapped
from src.training.checkpoints import Checkpoints
from src.training.load_run import LoadedRun

MODULES = 9


@pytest.fixture
def finished(engine, tmp_path):
    made = engine(
        "debug.examples=60", "data.batch_size=16", "eval.batch_size=16", model=("model=resnet_preact", "model.depth=20")
    )
    return LoadedRun(RunDirectory(tmp_path), made, made.init_state(), Checkpoints(tmp_path, {}))


@pytest.mark.heavy
def test_every_module_is_taken_out_in_turn_and_the_whole_network_is_scored_first(finished):
    facts = one_removed(finished)
    network = finished.module
    assert facts["whole"] == error(network, finished.engine.settings.task, finished.engine.split("test"))
    assert len(facts["one_removed"]) == MODULES
    assert several_removed(finished, [1], 1)[0][1] in facts["one_removed"]


@pytest.mark.heavy
def test_draws_are_repeatable_and_differ(finished):
    found = several_removed(finished, [2, MODULES], 5)
    assert found == several_removed(finished, [2, MODULES], 5)
    assert [count for count, _ in found] == [2] * 5 + [MODULES] * 5
    assert len(set(found[:5])) > 1
    assert len(set(found[5:])) == 1


@pytest.mark.heavy
def test_more_swaps_leave_less_of_the_order(finished):
    few, many = (several_swapped(finished, [count], 8) for count in (1, 20))
    assert all(-1 <= tau < 1 for tau, _ in few)
    assert sum(tau for tau, _ in few) >= sum(tau for tau, _ in many)


def test_the_second_and_third_stage_begin_with_a_module_that_halves(finished):
    assert halving(finished) == [3, 6]


@pytest.mark.heavy
def test_there_is_a_gradient_for_every_length_of_path(finished):
    norms = path_gradients(finished, samples=2, size=8)
    assert len(norms) == MODULES + 1
    assert all(norm > 0 for norm in norms)
