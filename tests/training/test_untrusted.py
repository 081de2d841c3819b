"""An untrusted run directory: loading it executes nothing, reads nothing outside it, and changes nothing."""

import contextlib
import json
import pickle
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from src.config.errors import UserError
from src.training.load_run import load_run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small finished run."""
    from src.training.from_hydra import compose_runs, run_config, run_settings
    from src.training.run import run

    path = tmp_path_factory.mktemp("run") / "run"
    arguments = ("model.depth=8", "data.augment.crop=1", "train.duration=2steps", "tracking.progress=none")
    (job,) = compose_runs("train", list(arguments))
    run(run_settings(job), run_config(job), path)
    return path


@pytest.fixture
def strange(tmp_path, finished):
    """A copy to do harm to."""
    return Path(shutil.copytree(finished, tmp_path / "strange"))


def rewrite(path, *keys, value):
    """Changes one value of a run's configuration."""
    config = yaml.safe_load((path / "config.yaml").read_text())
    node = config
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    (path / "config.yaml").write_text(yaml.safe_dump(config))


@pytest.mark.heavy
def test_a_run_is_loaded_and_left_as_it_is(strange):
    before = {path: path.stat().st_mtime_ns for path in strange.rglob("*")}
    assert load_run(strange).state.step == 2
    assert {path: path.stat().st_mtime_ns for path in strange.rglob("*")} == before


@pytest.mark.parametrize("resumed", ["once", ["once"], [{}], [{"kernels": "../../kernels"}], [{"kernels": 1}], None])
def test_kernels_that_it_names_are_not_loaded(strange, resumed):
    rewrite(strange, "kernels", value="auto")
    begun = json.loads((strange / "provenance.json").read_text())
    (strange / "provenance.json").write_text(json.dumps({**begun, "resumed": resumed}))
    folder = strange.parent / "kernels"
    folder.mkdir(mode=0o700)
    (folder / "kernels.so").write_bytes(b"no library")
    (folder / "about.json").write_text('{"key": "1", "compiler": "mine", "flags": "", "vector_width": 1}')
    assert load_run(strange).state.step == 2


@pytest.mark.parametrize("target", ["os.system", "subprocess.Popen", "builtins.eval", "evil.Model", "srcery.Model"])
def test_code_outside_the_project_is_not_even_imported(strange, tmp_path, monkeypatch, target):
    for name in ("evil", "srcery"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    rewrite(strange, "model", "_target_", value=target)
    rewrite(strange, "trust", value=["os", "subprocess", "builtins", "evil", "srcery"])  # what it asks for itself
    with pytest.raises(
        UserError, match=f"is outside this project; if you trust that code, add trust={target.split('.')[0]}"
    ):
        load_run(strange)
    assert not (tmp_path / "executed").exists()
    assert not {"evil", "srcery"} & set(sys.modules)


@pytest.mark.parametrize("target", ["src.train.main", "src.training.engine.Engine", "src.models.vgg.VGG"])
def test_what_is_no_class_of_settings_is_refused(strange, target):
    rewrite(strange, "model", "_target_", value=target)
    with pytest.raises(UserError, match="classes of this project are chosen by kind"):
        load_run(strange)


def test_a_class_of_the_project_in_the_wrong_place_is_refused(strange):
    rewrite(strange, "model", "_target_", value="src.data.digits.Digits")
    with pytest.raises(UserError, match="is not a kind of ModelSettings"):
        load_run(strange)


def test_trusted_code_is_used(strange, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "friendly.py").write_text("from src.models.resnet_cifar import CifarResNetSettings")
    rewrite(strange, "model", "_target_", value="friendly.CifarResNetSettings")
    assert load_run(strange, trust=["friendly"]).state.step == 2


def test_yaml_that_makes_objects_is_refused(strange, tmp_path):
    (strange / "config.yaml").write_text(f"!!python/object/apply:os.system ['touch {tmp_path}/executed']")
    with pytest.raises(UserError, match=r"config.yaml is damaged"):
        load_run(strange)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("name", ["../../etc", "..", "/etc", "huggingface:evil", "a/../../b", ""])
def test_a_data_set_cannot_lead_out_of_the_cache_or_fetch_code(strange, name):
    rewrite(strange, "data", value={**yaml.safe_load((strange / "config.yaml").read_text())["data"], "name": name})
    with pytest.raises(UserError, match=r"data\.name"):
        load_run(strange)


class Executed:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


@pytest.mark.heavy
def test_a_pickle_in_place_of_any_file_is_never_loaded(strange, tmp_path):
    content = pickle.dumps(Executed(tmp_path / "executed"))
    files = [path for path in strange.rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        kept = path.read_bytes()
        path.write_bytes(content)
        with contextlib.suppress(UserError):
            load_run(strange)
        path.write_bytes(kept)
    assert not (tmp_path / "executed").exists()


def test_links_out_of_the_directory_are_not_followed(strange, tmp_path, finished):
    (inside,) = (strange / "checkpoints/2").glob("state/d/*")
    outside = tmp_path / "outside"
    shutil.copy(inside, outside)
    inside.unlink()
    inside.symlink_to(outside)
    with pytest.raises(UserError, match="is damaged, or not there"):
        load_run(strange)
    shutil.rmtree(strange / "checkpoints")
    (strange / "checkpoints").symlink_to(finished / "checkpoints")
    with pytest.raises(UserError, match="is damaged, or not there"):
        load_run(strange)


@pytest.mark.parametrize("steps", ["../../run/checkpoints/2", None, 3, [2]])
def test_the_results_cannot_name_a_checkpoint_elsewhere(strange, steps):
    results = json.loads((strange / "results.json").read_text())
    (strange / "results.json").write_text(json.dumps(results | {"steps": steps}))
    with pytest.raises(UserError):
        load_run(strange)
