"""Every network of every scale of the studies of surfaces is a run that exists."""

import re
from itertools import chain

import pytest

from experiments.batch_size_interpolation import InterpolationScale
from experiments.curvature import CurvatureScale
from experiments.loss_surface import SurfaceScale
from experiments.surface_accuracy import AccuracyScale
from experiments.training_paths import PathScale
from src.config.place import CONF
from src.studies.runs import planned
from src.studies.settings import StudySettings, read_study

STUDIES = {
    "loss_surface": SurfaceScale,
    "curvature": CurvatureScale,
    "surface_accuracy": AccuracyScale,
    "training_paths": PathScale,
    "batch_size_interpolation": InterpolationScale,
}


def networks(scale):
    """All networks that a scale names."""
    pairs = getattr(scale, "pairs", [])
    return [*getattr(scale, "networks", []), *chain(*((pair.small, pair.large) for pair in pairs))]


@pytest.mark.heavy
@pytest.mark.parametrize(
    "study", [pytest.param(each, marks=pytest.mark.slow) if each == "loss_surface" else each for each in STUDIES]
)
def test_every_run_composes(study):
    for name, scale in read_study(StudySettings[STUDIES[study]], study, []).scales.items():
        titles = {}
        for network in networks(scale):
            run = planned([*network.arguments, *scale.common])
            assert titles.setdefault(network.title, run.directory) == run.directory or study.startswith("batch"), name
        assert titles


def test_every_scale_belongs_to_a_list():
    for study, scale in STUDIES.items():
        settings = read_study(StudySettings[scale], study, [])
        assert set(chain(*settings.lists.values())) == set(settings.scales)


def test_published_errors_are_those_of_the_experiments():
    """What a study of Li et al. states as published stands in the head of the experiment too."""
    for scale in read_study(StudySettings[SurfaceScale], "loss_surface", []).scales.values():
        for network in networks(scale):
            if network.published is None or network.weights is not None:
                continue
            (experiment,) = [text.partition("=")[2] for text in network.arguments]
            (stated,) = re.findall(r"([\d.]+) % test\s+error", (CONF / f"experiment/{experiment}.yaml").read_text())
            assert network.published == float(stated)


@pytest.mark.heavy
def test_pairs_differ_in_the_size_of_their_batches_alone():
    for scale in read_study(StudySettings[InterpolationScale], "batch_size_interpolation", []).scales.values():
        for pair in scale.pairs:
            small, large = (planned([*each.arguments, *scale.common]).settings for each in (pair.small, pair.large))
            assert small.data.batch_size < large.data.batch_size
            same = large.model_copy(
                update={"data": large.data.model_copy(update={"batch_size": small.data.batch_size})}
            )
            assert same == small
