"""The page that answers: one file with figures, how to read them, claims, and links."""

import re

import pytest
from made_up_evidence import selection, write_sweep
from PIL import Image

from vae_geometry import VaeGeometryError
from vae_geometry.figures.overview import summarise

CAPTION = "**Geometry.** (a) ID.\n\n*How to read it.* 2 < 3.\n\n**In this run:**\n\n- First.\n- Second.\n"


@pytest.fixture
def page(tmp_path):
    """Path of the page, and a figure of each kind of noise, drawn beside a caption."""
    for noise, lowest in (("repeated", 4), ("fresh", 8)):
        write_sweep(tmp_path, noise, lowest=lowest)
    figures = []
    for number, name in enumerate(("repeated/figure1", "fresh/figure1", "fresh/losses", "noise")):
        path = tmp_path / f"figures/digits/{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), number).save(path)
        path.with_suffix(".txt").write_text(CAPTION, encoding="utf-8")
        figures.append(path)
    return tmp_path / "digits/index.html", figures


def test_the_page_shows_figure1_of_fresh_noise_and_noise_and_says_how_to_read_all(tmp_path, page):
    output, figures = page
    summarise(selection(tmp_path, ("repeated", "fresh")), output, figures)
    text = output.read_text(encoding="utf-8")
    shown = re.findall(r'<h2>([^<]*)</h2><img alt="[^"]*" src="data:image/png;base64,', text)
    assert shown == ["figure1: the layers, fresh noise", "noise: fresh beside repeated"]
    assert text.count("<p><em>How to read it.</em> 2 &lt; 3.</p>") == 4
    assert text.count("<ul><li>First.</li><li>Second.</li></ul>") == 4
    assert '<a href="../figures/digits/fresh/losses.png">' in text
    for place in ("config.yaml", "claims.md", "../tables", "../figures/digits", "../../logs/digits"):
        assert f'<a href="{place}">' in text
    assert "http" not in text
    assert text.index('class="answer"') < text.index("<img")
    assert "train longer: " in text.partition("<h2>What is open, and what would decide it</h2>")[2]


def test_the_page_is_replaced_by_the_same_bytes_and_a_file_of_others_is_not(tmp_path, page):
    output, figures = page
    chosen = selection(tmp_path, ("repeated", "fresh"))
    summarise(chosen, output, figures)
    before = output.read_bytes()
    summarise(chosen, output, figures)
    assert output.read_bytes() == before
    output.write_text("precious")
    with pytest.raises(VaeGeometryError, match=r"index.html: is not a page of this package and is not replaced"):
        summarise(chosen, output, figures)


def test_a_figure_without_its_caption_is_named(tmp_path, page):
    output, figures = page
    figures[2].with_suffix(".txt").unlink()
    with pytest.raises(VaeGeometryError, match=r"fresh/losses.png: no figure with its caption .*; draw it again"):
        summarise(selection(tmp_path, ("repeated", "fresh")), output, figures)
    assert not output.exists()
