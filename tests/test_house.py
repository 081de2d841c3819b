"""The house of README.md: every part of `src` has a floor, and knows only its own and those below."""

import ast
import re

from tests.conftest import ROOT


def floors():
    """The parts of `src` by the number of their line in README.md, the highest first."""
    house = (ROOT / "README.md").read_text().partition("## The house")[2]
    lines = [line.partition("  ")[0] for line in house.splitlines() if line.startswith("src/")]
    return {name: number for number, line in enumerate(lines) for name in re.findall(r"(\w+)(?:/|\.py)(?:\s|$)", line)}


def imports(path):
    """The parts of `src` that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            own = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            assert own != "src", "a part is imported by its own name"
            assert getattr(node, "level", 0) == 0, "imports are absolute"
            if own.startswith("src."):
                yield own.split(".")[1]


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
