"""The studies of filters name runs that exist, at the sizes that the formulas give."""

import pytest

from experiments.cheap_filters import CheapFiltersScale, predicted_multiplications
from experiments.small_filters import SmallFiltersScale, network_weights, stack
from src.config.errors import UserError
from src.studies.costs import traced_costs
from src.studies.runs import planned
from src.studies.settings import StudySettings, read_study

Small, Cheap = StudySettings[SmallFiltersScale], StudySettings[CheapFiltersScale]


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["digits", "cifar10"])
def test_small_filters_come_at_equal_fields_and_at_equal_weights(name):
    scale = read_study(Small, "small_filters", []).scales[name]
    large, small, wide = [variant.run(0) for variant in scale.variants("one 7x7")]
    spec = large.settings.dataset().spec
    assert stack(large).width == stack(small).width < stack(wide).width
    assert traced_costs(large).field == traced_costs(small).field == traced_costs(wide).field
    wanted, found = network_weights(stack(large), spec), network_weights(stack(wide), spec)
    assert found == pytest.approx(wanted, rel=0.03)
    assert network_weights(stack(small), spec) < 0.6 * wanted


def test_first_layers_are_compared_on_whole_images():
    scale = read_study(Small, "small_filters", []).scales["cifar10_small"]
    (name, settings), *_ = scale.comparisons["first layer"].items()
    assert name == "11x11/4 first"
    run = planned([*scale.common, *settings])
    assert run.settings.dataset().spec.shape == (32, 32, 3)
    assert (stack(run).stem, stack(run).stride) == (11, 4)


@pytest.mark.heavy
def test_a_stack_that_is_as_large_already_does_not_come_twice():
    scale = read_study(Small, "small_filters", []).scales["digits"]
    assert len(scale.variants("one 5x5")) == 3
    assert len(scale.variants("first layer")) == 2


@pytest.mark.heavy
def test_every_cheap_block_can_be_built():
    scale = read_study(Cheap, "cheap_filters", []).scales["digits"]
    models = {name: variant.run(0).settings.model for name, variant in scale.variants().items()}
    assert {name: (model.block, model.groups) for name, model in models.items() if name[0].endswith("groups")} == {
        (f"{groups} groups", 64): ("bottleneck", groups) for groups in (2, 4, 8, 16, 32)
    }


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["cifar10_small", "cifar10"])
def test_the_larger_stages_have_the_same_blocks_in_larger_networks(name):
    scales = read_study(Cheap, "cheap_filters", []).scales
    assert scales[name].blocks == scales["digits"].blocks
    run = scales[name].variants()["32 groups", 64].run(0)
    assert predicted_multiplications(run) == traced_costs(run).multiplications > 1e6


def test_every_width_has_full_filters_to_compare_with():
    with pytest.raises(UserError, match="separable is 16 wide, and no block named 'full' is"):
        read_study(Cheap, "cheap_filters", ["scales.digits.blocks.separable.widths=[16]"])


@pytest.mark.slow
def test_every_small_filter_of_every_stage_composes():
    for scale in read_study(Small, "small_filters", []).scales.values():
        for comparison, networks in scale.comparisons.items():
            assert all(planned([*scale.common, *settings]) for settings in networks.values()), comparison
