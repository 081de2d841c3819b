import pytest

from src.config.compose import CONF
from src.config.errors import UserError
from src.models.base import ModelSettings, check_depth, check_input, named_model


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
        check_input(named_model(name), (500,), 2)
