"""Tables come again, byte for byte, from the rows that were committed beside them, and the rows as they were."""

import json

import pytest
from pydantic import TypeAdapter

from experiments import (
    alexnet_changes,
    batch_size_interpolation,
    cheap_filters,
    depth_study,
    group_specialisation,
    search,
    small_filters,
)
from src.plain_json import dumps, numbers, plain
from src.studies.estimates import Estimate, verdicts
from src.studies.rows import by_name, table
from tests.conftest import ROOT


def scales(study):
    return sorted(path.parent for path in (ROOT / "results" / study).glob("*/results.json"))


def committed(folder):
    """The facts and the table of a scale."""
    return numbers(json.loads((folder / "results.json").read_text())["facts"]), (folder / "table.md").read_text()


def read(kind, values):
    return TypeAdapter(kind).validate_python(values)


def read_by_name(kind, values):
    return [read(kind, {"name": name, **own}) for name, own in values.items()]


def same(written, values):
    """Whether rows are written as they were read."""
    return dumps(plain(written)) == dumps(values)


@pytest.mark.parametrize("folder", scales("depth_study"), ids=lambda folder: folder.name)
def test_depth(folder):
    facts, expected = committed(folder)
    later = {"errors": {}}  # which the results of one scale do not have yet
    networks = read_by_name(depth_study.Network, {name: later | own for name, own in facts["networks"].items()})
    written = by_name(networks)
    assert same(
        {name: {key: written[name][key] for key in own} for name, own in facts["networks"].items()}, facts["networks"]
    )
    differences = read(dict[str, Estimate], facts["difference_of_differences"])
    assert depth_study.as_table(networks, differences, [20, 56]) == expected


@pytest.mark.parametrize("folder", scales("small_filters"), ids=lambda folder: folder.name)
def test_small_filters(folder):
    facts, expected = committed(folder)
    groups = {name: read_by_name(small_filters.Network, own) for name, own in facts["comparisons"].items()}
    assert same({name: by_name(own) for name, own in groups.items()}, facts["comparisons"])
    assert small_filters.as_table(groups.values()) == expected


@pytest.mark.parametrize("folder", scales("cheap_filters"), ids=lambda folder: folder.name)
def test_cheap_filters(folder):
    facts, expected = committed(folder)
    networks = read(list[cheap_filters.Network], facts["networks"])
    assert same(networks, facts["networks"])
    assert cheap_filters.as_table(networks) == expected


@pytest.mark.parametrize("folder", scales("alexnet_changes"), ids=lambda folder: folder.name)
def test_alexnet_changes(folder):
    facts, expected = committed(folder)
    pairs = read(dict[str, alexnet_changes.Compared], facts["pairs"])
    assert same(pairs, facts["pairs"])
    assert table(alexnet_changes.COLUMNS, pairs.values()) == expected


@pytest.mark.parametrize("folder", scales("search"), ids=lambda folder: folder.name)
def test_search(folder):
    facts, expected = committed(folder)
    rows = read_by_name(search.Found, facts["arms"])
    assert same(by_name(rows), facts["arms"])
    assert search.as_table(rows, facts["states"], read(Estimate, facts["gain"])) == expected


@pytest.mark.parametrize("folder", scales("batch_size_interpolation"), ids=lambda folder: folder.name)
def test_batch_size_interpolation(folder):
    facts, expected = committed(folder)
    kind = batch_size_interpolation.Sharpness
    rows = []
    for title, pair in facts.items():
        for name, own in pair["solutions"].items():
            sharpness = read(kind, {field: own[field] for field in kind.__dataclass_fields__})
            identity = {field: value for field, value in own.items() if field not in kind.__dataclass_fields__}
            rows.append(batch_size_interpolation.Found(title, name, sharpness, identity))
            assert same({**plain(sharpness), **identity}, own)
    digits = {  # in which losses were written when the results were committed
        "training loss": lambda row: f"{row.sharpness.train_loss:.4f}",
        "loss 0.5 lines outward": lambda row: f"{row.sharpness.loss_outward:.4f}",
    }
    assert table(batch_size_interpolation.COLUMNS | digits, rows) == expected


@pytest.mark.parametrize("folder", scales("path_ensembles"), ids=lambda folder: folder.name)
def test_path_ensembles(folder):
    facts, expected = committed(folder)
    criteria = read(dict[str, Estimate], facts["criteria"])
    assert same(criteria, facts["criteria"])
    assert expected.endswith(f"|\n\n{verdicts(criteria)}")


@pytest.mark.parametrize("folder", scales("group_specialisation"), ids=lambda folder: folder.name)
def test_group_specialisation(folder):
    facts, expected = committed(folder)
    found = read(dict[str, dict[int, group_specialisation.Measured]], facts["networks"])
    assert same(found, facts["networks"])
    assert group_specialisation.as_table(found) == expected
