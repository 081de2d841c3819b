"""Every network of every stage of the studies of surfaces is a run that exists."""

import re
from itertools import chain

import pytest

from experiments.batch_size_interpolation import InterpolationStage
from experiments.curvature import CurvatureStage
from experiments.loss_surface import SurfaceStage
from experiments.surface_accuracy import AccuracyStage
from experiments.training_paths import PathStage
from src.config.place import CONF
from src.studies.runs import planned
from src.studies.settings import StudySettings, read_study

STUDIES = {
    "loss_surface": SurfaceStage,
    "curvature": CurvatureStage,
    "surface_accuracy": AccuracyStage,
    "training_paths": PathStage,
    "batch_size_interpolation": InterpolationStage,
}


def networks(stage):
    """All networks that a stage names."""
    pairs = getattr(stage, "pairs", [])
    return [*getattr(stage, "networks", []), *chain(*((pair.small, pair.large) for pair in pairs))]


@pytest.mark.heavy
@pytest.mark.parametrize("study", STUDIES)
def test_every_run_composes(study):
    for name, stage in read_study(StudySettings[STUDIES[study]], study, []).stages.items():
        titles = {}
        for network in networks(stage):
            run = planned([*network.arguments, *stage.common])
            assert titles.setdefault(network.title, run.directory) == run.directory or study.startswith("batch"), name
        assert titles


def test_every_stage_belongs_to_a_profile():
    for study, stage in STUDIES.items():
        settings = read_study(StudySettings[stage], study, [])
        assert set(chain(*settings.profiles.values())) == set(settings.stages)


def test_published_errors_are_those_of_the_experiments():
    """What a study of Li et al. states as published stands in the head of the experiment too."""
    for stage in read_study(StudySettings[SurfaceStage], "loss_surface", []).stages.values():
        for network in networks(stage):
            if network.published is None or network.weights is not None:
                continue
            (experiment,) = [text.partition("=")[2] for text in network.arguments]
            (stated,) = re.findall(r"([\d.]+) % test\s+error", (CONF / f"experiment/{experiment}.yaml").read_text())
            assert network.published == float(stated)


def test_pairs_differ_in_the_size_of_their_batches_alone():
    for stage in read_study(StudySettings[InterpolationStage], "batch_size_interpolation", []).stages.values():
        for pair in stage.pairs:
            small, large = (planned([*each.arguments, *stage.common]).settings for each in (pair.small, pair.large))
            assert small.data.batch_size < large.data.batch_size
            same = large.model_copy(
                update={"data": large.data.model_copy(update={"batch_size": small.data.batch_size})}
            )
            assert same == small
