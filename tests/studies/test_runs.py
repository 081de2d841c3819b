import re
from pathlib import Path

import pytest

from src.config.errors import UserError
from src.studies.runs import finish, named_or_trained, planned

TINY = ("model=linear", "debug=limit", "data.augment=null", "tracking.tensorboard=false", "tracking.progress=none")


def anything(settings, path):
    pass


def nothing(settings, path):
    raise UserError("not this one")


def test_a_run_that_is_refused_is_not_trained(tmp_path):
    with pytest.raises(UserError, match="not this one"):
        named_or_trained([f"hydra.run.dir={tmp_path / 'tiny'}"], TINY, nothing)
    assert not (tmp_path / "tiny").exists()


@pytest.mark.heavy
def test_a_run_is_named_or_described(tmp_path):
    path = tmp_path / "tiny"
    described = named_or_trained([f"hydra.run.dir={path}"], TINY, anything)
    named = named_or_trained([f"run={path}"], (), anything)
    assert named.directory == described.directory
    with pytest.raises(UserError, match=f"run={path} has its own settings; leave out the others"):
        named_or_trained([f"run={path}", "seed=1"], (), anything)


@pytest.mark.heavy
def test_the_page_shows_how_a_finished_run_is_used(tmp_path):
    path = tmp_path / "tiny"
    finish([planned([*TINY, "model=resnet", "model.depth=8", f"hydra.run.dir={path}"])])  # it has the page's layer
    page = (Path(__file__).parents[2] / "docs" / "runs.md").read_text()
    block = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    names = {}
    exec(block.replace("runs/resnet-digits-0123456789", str(path)), names)
    assert names["run"].predict(names["images"]).shape == (100, 10)
    assert 0 < names["run"].evaluate("test")["accuracy"] < 1


@pytest.mark.heavy
def test_a_run_that_kept_other_checkpoints_is_not_taken_for_a_whole_path(tmp_path):
    arguments = [*TINY, f"hydra.run.dir={tmp_path / 'tiny'}", "checkpoint.every=1step"]
    finish([planned([*arguments, "checkpoint.keep=1"])])
    with pytest.raises(UserError, match=r"kept 1 of the \d+ checkpoints that are needed"):
        planned([*arguments, "checkpoint.keep=null"]).with_checkpoints()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], "--help: settings of a run are written key=value"),
        (["dry_run=true"], "are for python -m src.train"),
        (["fresh=true"], "are for python -m src.train"),
    ],
)
def test_a_study_says_what_it_cannot_follow(arguments, words):
    with pytest.raises(UserError, match=re.escape(words)):
        planned(arguments)


@pytest.mark.heavy
def test_another_finished_run_is_not_taken(tmp_path):
    arguments = [*TINY, f"hydra.run.dir={tmp_path / 'tiny'}"]
    finish([planned(arguments)])
    other = planned([*arguments, "seed=9"])
    with pytest.raises(UserError, match="holds another run: seed is 0 there and 9 here"):
        other.loaded()
