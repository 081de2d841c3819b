"""The first seconds of a command, on a terminal: what a person sees, and what Ctrl-C does."""

import codecs
import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from src.config.status import ERASE
from tests.conftest import ROOT
from tests.small import STACK

COMMANDS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")
    for folder in ("src", "experiments", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if '__name__ == "__main__"' in path.read_text()
)

LONG = (*STACK, "train.duration=100000steps", "tracking.tensorboard=false")


class Terminal:
    """A command on a terminal of its own, and what it has written there."""

    def __init__(self, module, *arguments, through=()):
        self.side, other = pty.openpty()
        command = [*through, sys.executable, "-m", module, *arguments]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=other, stdout=other, stderr=other, start_new_session=True
        )
        os.close(other)
        self.written, self.decoder = "", codecs.getincrementaldecoder("utf-8")()  # a read may end inside a letter

    def read(self):
        """Takes what was written since; nothing once the command has ended."""
        try:
            self.written += self.decoder.decode(os.read(self.side, 1 << 16))
        except OSError:
            return False
        return True

    def wait_for(self, words):
        while words not in self.written:
            assert self.read(), self.written

    def rest(self):
        while self.read():
            pass
        return self.process.wait(timeout=60)


@pytest.mark.parametrize("module", ["src.train", "src.evaluate", "src.summary", "experiments.training_curves"])
def test_ctrl_c_while_jax_is_imported_is_one_line(module, tmp_path):
    terminal = Terminal(module, f"hydra.run.dir={tmp_path}/run")
    terminal.wait_for("importing JAX")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.rest() == 130
    assert terminal.written.split(ERASE)[-1] == "stopped by SIGINT\r\n"
    assert not (tmp_path / "run").exists()


@pytest.mark.heavy
@pytest.mark.parametrize(
    "seconds", [*(pytest.param(each, marks=pytest.mark.slow) for each in (0.3, 1.2, 1.6, 2.5, 3, 6)), 0.8, 2, 4, 9]
)
def test_ctrl_c_at_any_moment_is_one_line(seconds, tmp_path):
    terminal = Terminal("src.train", *LONG, f"hydra.run.dir={tmp_path}/run")
    terminal.wait_for("importing JAX")
    time.sleep(seconds)
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.rest() == 130
    assert "Traceback" not in terminal.written
    assert terminal.written.rstrip().splitlines()[-1].endswith(("stopped by SIGINT", "the same command goes on"))


def test_nothing_of_ours_is_imported_before_ctrl_c_is_held_back():
    """The first module that is imported is the one that holds it back."""
    imported = "import sys, src; print(*(name for name in sys.modules if name.startswith('src.')))"
    found = subprocess.run([sys.executable, "-c", imported], capture_output=True, text=True, check=True)
    assert found.stdout.split()[0] == "src.start"


@pytest.fixture
def connected():
    """A lost connection ends a process, also where these tests run by `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.heavy
def test_a_lost_connection_saves_although_it_is_said_twice_and_nobody_listens(tmp_path, connected):
    terminal = Terminal("src.train", *LONG, f"hydra.run.dir={tmp_path}/run")
    terminal.wait_for("loss")
    os.close(terminal.side)
    terminal.process.send_signal(signal.SIGHUP)
    assert terminal.process.wait(timeout=60) == 128 + signal.SIGHUP
    assert list((tmp_path / "run" / "checkpoints").glob("*/manifest.json"))


@pytest.mark.heavy
def test_nohup_goes_on(tmp_path):
    short = (*LONG, "train.duration=40steps", f"hydra.run.dir={tmp_path}/run")
    terminal = Terminal("src.train", *short, through=["sh", "-c", 'trap "" HUP; exec "$@"', "sh"])
    terminal.wait_for("compiling")
    terminal.process.send_signal(signal.SIGHUP)
    assert terminal.rest() == 0
    assert "finished" in terminal.written


@pytest.mark.heavy
def test_a_refused_command_leaves_no_directory(tmp_path, command):
    two = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    for wrong, words in (
        (("parallel=pmap", "data.batch_size=127"), "does not divide over 2 devices"),
        (("parallel.devices=4",), "there are 2"),
    ):
        done = command("src.train", *wrong, check=False, **two)
        assert done.returncode == 2
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
        assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("module", COMMANDS)
def test_help_says_what_a_command_is_for(module, command):
    for option in ("--help", "-h"):
        done = command(module, option)
        assert module.partition(".")[2].replace("_", " ") in done.stdout.replace("_", " ")
        assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("src.summary", "model=lenet5"),
        ("src.summary", "zoo=true"),
        ("src.train", "--help"),
        ("src.train", "-m", "model=linear", "seed=0,1", "dry_run=true"),
        ("src.evaluate", "--help"),
    ],
)
def test_a_reader_that_goes_early_is_no_fault(arguments):
    piped = ["sh", "-c", '"$@" | true', "sh", sys.executable, "-m", *arguments]
    assert subprocess.run(piped, cwd=ROOT, capture_output=True, text=True).stderr == ""


@pytest.mark.heavy
def test_a_run_goes_on_when_its_reader_has_gone(tmp_path):
    short = ("model=linear", "train.duration=2steps", "tracking.progress=none", f"hydra.run.dir={tmp_path}/run")
    piped = ["sh", "-c", '"$@" | true', "sh", sys.executable, "-m", "src.train", *short]
    done = subprocess.run(piped, cwd=ROOT, capture_output=True, text=True)
    assert (tmp_path / "run" / "results.json").exists()
    assert done.stderr == ""


@pytest.mark.heavy
@pytest.mark.parametrize("unbuffered", ["", pytest.param("1", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "arguments",
    [
        ("src.train", "model=linear", "train.duration=2steps", "tracking.progress=none"),
        ("src.train", "model=linear", "dry_run=true"),
        ("src.train", "--help"),
        ("src.summary", "model=lenet5"),
        ("src.evaluate", "--help"),
    ],
)
def test_standard_output_on_a_full_disk_is_one_line_and_loses_no_results(tmp_path, arguments, unbuffered):
    run = (f"hydra.run.dir={tmp_path}/run",) if arguments[1] == "model=linear" else ()
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", *arguments, *run], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, env=environment
        )
    assert done.stderr.decode() == "error: not everything could be printed: No space left on device\n"
    assert done.returncode == 2
    assert (tmp_path / "run" / "results.json").exists() == ("train.duration=2steps" in arguments)


@pytest.mark.heavy
def test_letters_that_a_terminal_cannot_show_are_shown_as_their_codes(tmp_path):
    arguments = ("-m", "model=linear", "train.duration=2steps", "tracking.progress=none", "seed=0,1")
    command = [sys.executable, "-m", "src.train", *arguments, f'hydra.sweep.dir="{tmp_path}/ün"']
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=ascii_only)
    assert done.returncode == 0
    assert " \\xb1 " in done.stdout
    assert "/\\xfcn/" in done.stdout
    assert "Traceback" not in done.stderr
    (table,) = (tmp_path / "ün").glob("sweep-*.md")
    assert " ± " in table.read_text()
