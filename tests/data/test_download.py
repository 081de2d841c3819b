"""A file is there whole, with the right checksum, or not at all; whatever the server does."""

import hashlib
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from src.config.status import ERASE
from src.data import download as module
from src.data.download import download
from src.data.examples import SourceError
from tests.conftest import ROOT
from tests.data.server import Terminal, serving

CONTENT = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILES = {"shapes.bin": CONTENT}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0.001)
    monkeypatch.setenv("no_proxy", "*")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_downloaded_once(tmp_path):
    with serving(FILES) as server:
        for _ in range(2):
            path = download(f"{server.address}/shapes.bin", SHA256, tmp_path / "there")
            assert path.read_bytes() == CONTENT
        assert server.asked == [0]
    assert names(tmp_path / "there") == ["shapes.bin"]


def test_a_damaged_file_is_downloaded_again(tmp_path):
    (tmp_path / "shapes.bin").write_bytes(CONTENT[:-1])
    with serving(FILES) as server:
        assert download(f"{server.address}/shapes.bin", SHA256, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("knows_parts", [True, False])
def test_a_download_that_is_cut_goes_on(tmp_path, knows_parts):
    with serving(FILES, cuts=[60 * module.PIECE, 30 * module.PIECE], knows_parts=knows_parts) as server:
        assert download(f"{server.address}/shapes.bin", SHA256, tmp_path).read_bytes() == CONTENT
    assert [asked / module.PIECE for asked in server.asked] == [0, 60, 90 if knows_parts else 30]
    assert names(tmp_path) == ["shapes.bin"]


def test_a_server_that_always_cuts_is_given_up_and_gone_on_with_later(tmp_path):
    with serving(FILES, cuts=[module.PIECE] * module.ATTEMPTS) as server:
        with pytest.raises(SourceError, match=r"^127\.0\.0\.1:\d+ cut the connection 5 times$"):
            download(f"{server.address}/shapes.bin", SHA256, tmp_path)
        assert names(tmp_path) == ["shapes.bin.part"]
        assert download(f"{server.address}/shapes.bin", SHA256, tmp_path).read_bytes() == CONTENT
    assert server.asked == [module.PIECE * number for number in range(module.ATTEMPTS + 1)]


def test_a_part_that_lacks_nothing_is_the_file(tmp_path):
    """As where a process was killed after the last byte."""
    (tmp_path / "shapes.bin.part").write_bytes(CONTENT)
    with serving(FILES) as server:
        assert download(f"{server.address}/shapes.bin", SHA256, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("begun", [b"", b"of another file"])
def test_another_file_is_refused_and_not_kept(tmp_path, begun):
    if begun:
        (tmp_path / "shapes.bin.part").write_bytes(begun)
    served = CONTENT if begun else b"<html>Please accept our conditions.</html>"
    with serving({"shapes.bin": served}) as server:
        with pytest.raises(SourceError, match=r"^shapes.bin from 127\.0\.0\.1:\d+ is not the published file \(SHA"):
            download(f"{server.address}/shapes.bin", SHA256, tmp_path)
        assert names(tmp_path) == []
        server.files = FILES
        assert download(f"{server.address}/shapes.bin", SHA256, tmp_path).read_bytes() == CONTENT


def test_a_file_that_is_not_there_is_told_of(tmp_path):
    with serving({}) as server, pytest.raises(SourceError, match=r"^127\.0\.0\.1:\d+ answers 404 Not Found$"):
        download(f"{server.address}/shapes.bin", SHA256, tmp_path)
    assert len(server.asked) == 1


def test_a_server_that_refuses_is_not_asked_again(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 60.0)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(SourceError, match=r"^127\.0\.0\.1:\d+ cannot be reached: Connection refused$"):
            download(f"http://127.0.0.1:{closed.getsockname()[1]}/shapes.bin", SHA256, tmp_path)


def test_a_server_that_never_answers_costs_the_time_to_connect(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        start = time.monotonic()
        with pytest.raises(SourceError, match=r"^127\.0\.0\.1:\d+ did not answer within 0\.3 s$"):
            download(f"http://127.0.0.1:{silent.getsockname()[1]}/shapes.bin", SHA256, tmp_path)
        assert time.monotonic() - start < 10


def test_a_name_that_nobody_looks_up_costs_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(20))
    start = time.monotonic()
    with pytest.raises(SourceError, match=r"^data\.example did not answer within 0\.3 s$"):
        download("http://data.example/shapes.bin", SHA256, tmp_path)
    assert time.monotonic() - start < 10


def test_a_folder_that_cannot_be_written_is_told_of():
    with serving(FILES) as server, pytest.raises(SourceError, match=r"^/proc/none cannot be written: "):
        download(f"{server.address}/shapes.bin", SHA256, Path("/proc/none"))


DOWNLOAD = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in the background of a shell
from pathlib import Path
from src.data.download import download
download(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_download_of_a_process_that_dies_is_gone_on_with(tmp_path, number):
    with serving(FILES, cuts=[1_000_000]) as server:
        server.hangs_up.clear()
        url = f"{server.address}/shapes.bin"
        process = subprocess.Popen(
            [sys.executable, "-c", DOWNLOAD, url, SHA256, tmp_path], cwd=ROOT, stderr=subprocess.PIPE
        )
        assert server.has_cut.wait(timeout=60)
        while not (tmp_path / "shapes.bin.part").exists() or not (tmp_path / "shapes.bin.part").stat().st_size:
            time.sleep(0.01)
        process.send_signal(number)
        process.communicate()
        assert names(tmp_path) == ["shapes.bin.part"]
        assert download(url, SHA256, tmp_path).read_bytes() == CONTENT
    assert server.asked[0] == 0 < server.asked[1] <= 1_000_000


def test_progress_is_shown_on_a_terminal_alone(tmp_path, monkeypatch, capsys):
    with serving(FILES) as server:
        download(f"{server.address}/shapes.bin", SHA256, tmp_path / "quiet")
        assert capsys.readouterr() == ("", "")
        monkeypatch.setattr(sys, "stderr", Terminal())
        download(f"{server.address}/shapes.bin", SHA256, tmp_path / "shown")
    lines = sys.stderr.getvalue().split(ERASE)
    assert lines[1] == f"connecting to 127.0.0.1:{server.server_port} …"
    assert lines[-2:] == ["downloading shapes.bin: 3.0 of 3.0 MB …", ""]
