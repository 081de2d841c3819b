"""The house of docs/house.md: every part of `src` has a floor, and knows only its own and those below."""

import ast
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def floors():
    """The parts of `src` by the number of their line in docs/house.md, the highest first."""
    house = (ROOT / "docs" / "house.md").read_text()
    lines = [line.partition("  ")[0] for line in house.splitlines() if line.startswith("src/")]
    return {name: number for number, line in enumerate(lines) for name in re.findall(r"(\w+)(?:/|\.py)(?:\s|$)", line)}


def imports(path):
    """The parts of `src` that a file imports."""
    package = path.relative_to(ROOT / "src").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) or ""
            assert module.partition(".")[0] not in ("src", "convnets"), (
                "the package has two names; imports are relative"
            )
            if getattr(node, "level", 0):
                parts = (*package[: len(package) - node.level + 1], *filter(None, module.split(".")))
                yield from [parts[0]] if parts else [alias.name for alias in node.names if alias.name[0] != "_"]


def test_nothing_on_a_lower_floor_knows_a_higher_one():
    floor, src = floors(), ROOT / "src"
    parts = {path.stem for path in src.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert set(floor) == parts - {"__init__"}
    upwards = [
        f"{path.relative_to(ROOT)} imports src.{other}"
        for path in src.rglob("*.py")
        for other in imports(path)
        if path != src / "__init__.py" and floor[other] < floor[path.relative_to(src).parts[0].removesuffix(".py")]
    ]
    assert upwards == []


@pytest.mark.heavy
def test_networks_know_neither_hydra_nor_configurations():
    program = """if True:
        import importlib, pkgutil, sys
        import src.models
        for module in pkgutil.iter_modules(src.models.__path__):
            importlib.import_module(f"src.models.{module.name}")
        assert not {"hydra", "omegaconf", "src.config.place", "src.config.compose"} & {*sys.modules}
    """
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
