"""What a command line means, and what is said when it means nothing."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from hydra import compose, initialize_config_dir
from hydra.types import RunMode

from src.config.compose import compose_jobs
from src.config.errors import UserError
from src.config.place import CONF
from src.runs.identity import run_hash
from src.summary import chosen
from src.training.from_hydra import run_settings

MISTAKES = {
    "model.dpeth=20": "did you mean 'model.depth'? It belongs to conf/model/resnet.yaml",
    "learning_rate=0.1": "did you mean 'optimizer.learning_rate'? It belongs to conf/optimizer/sgd.yaml",
    "optimizr.momentum=0": "did you mean 'optimizer.momentum'",
    "+data.nam=x": "data.nam is not a setting; did you mean 'name'?",
    "model=resnt": "did you mean 'resnet'?",
    "+experiment=resnet2O": "did you mean 'resnet20'?",
    "model=resnet2O": "there is +experiment=resnet20",
    "+experiment=vgg16": "there is model=vgg16",
    "lr=0.1": "write optimizer.learning_rate=0.1",
    "optimizer.lr=0.1": "write optimizer.learning_rate=0.1",
    "epochs=3": "write train.duration=3epochs",
    "epoch=3": "write train.duration=3epochs",
    "batch_size=": "write data.batch_size=…",
    "gpus=2": "write parallel.devices=2",
    "data.root=/tmp": "data=digits has no such setting; it belongs to data=arrays or data=coco_json or data=folder",
    "schedule.boundaries=[50%]": "it belongs to schedule=step",
    "schedule.warmup=5steps": "should be a group of settings {duration: …, factor: …, shape: …}, or null",
    "eval.every=150%": "eval.every=150%: should be at most 100%, which is the whole run",
    "runs/\udcfc=3": "no UTF-8 text here",
    "experiment=resnet20": "write +experiment=resnet20",
    "+experiment=resnet57": "did you mean 'resnet56'?",
    "+experiment=": "+experiment= is empty",
    "+model=resnet": "write model=resnet",
    "profile=quick": "write +profile=quick",
    "bogus": "write key=value",
    "=3": "no name before the =",
    "optimizer.learning_rate=inf": "should be a finite number",
    "data.root=~/mine": "special characters in quotes: 'data.root=\"~/mine\"'",
    "--verbose": "--verbose is no option",
    "--lr=0.1": "--lr=0.1 is no option; settings are written key=value",
    "seed=1,2": "add -m",
    "model.depth=57": "nearest: 56 and 62",
    "model.depth=2": "nearest: 8",
    "model.depth=many": "model.depth=many: should be a whole number",
    "model.depth=true": "model.depth=True: should be a whole number",
    "model.depth=": "model.depth is empty",
    "model.shortcut=C": "should be 'A', 'A_centred', 'B' or 'none'",
    "data.batch_size=-3": "should be greater than 0",
    "data.augment.flip=maybe": "should be a valid boolean",
    "data.augment=none": "or null where it can be left out",
    "optimizer.learning_rate=fast": "should be a valid number",
    "seed=-1": "greater than or equal to 0",
    "seed=1.5": "should be a whole number",
    "train.duration=10": "a number and a unit",
    "train.duration=3parsecs": "'parsecs' is no unit",
    "data=tfds": "data.name is missing",
    "parallel.devices=3": "nearest: 126 and 129",
    "model._target_=os.system": "a class of your own is added: +model._target_=os.system",
    "+model._target_=os.system": "outside this project",
    "+model._target_=src.data.digits.Digits": "not a kind of ModelSettings",
    "model.kind=digits": "not a kind of ModelSettings",
}


@pytest.mark.parametrize(("argument", "said"), MISTAKES.items())
def test_every_mistake_gets_one_line_with_the_right_thing(compose, argument, said):
    with pytest.raises(UserError) as caught:
        compose(argument)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_summary_says_that_the_name_of_an_experiment_is_empty():
    with pytest.raises(UserError, match=r"^\+experiment= is empty; known are: .*, resnet20, "):
        chosen(["+experiment="])
    with pytest.raises(UserError, match=r"^model is missing"):
        chosen([])


def test_a_batch_of_one_image_cannot_be_mixed(compose):
    with pytest.raises(UserError, match=r"^data: mixup and cutmix need a batch_size of at least 2"):
        compose("data.batch_size=1", "data.augment.mixup=0.2")
    assert compose("data.batch_size=1").data.batch_size == 1


def test_zero_is_a_seed(compose):
    assert compose("seed=0").seed == 0


@pytest.mark.parametrize("experiment", ["resnet56_noskip", "resnet110_noskip_li"])
def test_the_order_of_overrides_does_not_matter(compose, experiment):
    arguments = ["+profile=quick", f"+experiment={experiment}", "data=digits", "seed=3"]
    there, back = compose(*arguments), compose(*reversed(arguments))
    assert there == back
    assert run_hash(there) == run_hash(back)


@pytest.mark.heavy
def test_a_data_set_brings_its_own_split_sizes_into_an_experiment(compose):
    assert compose("+experiment=resnet20").data.validation == 5000
    assert compose("+experiment=resnet20", "data=digits").data == compose("data=digits").data
    assert compose("data=digits", "+experiment=resnet56_li").data == compose("data=digits").data


def test_a_sweep_is_composed_job_by_job():
    jobs = compose_jobs("train", ["-m", "+experiment=resnet20,resnet20_noskip", "seed=0,1,2"])
    assert [(job.model.shortcut, job.seed) for job in jobs] == [(s, k) for s in ("A", "none") for k in (0, 1, 2)]


def test_a_mistake_in_any_job_of_a_sweep_is_found():
    with pytest.raises(UserError, match="resnet21"):
        compose_jobs("train", ["-m", "+experiment=resnet20,resnet21"])


def test_a_pattern_names_every_choice_that_it_fits():
    jobs = compose_jobs("train", ["-m", "model=glob(resnet1*,exclude=*_v2)"])
    assert [job.hydra.runtime.choices.model for job in jobs] == ["resnet101", "resnet152", "resnet18"]


@pytest.mark.parametrize(
    ("sweep", "words"),
    [
        ("model=glob(zz*)", "names no value that there is"),
        ("optimizer.learning_rate=interval(0.1,1)", "names no values that could be run one by one"),
    ],
)
def test_a_sweep_over_nothing_is_refused(sweep, words):
    with pytest.raises(UserError, match=words):
        compose_jobs("train", ["-m", sweep])


def test_configurations_of_ones_own_are_found(tmp_path):
    (tmp_path / "model").mkdir()
    shutil.copy(CONF / "model" / "linear.yaml", tmp_path / "model" / "mine.yaml")
    (job,) = compose_jobs("train", ["--config-dir", str(tmp_path), "model=mine"])
    assert job.model == compose_jobs("train", ["model=linear"])[0].model
    with pytest.raises(UserError, match="did you mean 'mine'"):
        compose_jobs("train", ["--config-dir", str(tmp_path), "model=minne"])
    with pytest.raises(UserError, match="nowhere is not there"):
        compose_jobs("train", ["--config-dir", "nowhere"])


def own(folder, **files):
    """A directory for `--config-dir` with some experiments."""
    (folder / "experiment").mkdir()
    for name, text in files.items():
        (folder / "experiment" / f"{name}.yaml").write_text(text)
    return ["--config-dir", str(folder)]


SWEPT = """# @package _global_
hydra: {{mode: {mode}, sweeper: {{params: {{{key}: "0,1", model.depth: "8,14"}}}}}}
"""


def combinations(jobs):
    return [(job.seed, job.model.depth) for job in jobs]


@pytest.mark.heavy
def test_a_sweep_that_is_written_in_a_file_is_composed_as_hydra_runs_it(tmp_path):
    home = own(tmp_path, swept=SWEPT.format(mode="MULTIRUN", key="seed"))
    jobs = compose_jobs("train", [*home, "+experiment=swept"])
    assert combinations(jobs) == [(0, 8), (0, 14), (1, 8), (1, 14)]
    assert {job.hydra.mode for job in jobs} == {RunMode.MULTIRUN}
    assert list(jobs[1].hydra.overrides.task) == ["seed=0", "model.depth=14", "+experiment=swept"]
    assert combinations(compose_jobs("train", [*home, "+experiment=swept", "seed=5"])) == [(5, 8), (5, 14)]


@pytest.mark.heavy
def test_a_sweep_that_is_written_in_a_file_waits_for_its_mode(tmp_path):
    home = own(tmp_path, swept=SWEPT.format(mode="null", key="seed"))
    assert combinations(compose_jobs("train", [*home, "+experiment=swept"])) == [(0, 20)]
    assert len(compose_jobs("train", [*home, "-m", "+experiment=swept"])) == 4
    assert len(compose_jobs("train", ["hydra.mode=MULTIRUN", "seed=0,1,2"])) == 3
    assert len(compose_jobs("train", ["-m", "+hydra.sweeper.params.seed='0,1,2'"])) == 3


def test_what_is_typed_twice_counts_once_in_a_sweep_too():
    assert [job.seed for job in compose_jobs("train", ["-m", "seed=0,1", "seed=3,4,5"])] == [3, 4, 5]


@pytest.mark.parametrize(
    ("files", "arguments", "said"),
    [
        ({"a": SWEPT.format(mode="null", key="sed")}, ["-m", "+experiment=a"], "sed=0: there is no such setting; did"),
        ({"a": SWEPT.format(mode="MULTRUN", key="seed")}, ["+experiment=a"], "expected one of"),
        ({"a": SWEPT.format(mode="null", key="seed")}, ["-m", "+experiment=a,resnet20"], "in one choice of a sweep"),
        ({"a": "# @package _global_\nseed: 0,1\n"}, ["+experiment=a"], "seed=0,1: should be a whole number"),
        ({}, ["-m", "hydra.sweep.dir=a,b"], "Hydra's own settings are the same for all jobs"),
        ({}, ["hydra.job.name=${x}"], "hydra.job.name: Interpolation key 'x' not found"),
        ({"a": "defaults: [override /model: vgg9]\n"}, ["+experiment=a"], "begin with the line: # @package _global_"),
        ({"a": "model: {depth: 14}\n"}, ["+experiment=a"], "a.yaml has to begin with the line: # @package _global_"),
        ({"a": "# @package _global_\nmodel: [\n  a: {\n"}, ["+experiment=a"], "a.yaml, line 4: expected the node"),
        ({"a": "# @package _global_\nmodel:\n\tdepth: 8\n"}, ["+experiment=a"], "a.yaml, line 3: found character"),
    ],
)
def test_a_mistake_in_a_file_of_ones_own_is_one_line(tmp_path, files, arguments, said):
    home = own(tmp_path, **files)
    with pytest.raises(UserError) as caught:
        [run_settings(job) for job in compose_jobs("train", [*home, *arguments])]
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_text_or_no_network_are_one_line(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "latin.yaml").write_bytes(b"depth: \xff\n")
    (tmp_path / "model" / "empty.yaml").touch()
    with pytest.raises(UserError, match="is no UTF-8 text"):
        compose_jobs("train", ["--config-dir", str(tmp_path), "model=latin"])
    (job,) = compose_jobs("train", ["--config-dir", str(tmp_path), "model=empty"])
    with pytest.raises(
        UserError, match="model: should say with kind which ModelSettings it is; there are alexnet, convnet"
    ):
        run_settings(job)


def test_help_is_left_to_hydra():
    assert compose_jobs("train", ["--help"]) == []


@pytest.mark.heavy
def test_several_threads_and_applications_of_hydra_can_compose(tmp_path):
    """Python code may do so beside a `@hydra.main` of its own."""
    (tmp_path / "own.yaml").write_text("depth: 3")
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        with ThreadPoolExecutor(4) as pool:
            jobs = pool.map(lambda seed: compose_jobs("train", [f"seed={seed}"]), range(8))
            assert [job.seed for (job,) in jobs] == [*range(8)]
        assert compose("own").depth == 3
