"""What is shown while a surface is surveyed."""

import itertools

import pytest

from src.studies.progress import surface_progress


def test_a_file_has_the_first_line_the_last_and_one_a_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count(0, 25)
    monkeypatch.setattr("time.perf_counter", lambda: next(seconds))
    with surface_progress("plane") as callback:
        for done in range(1, 8):
            callback(done, 7)
    assert capsys.readouterr().err.splitlines() == [
        "plane: 1 of 7 points  2.5 min left  ",
        "plane: 4 of 7 points  1.2 min left  ",
        "plane: 7 of 7 points  0.0 min left  ",
    ]


def test_points_of_an_earlier_process_do_not_make_the_rest_look_short(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count(0, 60)
    monkeypatch.setattr("time.perf_counter", lambda: next(seconds))
    with surface_progress("plane") as callback:
        callback(91, 100)
    assert "9.0 min left" in capsys.readouterr().err
