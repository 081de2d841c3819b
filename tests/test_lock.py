"""Locks between real processes."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from src.config.errors import UserError
from src.lock import locked
from tests.conftest import ROOT

HOLD = """
import sys, time
from pathlib import Path
from src.lock import locked
with locked(Path(sys.argv[1]), of=Path("it"), wait=False):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds a lock."""
    command = [sys.executable, "-c", HOLD, tmp_path / ".lock"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_the_holder_is_named_however_often_one_asks(tmp_path, holder):
    for _ in range(2):
        with (
            pytest.raises(UserError, match=rf"^here is in use by process {holder.pid} on \S+$"),
            locked(tmp_path / ".lock", of=Path("here"), wait=False),
        ):
            pass


def test_a_killed_holder_lets_go(tmp_path, holder):
    threading.Timer(0.3, holder.send_signal, [signal.SIGKILL]).start()
    with locked(tmp_path / ".lock", of=tmp_path, wait=True):
        assert (tmp_path / ".lock").read_text().split()[:2] == ["process", str(os.getpid())]


def test_a_lock_is_let_go_after_an_error_and_its_file_stays(tmp_path):
    for _ in range(2):
        with pytest.raises(KeyError), locked(tmp_path / ".lock", of=tmp_path, wait=False):
            raise KeyError
    assert (tmp_path / ".lock").exists()


def test_a_lock_that_cannot_be_written_is_no_holder():
    with pytest.raises(OSError, match="No such file"), locked(Path("/proc/none/.lock"), of=Path("it"), wait=False):
        pass
