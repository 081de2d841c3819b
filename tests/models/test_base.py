import pytest

from src.config.errors import UserError
from src.config.place import CONF
from src.models.base import ModelSettings, abstract_network, check_depth
from src.models.summary import model_layers
from src.zoo.named import named_model


def test_an_unknown_network_or_setting_is_named():
    with pytest.raises(UserError, match=r"conf/model/ has no alexnt\.yaml; did you mean 'alexnet'"):
        named_model("alexnt")
    with pytest.raises(UserError, match="smal is not a setting; did you mean 'small'"):
        named_model("alexnet", smal=True)


class Mine(ModelSettings):
    """Somebody's own network."""

    def build(self, input_shape, outputs, *, rngs):
        raise NotImplementedError


def test_a_network_of_ones_own_needs_no_paper():
    with pytest.raises(UserError, match="published for no inputs; name some with data="):
        _ = Mine().published


@pytest.mark.parametrize(("depth", "nearest"), [(2, "8$"), (9, "8 and 14"), (13, "8 and 14"), (15, "14 and 20")])
def test_the_depths_next_to_a_wrong_one_are_named(depth, nearest):
    with pytest.raises(ValueError, match=f"a network has 6n\\+2 layers; nearest: {nearest}"):
        check_depth("a network", depth, each=6, others=2)
    assert check_depth("a network", 14, each=6, others=2) == 14


TAKE_TEXTS = {"text_conv1d", "dense", "linear"}
NETWORKS = {path.stem for path in (CONF / "model").glob("*.yaml")}


@pytest.mark.parametrize("name", sorted(NETWORKS - TAKE_TEXTS))
def test_networks_for_images_refuse_texts(name):
    with pytest.raises(UserError, match=r"takes (images|rows of a table), .* \(500,\)"):
        abstract_network(named_model(name), (500,), 2)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_size_has_an_upper_bound(name):
    """A number of nine digits is refused at once, whichever setting it is given for, also in a list."""
    settings = named_model(name)
    for field, value in settings:
        if isinstance(value, int | float) and not isinstance(value, bool) and field != "dropout":
            with pytest.raises(UserError, match=rf"^model(\.{field}=|: .*)999999998"):
                named_model(name, **{field: type(value)(999_999_998)})
        if isinstance(value, list):
            with pytest.raises(UserError, match=rf"^model\.{field}\.\d=999999998: should be less than or equal to"):
                named_model(name, **{field: [*value[:-1], 999_999_998]})


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("resnet", {"width": 9999}),
        ("resnext50_32x4d", {"cardinality": 10_000, "width": 10_000}),
        ("mobilenet", {"width": 9999.0}),
        ("dense", {"hidden": [1_000_000, 1_000_000]}),
        ("densenet_bc_cifar", {"growth": 1_000_000}),
        ("filter_stack", {"width": 1_000_000, "kernel": 999}),
    ],
)
def test_what_no_memory_could_hold_is_refused(name, changes):
    with pytest.raises(UserError, match=r"would have [\d,]+ parameters, which take [\d,]+ GiB; this machine has \d+"):
        abstract_network(named_model(name, **changes), (64, 64, 3), 10)
    model_layers(named_model(name, **changes), (64, 64, 3), 10)  # which may be counted all the same


def test_the_layers_of_a_stack_are_bounded_together():
    with pytest.raises(UserError, match="31 stages of 9000 blocks are more than 10000 layers"):
        named_model("filter_stack", stages=31, blocks=9000)
