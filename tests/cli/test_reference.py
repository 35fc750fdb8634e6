"""The pages that are generated are those of this code."""

from pathlib import Path

import pytest

from adcascade.cli.reference import PAGES
from adcascade.settings import Settings

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_fresh(name: str) -> None:
    """`make docs` would change nothing."""
    assert (DOCS / name).read_text("utf-8") == PAGES[name](), "run `make docs` and commit the page"


def test_every_setting_is_described() -> None:
    """A key without a sentence cannot be used by whoever reads the page."""
    page = PAGES["configuration.md"]()
    for name, field in Settings.model_fields.items():
        for key in getattr(field.annotation, "model_fields", {}):
            row = next(line for line in page.splitlines() if line.startswith(f"| `{key}` |"))
            assert row.split("|")[2].strip(), f"{name}.{key} has no description"
