import pytest

from src.config.errors import UserError
from src.studies.runs import named_or_trained

TINY = ("model=linear", "debug=limit", "data.augment=null", "tracking.tensorboard=false", "tracking.progress=none")


def test_a_run_is_named_or_described(tmp_path):
    path = tmp_path / "tiny"
    described = named_or_trained([f"hydra.run.dir={path}"], TINY)
    named = named_or_trained([f"run={path}"], ())
    assert named.directory == described.directory
    with pytest.raises(UserError, match=f"run={path} has its own settings; leave out the others"):
        named_or_trained([f"run={path}", "seed=1"], ())
