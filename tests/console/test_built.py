"""What the wheel ships is what the sources give, and every template and page is whole."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.console.chromium import absent, needed

from adcascade.console.assets import TYPES, Assets
from adcascade.console.pages import PAGES
from adcascade.console.render import Renderer

ROOT = Path(__file__).parent.parent.parent
STATIC = ROOT / "src" / "adcascade" / "console" / "static"
TEMPLATES = ROOT / "src" / "adcascade" / "console" / "templates"


def test_the_built_files_are_fresh(tmp_path: Path) -> None:
    """Byte for byte what `npm run build` in console/ makes of the sources."""
    if not (ROOT / "console" / "node_modules").is_dir():
        absent("the console's tools are absent: run `npm ci` in console")
    subprocess.run([needed("node"), "build.mjs", str(tmp_path)], cwd=ROOT / "console", check=True)
    made = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert made == {file.name: file.read_bytes() for file in STATIC.iterdir()}
    assert {name.rpartition(".")[2] for name in made} <= set(TYPES)


def test_nothing_is_loaded_from_elsewhere() -> None:
    """No built file and no template names an address of another machine to load from."""
    for file in (*STATIC.iterdir(), *TEMPLATES.iterdir()):
        text = file.read_text("utf-8")
        assert not re.search(r"(src|href)=[\"']?(https?:|//)|@import|url\(\s*[\"']?(https?:|//)", text), file


def test_no_template_holds_script_or_style() -> None:
    """What the policy forbids is not there in the first place."""
    for file in TEMPLATES.iterdir():
        text = file.read_text("utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|hx-on|<script(?! src=)|\|\s*safe|javascript:", text), file


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_whole(page: object) -> None:
    """Its templates are there and can be read; its own path is one of its routes; no two pages share a path."""
    environment = Renderer()._templates
    routes = page.routes  # type: ignore[attr-defined]
    for at in routes:
        assert at.template or at.method == "POST" or Path(at.path).suffix, at.path  # a file has none
        if at.template:
            environment.get_template(at.template)
    assert page.path in {at.path for at in routes if at.method == "GET"}  # type: ignore[attr-defined]
    pairs = [(at.method, at.path) for each in PAGES for at in each.routes]
    assert len(pairs) == len(set(pairs))


def test_a_file_has_an_address_of_its_content() -> None:
    """Every built file is served."""
    assets = Assets()
    assert len(assets.routes()) == len(list(STATIC.iterdir()))
    assert re.fullmatch(r"/console/static/console\.[0-9a-f]{16}\.js", assets.address("console.js"))
