"""Building kernels: once, safely, and never at the price of a run."""

import logging
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from src.data.cache import cache_home
from src.operations.library import ABOUT, BINARY, _compiler, _key, _processor, kernels
from tests.conftest import ROOT
from tests.operations.test_fuzz import needs


@pytest.fixture
def folder(tmp_path, library):
    """A cache with a copy of what was built already."""
    copy = tmp_path / "kernels"
    (copy / library).mkdir(parents=True, mode=0o700)
    copy.chmod(0o700)
    for name in (BINARY, ABOUT):
        (copy / library / name).write_bytes((cache_home() / "kernels" / library / name).read_bytes())
    return copy


def refusal(folder, caplog, monkeypatch, **environment):
    """The one line that is said."""
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert kernels.__wrapped__(folder) is None
    (line,) = caplog.messages
    assert "\n" not in line
    return line


def test_what_is_there_is_loaded_again_and_told_apart_by_its_key(folder, library):
    found = kernels.__wrapped__(folder)
    assert found.key == library == _key(_compiler())
    assert found.vector_width in (4, 8, 16)
    assert kernels.__wrapped__(folder, library) == found


def test_a_key_that_is_gone_gives_way_to_the_present_sources(folder, library):
    assert kernels.__wrapped__(folder, "0123456789abcdef").key == library


def test_a_key_leads_nowhere_else(folder, library):
    elsewhere = folder.parent / "elsewhere"
    (folder / library).rename(elsewhere)
    (elsewhere / BINARY).write_bytes(b"a stranger's")
    (folder / library).mkdir(mode=0o700)
    for name in (BINARY, ABOUT):
        (folder / library / name).write_bytes((cache_home() / "kernels" / library / name).read_bytes())
    for key in ("../elsewhere", str(elsewhere)):
        assert kernels.__wrapped__(folder, key).key == library


ARM = """processor\t: {number}
BogoMIPS\t: 243.75
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: {part}
"""


def test_processors_are_told_apart_and_their_cores_are_not(monkeypatch):
    def processor(*parts):
        text = "\n".join(ARM.format(number=number, part=part) for number, part in enumerate(parts))
        monkeypatch.setattr(Path, "read_text", lambda path: text)
        return _processor()

    assert processor("0xd0c") == processor("0xd0c", "0xd0c")
    assert processor("0xd0c") != processor("0xd40")


def test_no_compiler(tmp_path, caplog, monkeypatch):
    line = refusal(tmp_path / "kernels", caplog, monkeypatch, CXX="/nowhere/c++")
    assert "no C++ compiler /nowhere/c++" in line
    assert "XLA's operations" in line


def test_a_compiler_that_is_none(tmp_path, caplog, monkeypatch):
    assert "false ended with 1" in refusal(tmp_path / "kernels", caplog, monkeypatch, CXX="false")


def script(tmp_path, text):
    file = tmp_path / "compiler"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def test_a_compiler_that_fails_leaves_nothing(tmp_path, caplog, monkeypatch):
    compiler = script(tmp_path, '[ "$1" = --version ] && echo mine && exit; echo "error: no" >&2; exit 3')
    folder = tmp_path / "kernels"
    assert "compiler ended with 3: error: no" in refusal(folder, caplog, monkeypatch, CXX=compiler)
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_a_compiler_whose_product_cannot_be_loaded(tmp_path, caplog, monkeypatch):
    text = '[ "$1" = --version ] && echo mine && exit; while [ "$1" != -o ]; do shift; done; echo nonsense > "$2"'
    line = refusal(tmp_path / "kernels", caplog, monkeypatch, CXX=script(tmp_path, text))
    assert "their trial ended with" in line


def test_folders_of_others_are_refused(folder, caplog, monkeypatch):
    folder.chmod(0o777)
    assert "others may write" in refusal(folder, caplog, monkeypatch)
    folder.chmod(0o700)
    (library,) = (path for path in folder.iterdir() if path.is_dir())
    (library / BINARY).chmod(0o666)
    assert "others may write" in refusal(folder, caplog, monkeypatch)


def test_a_folder_that_cannot_be_made(tmp_path, caplog, monkeypatch):
    (tmp_path / "file").write_text("")
    assert "Not a directory" in refusal(tmp_path / "file" / "kernels", caplog, monkeypatch)


def test_a_damaged_record_is_refused(folder, library, caplog, monkeypatch):
    (folder / library / ABOUT).write_text("{")
    assert "damaged" in refusal(folder, caplog, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["g++", pytest.param("clang++", marks=needs("clang++"))])
def test_either_compiler_builds_what_stands_its_trial_without_a_warning(compiler, tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", f"{compiler} -Wall -Wextra -Werror")
    assert kernels.__wrapped__(tmp_path / "kernels") is not None


@pytest.mark.slow
def test_two_processes_that_start_together_build_once(tmp_path):
    code = "import sys, pathlib; from src.operations.library import kernels; print(kernels(pathlib.Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(tmp_path / "kernels")]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    one, other = (process.communicate(timeout=600)[0] for process in both)
    assert one == other != "None\n"
    assert len([path for path in (tmp_path / "kernels").iterdir() if path.is_dir()]) == 1
    assert stat.S_IMODE((tmp_path / "kernels").stat().st_mode) == 0o700
