"""The code of the README and of the guides runs as it is printed."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from adcascade.learning.export import example_ads, example_user
from adcascade.learning.model import ScoringModel, Shape

ROOT = Path(__file__).parent.parent.parent


def blocks(page: str) -> list[str]:
    """The Python blocks of a page."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), flags=re.DOTALL)


def test_the_readme_serves_an_ad(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its fifteen lines, in a directory where `demo` is an installation: ads are shown, a click is accepted."""
    shop.rename(shop.parent / "demo")
    monkeypatch.chdir(shop.parent)
    (example,) = blocks("README.md")
    exec(compile(example, "README.md", "exec"), {})
    assert "accepted" in capsys.readouterr().out


def test_the_guides_model_is_a_model() -> None:
    """The dot product of docs/add-a-method.md splits its work, and one request broadcasts over n ads."""
    names: dict[str, Any] = {}
    exec(compile(blocks("docs/add-a-method.md")[0], "add-a-method.md", "exec"), names)
    shape = Shape(width=4, request_fields=3, request_numbers=1, ad_fields=2, ad_numbers=1, sequences=1, length=2)
    model = names["DotProduct"](shape)
    assert isinstance(model, ScoringModel)
    with torch.no_grad():
        assert model(example_user(shape), example_ads(shape, 5)).shape == (5,)
