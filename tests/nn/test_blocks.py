"""Laws of the shared blocks."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from adcascade.nn.blocks import SplitLinear, last_map, mlp
from adcascade.nn.inputs import Inputs, flat, history_mean


def test_a_split_map_is_the_whole_map() -> None:
    """W_u u + b + W_a a is W [u; a] + b, and one request meets n ads by broadcasting."""
    torch.manual_seed(0)
    split = SplitLinear(3, 2, 4)
    weight = torch.cat((split.request_weight, split.ad_weight), dim=1)
    request, ad = torch.randn(1, 3), torch.randn(5, 2)
    both = torch.cat((request.expand(5, -1), ad), dim=1)
    assert_close(split(request, ad), both @ weight.T + split.bias)


def test_an_mlp_ends_linear_only_at_width_one() -> None:
    """Hidden layers are never negative; a last layer of width 1 is a logit."""
    x = torch.randn(50, 3)
    assert (mlp((3, 8, 4))(x) >= 0).all()
    logits = mlp((3, 8, 1), dropout=0.5).eval()(x)
    assert logits.shape == (50, 1)
    assert (logits < 0).any() or (logits > 0).any()


def test_the_last_map_of_a_network_is_found_or_refused() -> None:
    """The map to one number that ends an MLP; what ends in a ReLU has none."""
    network = mlp((3, 2, 1))
    z = torch.randn(5, 3)
    assert_close(last_map(network)(network[:-1](z)), network(z))
    with pytest.raises(TypeError, match="ReLU"):
        last_map(nn.Sequential(nn.Linear(3, 2), nn.ReLU()))


def test_the_mean_of_a_history_ignores_padding() -> None:
    """Only masked-in steps count, and no history at all is zero."""
    history = torch.randn(2, 3, 2, 4)
    side = Inputs(torch.zeros(2, 1, 4), torch.ones(2, 1), history, torch.tensor([[True, True, False], [False] * 3]))
    assert_close(history_mean(side)[0], history[0, :2].mean(dim=0).flatten())
    assert_close(history_mean(side)[1], torch.zeros(8))
    assert flat(side).shape == (2, 5)


def test_a_side_without_width_leaves_the_other_half() -> None:
    """No request: the bias and the ad's half; no ad: the request's half, once for each of the n rows."""
    split = SplitLinear(0, 2, 4)
    ad = torch.randn(3, 2)
    assert_close(split(torch.zeros(1, 0), ad), ad @ split.ad_weight.T + split.bias)
    split = SplitLinear(2, 0, 4)
    request = torch.randn(1, 2)
    assert_close(split(request, torch.zeros(3, 0)), (request @ split.request_weight.T + split.bias).expand(3, -1))
