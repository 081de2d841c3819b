import pytest

from src.config.errors import UserError
from src.studies.runs import finish, named_or_trained, planned

TINY = ("model=linear", "debug=limit", "data.augment=null", "tracking.tensorboard=false", "tracking.progress=none")


def test_a_run_is_named_or_described(tmp_path):
    path = tmp_path / "tiny"
    described = named_or_trained([f"hydra.run.dir={path}"], TINY)
    named = named_or_trained([f"run={path}"], ())
    assert named.directory == described.directory
    with pytest.raises(UserError, match=f"run={path} has its own settings; leave out the others"):
        named_or_trained([f"run={path}", "seed=1"], ())


def test_a_run_that_kept_other_checkpoints_is_not_taken_for_a_whole_path(tmp_path):
    arguments = [*TINY, f"hydra.run.dir={tmp_path / 'tiny'}", "checkpoint.every=1step"]
    finish([planned([*arguments, "checkpoint.keep=1"])])
    with pytest.raises(UserError, match=r"kept 1 of the \d+ checkpoints that are needed"):
        planned([*arguments, "checkpoint.keep=null"]).with_checkpoints()
