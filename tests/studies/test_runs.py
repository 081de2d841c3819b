import pytest

from src.config.errors import UserError
from src.studies.runs import named_or_trained, trained

TINY = ("model=linear", "debug=limit", "data.augment=null", "tracking.tensorboard=false", "tracking.progress=none")


def test_runs_are_trained_once_and_in_the_order_of_the_command(tmp_path):
    arguments = ["-m", *TINY, "seed=1,0", f"hydra.sweep.dir={tmp_path}"]
    first = trained(arguments)
    assert [run.read_config()["seed"] for run in first] == [1, 0]
    before = [(run.path / "results.json").stat().st_mtime_ns for run in first]
    assert trained(arguments) == first
    assert [(run.path / "results.json").stat().st_mtime_ns for run in first] == before


def test_a_run_is_named_or_described(tmp_path):
    path = tmp_path / "tiny"
    described = named_or_trained([f"hydra.run.dir={path}"], TINY)
    named = named_or_trained([f"run={path}"], ())
    assert named.directory == described.directory
    with pytest.raises(UserError, match=f"run={path} has its own settings; leave out the others"):
        named_or_trained([f"run={path}", "seed=1"], ())
