"""Studies are read from `conf/study/`, and every mistake is one line."""

import re

import pytest

from experiments.depth_study import DepthScale
from experiments.path_ensembles import PathScale
from src.config.duration import Duration
from src.config.errors import UserError
from src.config.place import CONF
from src.studies.runs import planned
from src.studies.settings import StudySettings, read_study

Depth = StudySettings[DepthScale]


def test_a_scale_is_one_or_a_list_of_others_in_their_order():
    assert list(read_study(Depth, "depth_study", []).chosen()) == ["digits", "cifar10_small"]
    assert list(read_study(Depth, "depth_study", ["scale=full"]).chosen()) == ["cifar10"]
    assert list(read_study(Depth, "depth_study", ["scale=digits"]).chosen()) == ["digits"]


def test_the_command_line_changes_a_scale():
    settings = read_study(Depth, "depth_study", ["scales.digits.seeds=[7,8]", "scales.quick=[digits]"])
    assert list(settings.chosen()) == ["digits"]
    assert settings.chosen()["digits"].seeds == [7, 8]


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("scale=ful", "there is no scale 'ful'; did you mean 'full'?"),
        ("scale=digit", "there is no scale 'digit'; did you mean 'digits'?"),
        ("scale=", "scale is empty"),
        ("scale=[digits]", "scale=['digits']: should be a valid string"),
        ("scales.quick=[digit]", "there is no scale 'digit' with settings; did you mean 'digits'?"),
        ("scales.quick=[full]", "there is no scale 'full' with settings"),
        ("scales.quick=[]", "the scale 'quick' is an empty list"),
        ("scales=quick", "scales=quick: should be settings by the names of scales"),
        ("scales=3", "scales=3: should be settings by the names of scales"),
        ("scales.quick=digits", "scales.quick=digits: should be a group of settings"),
        ("scales.digits.seed=[1]", "scales.digits.seed is not a setting; did you mean 'seeds'?"),
        ("scales.digits.seeds=[]", "scales.digits.seeds"),
        ("scales.digits.seeds=[0,0]", "seeds [0, 0] name one twice"),
        ("scales.quik=[digits]", "scales.quik: there is no such scale; did you mean 'quick'?"),
        ("scales.digit.seeds=[0]", "scales.digit: there is no such scale; did you mean 'digits'?"),
        ("full", "settings of a study are written key=value; see conf/study/depth_study.yaml"),
    ],
)
def test_mistakes_name_the_right_thing(argument, words):
    with pytest.raises(UserError, match=re.escape(words)):
        read_study(Depth, "depth_study", [argument])


def test_a_scale_of_ones_own_can_be_chosen():
    assert list(read_study(Depth, "depth_study", ["scale=mine", "scales.mine=[digits]"]).chosen()) == ["digits"]


def test_what_a_variant_sets_itself_comes_after_what_all_share():
    scale = read_study(Depth, "depth_study", ["scales.digits.plain=[model=linear,train.duration=3epochs]"])
    assert scale.scales["digits"].variant("plain", 20).run(0).settings.train.duration == Duration.parse("3 epochs")


@pytest.mark.heavy
def test_every_run_of_the_depth_study_composes():
    settings = read_study(Depth, "depth_study", [])
    for scale in settings.scales.values():
        for kind in ("plain", "residual"):
            run = scale.variant(kind, scale.depths[-1]).run(0)
            model = run.settings.model
            assert (model.depth, model.shortcut) == (scale.depths[-1], "none" if kind == "plain" else "A")
            assert run.settings.eval.test_curve


@pytest.mark.heavy
def test_every_run_of_the_path_ensembles_composes():
    settings = read_study(StudySettings[PathScale], "path_ensembles", [])
    depths = {}
    for name, scale in settings.scales.items():
        models = [variant.run(0).settings.model for variant in scale.variants()]
        depths[name] = [model.depth for model in models]
        assert models[0].shortcut == "A"
        assert max(scale.removed) <= (models[0].depth - 2) // 2
    assert depths == {"digits": [32, 32], "cifar10_small": [56, 16], "cifar10": [110, 16]}


def test_a_run_has_the_directory_that_a_person_gets():
    assert (
        planned(["+experiment=resnet20", "seed=3"]).directory == planned(["seed=3", "+experiment=resnet20"]).directory
    )


def test_all_studies_have_a_command():
    for path in (CONF / "study").glob("*.yaml"):
        assert f"python -m experiments.{path.stem}" in path.read_text()
