"""README.md, the pages of docs/ and the links between them keep up with the code."""

import re
from pathlib import Path

import pytest

from src.config.compose import compose_jobs, without
from src.config.place import CONF

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


def leaves(config, prefix=""):
    for name, value in config.items():
        if hasattr(value, "items"):
            yield from leaves(value, f"{prefix}{name}.")
        elif name != "kind":
            yield f"{prefix}{name}"


def test_every_setting_is_in_the_table():
    (job,) = compose_jobs("train", ["+profile=quick"])
    page = (DOCS / "settings.md").read_text()
    missing = [key for key in leaves(without(job, "hydra")) if f"`{key}`" not in page]
    assert missing == []


def expanded(word):
    """Names that a word with one choice in braces stands for."""
    before, brace, rest = word.partition("{")
    choices, _, after = rest.partition("}")
    return [f"{before}{choice}{after}" for choice in choices.split(",")] if brace else [word]


def test_every_experiment_is_named():
    page = (DOCS / "experiments.md").read_text()
    named = {name for word in re.findall(r"`([^`\n]+)`", page) for name in expanded(word)}
    assert {path.stem for path in (CONF / "experiment").glob("*.yaml")} <= named


def test_every_stream_of_random_numbers_is_listed():
    sources = [path.read_text() for folder in ("src", "experiments") for path in (ROOT / folder).rglob("*.py")]
    names = {name for text in sources for name in re.findall(r"\bstream\([^\n]*?, f?\"([^\"]+)\"\)", text)}
    listed = (ROOT / "docs" / "randomness.md").read_text()
    assert {"order", "Lanczos"} <= names
    assert {name for name in names if f"`{name.replace('{split}', 'SPLIT')}`" not in listed} == set()


def headings(page):
    """The anchors of a page: its headings in lower case, with hyphens for spaces and without other signs."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page):
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", page.read_text())
    targets = [(page.parent / file if file else page, heading) for file, heading in links]
    lost = [
        target for target, heading in targets if not target.exists() or (heading and heading not in headings(target))
    ]
    assert lost == []


def test_the_readme_fits_on_two_screens():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_every_page_is_linked():
    targets = {link for page in PAGES for link in re.findall(r"\]\((?:docs/)?([^)#/]+\.md)[)#]", page.read_text())}
    assert {page.name for page in DOCS.glob("*.md")} <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sources_that_a_page_names_exist(page):
    names = [
        re.sub(r"\s", "", name)
        for name in re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", page.read_text(), flags=re.S))
    ]
    paths = [name for name in names if re.fullmatch(r"(?:src|conf|tests|experiments|benchmarks)/[\w/.*-]+", name)]
    assert [path for path in paths if not [*ROOT.glob(path.rstrip("/"))]] == []


def test_every_table_of_a_study_is_told_of():
    told = (ROOT / "docs" / "studies.md").read_text()
    tables = {table.relative_to(ROOT).as_posix() for table in ROOT.glob("results/*/*/table.md")}
    assert tables
    assert {table for table in tables if f"(../{table})" not in told} == set()
