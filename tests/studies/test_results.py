import json

from matplotlib.figure import Figure

from src.studies import output
from src.studies.results import file_stem, markdown, write_results

TABLE = "| what | how many |\n| ---- | -------: |\n| a    |        1 |\n| bb   |       20 |\n"


def test_numbers_are_flush_right():
    assert markdown(["what", "how many"], [["a", "1"], ["bb", "20"]]) == TABLE


def test_a_title_names_a_file_in_its_own_folder():
    assert file_stem("4 x ResNet-20") == "4_x_ResNet-20"
    assert file_stem("../with/without") == ".._with_without"


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
