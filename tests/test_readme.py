"""The newcomer's page and the randomness contract keep up with the code."""

import re
from pathlib import Path

import pytest

from src.config.compose import compose_jobs, without
from src.config.place import CONF

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def leaves(config, prefix=""):
    for name, value in config.items():
        if hasattr(value, "items"):
            yield from leaves(value, f"{prefix}{name}.")
        elif name != "kind":
            yield f"{prefix}{name}"


def test_every_setting_is_in_the_table():
    (job,) = compose_jobs("train", ["+profile=quick"])
    missing = [key for key in leaves(without(job, "hydra")) if f"`{key}`" not in README]
    assert missing == []


def expanded(word):
    """Names that a word with one choice in braces stands for."""
    before, brace, rest = word.partition("{")
    choices, _, after = rest.partition("}")
    return [f"{before}{choice}{after}" for choice in choices.split(",")] if brace else [word]


def test_every_experiment_is_named():
    named = {name for word in re.findall(r"`([^`\n]+)`", README) for name in expanded(word)}
    assert {path.stem for path in (CONF / "experiment").glob("*.yaml")} <= named


def test_every_stream_of_random_numbers_is_listed():
    sources = [path.read_text() for folder in ("src", "experiments") for path in (ROOT / folder).rglob("*.py")]
    names = {name for text in sources for name in re.findall(r"\bstream\([^\n]*?, f?\"([^\"]+)\"\)", text)}
    listed = (ROOT / "docs" / "randomness.md").read_text()
    assert {"order", "Lanczos"} <= names
    assert {name for name in names if f"`{name.replace('{split}', 'SPLIT')}`" not in listed} == set()


@pytest.mark.parametrize(
    "page", ["README.md", "docs/studies.md", "docs/runs.md", "docs/randomness.md", "docs/precision.md", "docs/gpu.md"]
)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / page).read_text())
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_every_table_of_a_study_is_told_of():
    told = (ROOT / "docs" / "studies.md").read_text()
    tables = {table.relative_to(ROOT).as_posix() for table in ROOT.glob("results/*/*/table.md")}
    assert tables
    assert {table for table in tables if f"(../{table})" not in told} == set()
