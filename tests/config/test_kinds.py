"""Short names of settings classes: they outlive moves, and runs keep the names that they had before there were any."""

import json
import logging
import re
import subprocess
import sys
from contextlib import suppress

import pytest
import yaml

from src.config import kinds as kinds_of_classes
from src.config.errors import UserError
from src.config.hashed_names import HASHED_NAMES
from src.config.kinds import hashed_name, kinds
from src.config.settings import defining_values, read_settings
from src.data.settings import DataSettings
from src.models.base import ModelSettings
from src.runs.identity import difference, run_hash
from src.tasks.base import TaskSettings
from src.training.optimizers.base import OptimizerSettings
from src.training.schedules.base import ScheduleSettings
from src.zoo.named import ModelNode, named_model
from tests.conftest import ROOT

ABSTRACT = (ModelSettings, DataSettings, TaskSettings, OptimizerSettings, ScheduleSettings)


NAME = re.compile(r"[a-z]\w*(?:-[a-z0-9_]+)?-[0-9a-f]{10}")
TEMPLATES = [["+experiment=linear_mnist", *data] for data in ([], ["data=cifar10"], ["data=fashion_mnist"])]


def found_in(values):
    """All mappings and texts inside a tree of values."""
    yield values
    for value in values.values() if isinstance(values, dict) else values if isinstance(values, list) else ():
        yield from found_in(value)


def committed_results():
    return [json.loads(path.read_text()) for path in (ROOT / "results").rglob("*.json")]


def recorded_commands():
    """The command lines of runs as results and studies have them; a setting may be called differently now."""
    yield from TEMPLATES
    for part in found_in(committed_results()):
        if isinstance(part, dict) and {"arguments", "run"} <= {*part}:
            yield [argument.replace("model.kind=", "model.block=") for argument in part["arguments"]]
    for study in (ROOT / "conf/study").glob("*.yaml"):
        for scale in yaml.safe_load(study.read_text()).get("scales", {}).values():
            for part in found_in(scale):
                if isinstance(part, dict) and "arguments" in part:
                    yield [*scale.get("common", ()), *part["arguments"]]


LATER = (
    *("segmentation_shapes-", "localisation_shapes-", "detection_shapes-", "resnet20-05265d2e04"),
    *("transfer_cached-", "transfer_augmented-", "dense-folder-", "mobilenet-folder-"),
)
"""Runs that came after there were kinds."""


def seeded(compose, arguments):
    """The settings of a command. Composing takes a second, so commands that differ in their seeds share it."""
    seeds = [int(text.removeprefix("seed=")) for text in arguments if text.startswith("seed=")]
    settings = compose(*(text for text in arguments if not text.startswith("seed=")))
    return settings.model_copy(update={"seed": seeds[-1]}) if seeds else settings


@pytest.mark.slow
def test_all_runs_of_results_have_their_names_again(compose):
    named = {part for part in found_in(committed_results()) if isinstance(part, str) and NAME.fullmatch(part)}
    hashes = set()
    for arguments in {tuple(command) for command in recorded_commands()}:
        with suppress(UserError):  # a study may leave a setting to its other parts
            hashes.add(run_hash(seeded(compose, arguments)))
    named = {name for name in named if not name.startswith(LATER)}
    assert len(named) == 269
    assert {name for name in named if name.rpartition("-")[2] not in hashes} == set()


@pytest.mark.parametrize("expected", ABSTRACT)
def test_every_kind_that_there_was_is_there(expected):
    room = expected.__module__.rpartition(".")[0]
    before = {kind for kind, path in HASHED_NAMES.items() if path.startswith(room.removesuffix("s")) and kind.islower()}
    assert before & {*kinds(expected)}
    assert {kind for each in ABSTRACT for kind in kinds(each)} >= {kind for kind in HASHED_NAMES if kind.islower()}


def test_a_class_by_the_path_of_old_is_the_kind_of_today(caplog):
    old = {
        "_target_": "src.models.filter_stacks.FilterStackSettings", "kind": "separable",
        "stem": 3, "stride": 1, "width": 4, "stages": 1, "blocks": 1, "kernel": 3, "groups": 1,
    }  # fmt: skip
    with caplog.at_level(logging.WARNING):
        read = read_settings(ModelNode, {"model": old}).model
    assert read == named_model("filter_stack", block="separable", width=4, stages=1, blocks=1)
    assert [record.message for record in caplog.records] == ["kind is called block now"]
    assert defining_values(read) == old


@pytest.mark.parametrize(
    ("kind", "words"),
    {
        "resnet_cifa": "kind 'resnet_cifa' is not a kind of ModelSettings; did you mean 'resnet_cifar'?",
        "base": "kind 'base' is not a kind of ModelSettings",
        "os.path": "kind 'os.path' is not a kind of ModelSettings",
        "sgd": "kind 'sgd' is not a kind of ModelSettings",
        3: "kind 3 is not a kind of ModelSettings",
    }.items(),
)
def test_an_unknown_kind_is_one_line_with_the_nearest(kind, words):
    with pytest.raises(UserError, match=words):
        read_settings(ModelNode, {"model": {"kind": kind}})


def test_a_kind_that_came_later_names_runs_by_itself(monkeypatch):
    cls = type(named_model("vgg16"))
    assert hashed_name(cls) == {"_target_": "src.models.vgg.VGGSettings"}
    monkeypatch.setattr(kinds_of_classes, "HASHED_NAMES", {})
    assert hashed_name(cls) == {"kind": "vgg"}


def test_a_difference_names_kinds():
    vgg, resnet = defining_values(named_model("vgg16")), defining_values(named_model("resnet"))
    assert "kind is vgg there and resnet_cifar here" in difference(vgg, resnet)


@pytest.mark.heavy
def test_a_kind_is_found_without_importing_the_others():
    program = """if True:
        import sys
        from src.zoo.named import named_model
        named_model("resnet")
        assert not {"src.models.vgg", "src.models.nasnet"} & {*sys.modules}
    """
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
