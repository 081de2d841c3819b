"""Tables come again, byte for byte, from the rows that were committed beside them, and the rows as they were."""

import json

import pytest
from pydantic import TypeAdapter

from experiments import (
    alexnet_changes,
    batch_size_interpolation,
    cheap_filters,
    curvature,
    depth_study,
    faithfulness,
    group_specialisation,
    loss_surface,
    path_ensembles,
    representations,
    search,
    small_filters,
    surface_accuracy,
    training_paths,
    transfer,
)
from src.plain_json import dumps, numbers, plain
from src.plots.representations import Alignment
from src.studies.estimates import Estimate, verdicts
from src.studies.lesions import PlainLesions, ResidualLesions
from src.studies.rows import by_name, entries, table
from src.studies.settings import StudySettings, read_study
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


def with_metadata(kind, values):
    """Values of a row; those that are no field of its own are its metadata."""
    own = {name: value for name, value in values.items() if name in kind.__dataclass_fields__}
    return own | {"metadata": {name: value for name, value in values.items() if name not in own}}


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
    for own in facts["residual"]:
        if isinstance(own["removed"], dict):  # which one scale was written as
            own["removed"] = [[int(count), error] for count, errors in own["removed"].items() for error in errors]
    later = {"measured_by": []}
    residual = [read(ResidualLesions, own | later) for own in facts["residual"]]
    plain = [read(PlainLesions, own | later) for own in facts["plain"]]
    assert same(residual, [own | later for own in facts["residual"]])
    assert same(plain, [own | later for own in facts["plain"]])
    quantities = path_ensembles.quantities(residual, plain)
    assert f"{table(path_ensembles.COLUMNS, quantities)}\n{verdicts(criteria)}" == expected


@pytest.mark.parametrize("folder", scales("group_specialisation"), ids=lambda folder: folder.name)
def test_group_specialisation(folder):
    facts, expected = committed(folder)
    found = read(dict[str, dict[int, group_specialisation.Measured]], facts["networks"])
    assert same(found, facts["networks"])
    assert group_specialisation.as_table(found) == expected


@pytest.mark.parametrize("folder", scales("loss_surface"), ids=lambda folder: folder.name)
def test_loss_surface(folder):
    facts, expected = committed(folder)
    rows = []
    for title, own in facts.items():
        ends = {{"steps": "products"}.get(name, name): value for name, value in own["curvature"].items()}
        own["curvature"] = {**ends, "measured_by": ends.get("measured_by", [])}
        sampling = {name: own[name] for name in ("images_share", "largest_error") if name in own}
        others = {name: value for name, value in own.items() if name not in sampling}
        values = {"name": title, "trained": None, "seeds": [], **with_metadata(loss_surface.Network, others)}
        rows.append(read(loss_surface.Network, values | {"sampling": sampling or None}))
        assert same({name: value for name, value in entries(rows[-1]).items() if name in own}, own)
    digits = {"loss": lambda row: f"{row.loss:.4f}"}  # in which losses were written when the results were committed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loss_surface, "COLUMNS", loss_surface.COLUMNS | digits)
        assert loss_surface.as_table(rows) == expected


@pytest.mark.parametrize("folder", scales("curvature"), ids=lambda folder: folder.name)
def test_curvature(folder):
    facts, expected = committed(folder)
    rows = [read(curvature.Eigenvalues, with_metadata(curvature.Eigenvalues, own)) for own in facts]
    assert same(list(map(entries, rows)), facts)
    digits = {  # in which numbers were written when the results were committed
        "smallest in the middle": lambda row: f"{row.smallest:.2f}",
        "largest": lambda row: f"{row.largest:.2f}",
        "an eigenvalue within": lambda row: f"{row.error:.2f}",
        "ratio": lambda row: f"{row.ratio:.2f}",
        "median smallest over the plane": lambda row: f"{row.median_smallest:.2f}",
        "median ratio": lambda row: f"{row.median_ratio:.2f}",
        "greatest ratio": lambda row: f"{row.greatest_ratio:.2f}",
    }
    assert table(curvature.COLUMNS | digits, rows) == expected


@pytest.mark.parametrize("folder", scales("surface_accuracy"), ids=lambda folder: folder.name)
def test_surface_accuracy(folder):
    facts, expected = committed(folder)
    scale = read_study(StudySettings[surface_accuracy.AccuracyScale], "surface_accuracy", []).scales[folder.name]
    rows = [
        read(surface_accuracy.Accuracy, {"name": network.title, **with_metadata(surface_accuracy.Accuracy, own)})
        for network, own in zip(scale.networks, facts, strict=True)
    ]
    assert same(list(map(entries, rows)), facts)
    assert surface_accuracy.as_table(rows, scale.close) == expected


@pytest.mark.parametrize("folder", scales("training_paths"), ids=lambda folder: folder.name)
def test_training_paths(folder):
    facts, expected = committed(folder)
    rows = [
        read(training_paths.Path, {"name": title, **with_metadata(training_paths.Path, own)})
        for title, own in facts.items()
    ]
    assert same(by_name(rows), facts)
    assert table(training_paths.COLUMNS, rows) == expected


@pytest.mark.parametrize("folder", scales("transfer"), ids=lambda folder: folder.name)
def test_transfer(folder):
    facts, expected = committed(folder)
    rows = [read(transfer.Row, own) for own in facts["rows"]]
    assert same(rows, facts["rows"])
    assert table(transfer.COLUMNS, rows) == expected


@pytest.mark.parametrize("folder", scales("representations"), ids=lambda folder: folder.name)
def test_representations(folder):
    facts, expected = committed(folder)
    rows = read_by_name(representations.Probes, facts["probes"])
    alike = [Alignment(**own) for own in facts["alignment"]]
    assert same(by_name(rows), facts["probes"])
    made = f"{table(representations.COLUMNS, rows)}\n{representations.depths(alike)}"
    assert expected.startswith(f"{made}\nMeasured by ")


@pytest.mark.parametrize("folder", scales("faithfulness"), ids=lambda folder: folder.name)
def test_faithfulness(folder):
    facts, expected = committed(folder)
    rows = read_by_name(faithfulness.Faithfulness, facts["methods"])
    assert same(by_name(rows), facts["methods"])
    assert expected.startswith(f"{table(faithfulness.COLUMNS, rows)}\nMeasured by ")
