"""Nothing of somebody else's is overwritten or deleted."""

import json

import pytest

from src.config.errors import UserError
from src.runs.directory import RunDirectory
from src.runs.files import check_ours, remove


def ours(path, identity="0123456789"):
    directory = RunDirectory(path)
    path.mkdir()
    directory.write_start({"seed": 0}, {"identity": identity, "commit": None}, "", {})
    return directory


def write(file, text="mine"):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def files(path):
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if not file.is_dir())


@pytest.mark.parametrize(
    "name", ["checkpoints/5/weights", "results.json", "wandb/notes", "train.log", ".DS_Store", "config.yaml"]
)
def test_a_directory_that_holds_something_else_is_refused(tmp_path, name):
    write(tmp_path / name)
    with pytest.raises(UserError, match=rf"holds {name.partition('/')[0]}, which is not ours; choose another"):
        RunDirectory(tmp_path).check_ours()


def test_a_run_whose_checkpoints_could_not_be_read_is_not_begun(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    directory = ours(tmp_path / "run")
    directory.checkpoints.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="checkpoints is a link"):
        directory.check_ours()


@pytest.mark.parametrize("provenance", ["[]", "cut", '{"entity": {}, "activity": {}}'])
def test_provenance_of_another_kind_is_not_ours(tmp_path, provenance):
    write(tmp_path / "provenance.json", provenance)
    with pytest.raises(UserError, match=r"is damaged|is not ours"):
        RunDirectory(tmp_path).check_ours()


@pytest.mark.parametrize("names", [(), (".lock",), (".lock", "train.log"), (".lock", "failure.txt", ".a.json.part")])
def test_a_run_that_died_before_its_provenance_begins_again(tmp_path, names):
    for name in names:
        write(tmp_path / name)
    RunDirectory(tmp_path).check_ours()
    RunDirectory(tmp_path / "new").check_ours()


def test_a_run_of_ours_may_have_anything_beside_it(tmp_path):
    directory = ours(tmp_path / "run")
    write(directory.path / "notes.txt")
    directory.check_ours()


def test_a_long_name_is_one_line(tmp_path):
    with pytest.raises(UserError, match="File name too long"):
        RunDirectory(tmp_path / ("x" * 300)).check_ours()


def test_what_a_run_made_goes_and_what_others_put_there_stays(tmp_path):
    directory = ours(tmp_path / "run")
    mine = ["notes.txt", "wandb/notes", "wandb/run-1-other/run.wandb", "tensorboard/notes", "trace/plugins/profile/a/b"]
    own = [
        "results.json", "failure.txt", "metrics.jsonl", "first_batch.png", "tensorboard/events.out.tfevents.1.host",
        "wandb/offline-run-1-0123456789-2026/run.wandb", "wandb/offline-run-1-0123456789-2026/files/media/a.png",
        "trace/plugins/profile/a/host.xplane.pb",
    ]  # fmt: skip
    for name in [*mine, *own]:
        write(directory.path / name)
    directory.clear()
    assert files(directory.path) == sorted([*mine, "config.yaml", "provenance.json"])
    assert not (directory.path / "wandb/offline-run-1-0123456789-2026").exists()


def test_links_are_not_followed(tmp_path):
    directory = ours(tmp_path / "run")
    write(tmp_path / "elsewhere/events.out.tfevents.1")
    directory.tensorboard.symlink_to(tmp_path / "elsewhere")
    directory.clear()
    assert files(tmp_path / "elsewhere") == ["events.out.tfevents.1"]
    remove([tmp_path / "elsewhere" / "events.out.tfevents.1"], directory.path)
    assert files(tmp_path / "elsewhere") == ["events.out.tfevents.1"]


def test_many_names_are_one_short_line(tmp_path):
    for number in range(9):
        write(tmp_path / f"{number}")
    with pytest.raises(UserError, match="holds 0, 1, 2 and 6 more, which is not ours; go away"):
        check_ours(tmp_path, ours=False, instead="go away")


def test_damaged_results_can_be_made_again(tmp_path):
    directory = ours(tmp_path / "run")
    write(directory.path / "results.json", "cut")
    with pytest.raises(UserError, match="remove it, and the command that trained makes it again"):
        directory.read_json("results.json")
    assert json.loads((directory.path / "provenance.json").read_text())["identity"] == "0123456789"
