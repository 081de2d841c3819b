"""Every number of the pages is in a file of results, or is said to be something else: a setting, or published."""

import pytest

from benchmarks.run import LIMIT, as_page
from tests.conftest import ROOT
from tests.numbers import (
    adversarial,
    attribution,
    beyond_classes,
    contracts,
    detection,
    experiments,
    figures,
    inside,
    made_images,
    performance,
    readme,
    speed,
    studies,
    studies_table,
    surfaces,
    transfer,
    weights,
)
from tests.numbers.pages import numbers_without_source, pattern, plain, read, said

PAGES = {
    "README.md": (read("README.md"), readme.SAID, readme.GIVEN),
    "docs/adversarial.md": (read("docs/adversarial.md"), adversarial.SAID, contracts.ADVERSARIAL),
    "docs/attribution.md": (read("docs/attribution.md"), attribution.SAID, attribution.GIVEN),
    "docs/beyond_classes.md": (read("docs/beyond_classes.md"), beyond_classes.SAID, beyond_classes.GIVEN),
    "docs/detection.md": (read("docs/detection.md"), detection.SAID, detection.GIVEN),
    "docs/experiments.md": (read("docs/experiments.md"), experiments.SAID, []),
    "docs/figures.md": (read("docs/figures.md"), figures.SAID, []),
    "docs/inside.md": (read("docs/inside.md"), inside.SAID, inside.GIVEN),
    "docs/made_images.md": (read("docs/made_images.md"), made_images.SAID, []),
    "docs/house.md": (read("docs/house.md"), [], []),
    "docs/settings.md": (read("docs/settings.md"), [], contracts.SETTINGS),
    "docs/speed.md": (read("docs/speed.md"), speed.SAID, []),
    "docs/surfaces.md": (read("docs/surfaces.md"), surfaces.SAID, surfaces.GIVEN),
    "docs/transfer.md": (read("docs/transfer.md"), transfer.SAID, transfer.GIVEN),
    "docs/weights.md": (read("docs/weights.md"), weights.SAID, weights.GIVEN),
    "docs/studies.md": (
        read("docs/studies.md"),
        [*studies_table.SAID, *studies.SAID],
        [*studies_table.GIVEN, *studies.GIVEN],
    ),
    "docs/performance.md": (plain(LIMIT), performance.SAID, performance.GIVEN),
    "docs/runs.md": (read("docs/runs.md"), [], contracts.RUNS),
    "docs/randomness.md": (read("docs/randomness.md"), [], contracts.RANDOMNESS),
    "docs/precision.md": (read("docs/precision.md"), [], contracts.PRECISION),
}


@pytest.mark.parametrize(("page", "piece"), [(page, piece) for page, (_, own, _) in PAGES.items() for piece in own])
def test_a_page_says_what_the_results_say(page, piece):
    found = pattern(piece).findall(PAGES[page][0])
    assert len(found) == 1, f"{page} should say once: {piece.text.format(*piece.values)}"


@pytest.mark.parametrize(("page", "piece"), [(page, piece) for page, (_, _, own) in PAGES.items() for piece in own])
def test_what_is_given_is_there(page, piece):
    assert plain(piece) in PAGES[page][0]


@pytest.mark.parametrize("page", PAGES)
def test_no_number_is_without_a_source(page):
    """Say it in tests/numbers/, with the file and the place of the number; or, if it is no result, as given."""
    assert numbers_without_source(*PAGES[page]) == []


def test_the_page_of_benchmarks_is_what_they_measured():
    assert (ROOT / "docs/performance.md").read_text() == as_page()


SENTENCE = plain(
    "**ResNet-20** has 8.7 ± 0.3 % error after\n469 steps, −12,000.5 and 0.4 in [it](x/1).\n\n![2](3.png) `4`"
)


def test_numbers_are_found_and_bound():
    bound = [said("has {:.1f} ± {:.1f} % error", 8.71, 0.29), said("steps, {:,.1f} and {:.1f} in", -12000.52, 0.41)]
    assert [len(pattern(piece).findall(SENTENCE)) for piece in bound] == [1, 1]
    assert numbers_without_source(SENTENCE, bound, []) == []
    unbound = numbers_without_source(SENTENCE, bound[:1], [])
    assert [line.partition(" ")[0] for line in unbound] == ["12,000.5", ".4"]
    assert numbers_without_source(SENTENCE, bound[:1], ["steps, -12,000.5 and 0.4"]) == []


@pytest.mark.parametrize("value", [8.76, 8.64, 18.7, 87.0])
def test_another_number_is_not_what_the_page_says(value):
    piece = said("has {:.1f} ± 0.3", value)
    assert pattern(piece).findall(SENTENCE) == []
    assert numbers_without_source(SENTENCE, [piece], ["± 0.3", "-12,000.5 and 0.4"])[0].startswith("8.7 ")


def test_a_longer_number_is_another_one():
    assert pattern(said("has {}", 8)).findall(SENTENCE) == []
    assert pattern(said("{} steps", 69)).findall(SENTENCE) == []
