"""Equal hashes mean equal results."""

import pytest

from src.config.errors import UserError
from src.config.settings import defining_values, rule_revisions
from src.runs.identity import run_hash, short_hash

SHOWN_OR_PLACED = [
    "tracking.progress=none",
    "parallel.devices=2",
    "train.steps_per_dispatch=7",
    "train.log_every=3steps",
    "dry_run=true",
    "fresh=true",
]
DEFINING = [
    "seed=1",
    "model.depth=26",
    "model.shortcut=B",
    "data.batch_size=64",
    "data.augment.crop=2",
    "data.augment=null",
    "data.normalize=pixel",
    "optimizer.weight_decay=0",
    "schedule=step",
    "train.duration=3epochs",
    "task.label_smoothing=0.1",
    "precision=bfloat16",
    "+profile=quick",
    "debug=overfit",
]


@pytest.mark.parametrize("argument", SHOWN_OR_PLACED)
def test_how_a_run_is_shown_or_placed_does_not_name_it(compose, argument):
    assert run_hash(compose(argument)) == run_hash(compose())


@pytest.mark.heavy
def test_everything_that_defines_a_result_names_it(compose):
    hashes = {run_hash(compose(argument)) for argument in DEFINING}
    assert len(hashes | {run_hash(compose())}) == len(DEFINING) + 1


def test_a_setting_that_came_later_renames_nothing_at_its_old_value(compose):
    assert run_hash(compose("model.width=1")) == run_hash(compose())
    assert run_hash(compose("model.width=2")) != run_hash(compose())


WARMUP = "schedule.warmup={duration: 10%, factor: 0.1, shape: linear}"
BEFORE_RULES_CHANGED = {
    (): "5f3bc9288e",
    ("schedule=one_cycle",): "7e0d2349a0",
    ("schedule=step", WARMUP): "5119e8bf3e",
    ("schedule=plateau", WARMUP): "43afd7dc78",
    ("data.batch_size=128", "data.augment.mixup=0.2"): "ad73316270",
    ("data.batch_size=127",): "926d3a18b7",
    ("+experiment=resnet110",): "e84a55227e",
}
CHANGED = {
    ("schedule=cosine", WARMUP): ("8db07115b3", {"schedule": 2}),
    ("schedule=one_cycle", WARMUP): ("acf8ed4c48", {"schedule": 2}),
    ("data.batch_size=127", "data.augment.mixup=0.2"): ("8c40e04e33", {"data": 2}),
    ("data.batch_size=127", "data.augment.cutmix=0.2"): ("f6cf4b78bc", {"data": 2}),
    ("optimizer=lars",): ("b682538912", {"optimizer": 2}),
    ("optimizer=muon",): ("8855a01857", {"optimizer": 2}),
}


@pytest.mark.parametrize(("arguments", "name"), BEFORE_RULES_CHANGED.items())
def test_runs_whose_rules_did_not_change_keep_their_names(compose, arguments, name):
    assert run_hash(compose(*arguments)) == name


@pytest.mark.parametrize(("arguments", "before"), CHANGED.items())
def test_a_rule_that_changed_gives_runs_a_new_name(compose, arguments, before):
    name, revisions = before
    settings = compose(*arguments)
    assert run_hash(settings) != name == short_hash(defining_values(settings))
    assert rule_revisions(settings) == revisions


def test_with_statistics_of_each_device_their_number_defines_the_result(compose):
    local = [compose("parallel.batch_norm=local", f"parallel.devices={count}") for count in (1, 2)]
    assert len({run_hash(settings) for settings in (*local, compose())}) == 3
    with pytest.raises(UserError, match="with batch_norm=local the result depends on how many devices there are"):
        compose("parallel.batch_norm=local")
