"""The package as others install it: whole, once in a process, and without an effect on whoever imports it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.conftest import ROOT

ONE_COPY = """
import src, convnets, convnets.models.vgg, src.models.vgg, src.models.lenet
from convnets.models.lenet import LeNet5Settings
assert convnets is src
assert convnets.models.vgg is src.models.vgg
assert LeNet5Settings is src.models.lenet.LeNet5Settings
assert src.models.vgg.__spec__.name == "src.models.vgg"
"""
NOTHING_CHANGES = """
import logging, os, signal, sys
import jax
environment, interrupt = dict(os.environ), signal.getsignal(signal.SIGINT)
level, handlers = logging.root.level, [*logging.root.handlers]
before = dict(jax.config.values)
import src.training.load_run, src.models.base, src.landscape.surface, src.search, src.train
assert dict(os.environ) == environment
assert (logging.root.level, logging.root.handlers) == (level, handlers)
assert {key for key in before if jax.config.values[key] != before[key]} == set()
assert signal.getsignal(signal.SIGINT) is interrupt
"""


@pytest.mark.heavy
@pytest.mark.parametrize("program", [ONE_COPY, NOTHING_CHANGES])
def test_the_package_in_a_checkout(program):
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/tmp"}
    done = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", program],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this tree, built from a copy."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    names = ("src", "conf", "pyproject.toml", "setup.py", "README.md", "LICENSE")
    for name in names:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        tree.mkdir(exist_ok=True)
        copy(source, tree / name)
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "built"],
    ):
        subprocess.run(["git", *command], cwd=tree, check=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, tree], check=True
    )
    (found,) = folder.glob("convnets-*.whl")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tree, check=True, capture_output=True, text=True)
    return found, head.stdout.strip()


@pytest.mark.heavy
def test_the_wheel_has_every_file_of_the_tree(wheel):
    path, commit = wheel
    with ZipFile(path) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert archive.read("convnets/commit.txt").decode().split() == [commit]
    kinds = (".py", ".yaml", ".cc", ".h", ".html", ".js", ".css")
    tree = {f"convnets/{file.relative_to(ROOT / 'src')}" for file in (ROOT / "src").rglob("*") if file.suffix in kinds}
    tree |= {f"convnets/{file.relative_to(ROOT)}" for file in (ROOT / "conf").rglob("*.yaml")}
    assert held == tree | {"convnets/commit.txt"}


def python(version):
    """The interpreter of a version, also where pyenv keeps it."""
    kept = sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python{version}"))
    found = [shutil.which(f"python{version}"), *map(str, kept)]
    for program in filter(None, found):
        if subprocess.run([program, "--version"], capture_output=True).returncode == 0:
            return program
    pytest.skip(f"there is no Python {version} here")


def environment_with(folder, python, *requirements):
    """Makes an empty environment and installs something."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/pip", "install", "--quiet", *requirements], check=True)
    return folder / "bin"


def environment_beside_ours(folder, *requirements):
    """Makes an environment that borrows what is installed here, since that takes minutes, and installs something."""
    programs = environment_with(folder, sys.executable, "--no-deps", *requirements)
    theirs = next(folder.glob("lib/*/site-packages"))
    (theirs / "dependencies.pth").write_text(next(path for path in sys.path if path.endswith("site-packages")))
    return programs


@pytest.mark.heavy
@pytest.mark.parametrize(
    "version", ["ours", *(pytest.param(each, marks=pytest.mark.slow) for each in ("3.11", "3.13"))]
)
def test_an_installed_package_trains_outside_of_any_checkout(wheel, tmp_path, version):
    path, commit = wheel
    folder = tmp_path / "environment"
    ours = version == "ours"
    programs = environment_beside_ours(folder, path) if ours else environment_with(folder, python(version), path)
    subprocess.run([programs / "pip", "check"], check=True)
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=home, check=True)  # of somebody else
    short = ("debug.examples=256", "train.duration=5steps", "tracking.progress=none", "hydra.run.dir=run")
    subprocess.run([programs / "convnets", "train", *short], cwd=home, check=True)
    begun = json.loads((home / "run/provenance.json").read_text())
    assert (begun["version"], begun["commit"], begun["dirty"]) == ("0.1.0", commit, False)
    scored = subprocess.run(
        [programs / "convnets", "evaluate", "run=run"], cwd=home, check=True, capture_output=True, text=True
    )
    assert json.loads(scored.stdout)["loss"] == json.loads((home / "run/results.json").read_text())["test_loss"]
    for file in (tmp_path / "environment").glob("lib/*/site-packages/convnets/conf"):
        shutil.rmtree(file)
    done = subprocess.run([programs / "convnets", "train", *short], cwd=home, capture_output=True, text=True)
    assert done.returncode == 2
    assert "without its configurations" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.heavy
def test_an_editable_installation_is_the_checkout(tmp_path):
    programs = environment_beside_ours(tmp_path / "environment", "--editable", ROOT)
    program = "import convnets.models.vgg as a, src.models.vgg as b; assert a is b; print(a.__file__)"
    done = subprocess.run(
        [programs / "python", "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(ROOT / "src/models/vgg.py")
