import json

import pytest
from matplotlib.figure import Figure

from src.config.errors import UserError
from src.markdown import markdown
from src.studies import output
from src.studies.results import file_stem, results_folder, write_results

TABLE = "| what | how many |\n| ---- | -------: |\n| a    |        1 |\n| bb   |       20 |\n"


def test_numbers_are_flush_right():
    assert markdown(["what", "how many"], [["a", "1"], ["bb", "20"]]) == TABLE


def test_a_title_names_a_file_in_its_own_folder():
    assert file_stem("4 x ResNet-20") == "4_x_ResNet-20"
    assert file_stem("../with/without") == ".._with_without"


@pytest.mark.parametrize("name", ["notes.txt", "results.json"])
def test_a_folder_of_somebody_else_is_left_alone(tmp_path, monkeypatch, name):
    monkeypatch.setattr(output, "FIGURES", tmp_path)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / name).write_text('{"mine": 1}')
    with pytest.raises(UserError, match=f"study holds {name}, which is not ours; move it elsewhere"):
        write_results("study", {"a": 1}, figures={"picture": Figure()})
    assert [path.name for path in (tmp_path / "study").iterdir()] == [name]


def test_results_of_ours_are_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(output, "FIGURES", tmp_path)
    for value in (1, 2):
        home = write_results("study", {"a": value}, figures={"picture": Figure()})
    assert results_folder("study") == home
    assert json.loads((home / "results.json").read_text())["facts"] == {"a": 2}


def test_parts_of_a_study_lie_beside_each_other(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(output, "FIGURES", tmp_path)
    write_results("study", {"a": 1}, figures={"picture": Figure()}, table=TABLE)
    write_results("study", {"a": 2}, figures={"picture": Figure()}, name="part")
    files = {path.name for path in (tmp_path / "study").iterdir()}
    assert files == {"picture.png", "results.json", "table.md", "picture_part.png", "results_part.json"}
    record = json.loads((tmp_path / "study/results_part.json").read_text())
    assert record["facts"] == {"a": 2}
    assert {"command", "commit", "device", "packages"} <= record["made_with"].keys()
    assert TABLE in capsys.readouterr().out
