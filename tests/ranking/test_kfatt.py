"""KFAtt as a ranking model: what its interest is made of. The laws of all rankers are in test_models.py."""

import pytest
import torch
from torch.testing import assert_close

from adcascade.errors import ConfigurationError
from adcascade.learning.export import example_ads, example_user
from adcascade.learning.model import Shape
from adcascade.nn.inputs import Inputs
from adcascade.ranking.kfatt import KFAtt, KFAttConfig, kfatt_base

SHAPE = Shape(
    width=4, request_fields=2, request_numbers=0, ad_fields=3, ad_numbers=0, sequences=2, length=6, targets=(0, 2)
)


def model_of(config: KFAttConfig) -> KFAtt:
    """With fixed weights, in evaluation mode."""
    torch.manual_seed(1)
    return KFAtt(SHAPE, config).eval()


def with_history(user: Inputs, steps: list[int], *, length: int = 6) -> Inputs:
    """The request with a history of these of its own steps, so that a step may come again."""
    filled = (*steps, *([steps[-1]] * (length - len(steps)) if steps else [0] * length))
    return user._replace(history=user.history[:, list(filled)], mask=torch.arange(length)[None] < len(steps))


@pytest.mark.parametrize("energy", ["unit", "dot"])
def test_without_repetition_and_noise_the_forms_agree(energy: str) -> None:
    """n = 1 and σ' = 0 reduce the capped form to the base form."""
    capped = model_of(KFAttConfig(form="freq", energy=energy))  # type: ignore[arg-type]
    base = model_of(KFAttConfig(form="base", energy=energy))  # type: ignore[arg-type]
    base.load_state_dict(capped.state_dict(), strict=False)
    assert capped.noise is not None
    torch.nn.init.zeros_(capped.noise[-1].weight)  # type: ignore[arg-type]
    torch.nn.init.constant_(capped.noise[-1].bias, -1e9)  # type: ignore[arg-type]
    user, ads = with_history(example_user(SHAPE), [0, 1, 2]), example_ads(SHAPE, 5)
    scores = [model.score(model.user_state(user), ads) for model in (capped, base)]
    assert_close(scores[0], scores[1], rtol=1e-3, atol=1e-3)  # σ' is cut at exp(-8)


def test_a_step_that_comes_again_and_again_moves_the_capped_form_less() -> None:
    """Five times the same step: the base form follows it further than the capped one."""
    user, ads = example_user(SHAPE), example_ads(SHAPE, 3)
    moves = {}
    for form, config in (("base", KFAttConfig(form="base")), ("freq", KFAttConfig(form="freq"))):
        model = model_of(config)
        if model.noise is not None:
            torch.nn.init.constant_(model.noise[-1].bias, -8.0)  # type: ignore[arg-type]
            torch.nn.init.zeros_(model.noise[-1].weight)  # type: ignore[arg-type]
        once = model.score(model.user_state(with_history(user, [0, 1])), ads)
        often = model.score(model.user_state(with_history(user, [0, 1, 1, 1, 1, 1])), ads)
        moves[form] = float((once - often).detach().abs().mean())
    assert moves["freq"] < 0.05 * moves["base"]


def test_without_a_history_only_the_category_of_the_ad_speaks() -> None:
    """The prior reads the query field alone: another ad of the same category has the same interest."""
    model = model_of(KFAttConfig())
    torch.nn.init.zeros_(model.first.ad_weight.data[:, : SHAPE.ad_flat])  # the tower sees the interest alone
    user = with_history(example_user(SHAPE), [])
    ads = example_ads(SHAPE, 2)
    ads.embedded[1, 2] = ads.embedded[0, 2]  # the category, target of the last sequence
    scores = model.score(model.user_state(user), ads)
    assert_close(scores[0], scores[1])


def test_the_base_form_carries_no_counts() -> None:
    """Its state is shorter: nothing of n or σ' is computed or exported."""
    user = example_user(SHAPE)
    assert len(kfatt_base(SHAPE).user_state(user)) == len(KFAtt(SHAPE).user_state(user)) - 2


def test_a_history_is_required() -> None:
    """With the remedy."""
    with pytest.raises(ConfigurationError, match="sequence"):
        KFAtt(Shape(width=4, request_fields=1, request_numbers=0, ad_fields=1, ad_numbers=0))
