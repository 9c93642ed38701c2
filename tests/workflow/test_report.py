"""The HTML report of a real run, as a browser shows it where there is no network."""

import pandas as pd
import pytest
import yaml
from small_sweep import CONFIG, FIGURES

from vae_geometry.claims.registry import CLAIMS
from vae_geometry.figures import registry

PLACES = [("fresh noise", figure) for figure in FIGURES]
PLACES += [("repeated noise", figure) for figure in FIGURES]
PLACES += [("kinds of noise", "noise")]


@pytest.fixture(scope="module")
def report(snakemake, sweep):
    path = sweep / "report.html"
    written = snakemake(sweep, "--configfile", str(sweep / "sweep.yaml"), "--report", str(path))
    assert written.returncode == 0, written.stdout
    return path


def test_the_report_is_one_file_with_its_captions(report):
    text = report.read_text(encoding="utf-8")
    for wanted in ("Geometry of trained networks, layer by layer", "ID of the data: ", "This sweep: data set "):
        assert wanted in text


@pytest.fixture
def opened(browser):
    """Open a file offline; afterwards it must have raised no error and requested nothing."""
    context = browser.new_context(offline=True, viewport={"width": 1440, "height": 600})
    page = context.new_page()
    problems, requested = [], []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))

    def open_file(path):
        page.goto(path.as_uri())
        return page

    yield open_file
    uri = page.url.partition("#")[0]
    context.close()
    assert problems == []
    assert [url for url in requested if not url.startswith(("data:", "blob:"))] == [uri]


@pytest.fixture
def page(opened, report):
    return opened(report)


def open_folder(page, *names):
    page.locator("nav ol a").first.click()  # the house
    for name in names:
        page.locator("nav").get_by_text(name, exact=True).click()


def assert_shown(page, noise, figure):
    picture = page.locator(f"img[src*='filename={figure}.png']")
    picture.wait_for()
    picture.evaluate("picture => picture.decode()")
    assert picture.evaluate("picture => picture.naturalWidth") > 500, (noise, figure)
    assert picture.bounding_box()["y"] >= 0, (noise, figure)  # else its heading is out of reach


def test_the_front_page_names_the_sweep_its_config_and_the_versions(page):
    assert page.locator("h1.title").bounding_box()["y"] >= 0
    text = page.locator(".prose").inner_text()
    assert "This sweep: data set digits; K = 2, 3; repeated and fresh noise; seed 0; trained to epoch 1" in text
    for wanted in ("scales: 8", "learning_rate: 0.001", "torch", pd.__version__):
        assert wanted in text
    page.locator("#rulegraph svg, #rulegraph canvas").first.wait_for()


def test_every_figure_is_shown_with_a_caption_in_its_own_numbers(page, sweep):
    for noise, figure in PLACES:
        open_folder(page, "digits", noise)
        row = page.locator("nav tr").filter(has_text=f"{figure}: ")
        row.locator("a").nth(0).click()
        assert_shown(page, noise, figure)
        row.locator("a").nth(1).click()
        caption = page.locator("nav .prose").inner_text()
        folder = sweep / "results/figures/digits" / ("" if figure == "noise" else noise.split()[0])
        lines = (folder / f"{figure}.txt").read_text(encoding="utf-8").splitlines()
        sentences = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
        assert sentences
        for sentence in sentences:
            assert sentence in caption, (noise, figure)
        assert "How to read it." in caption, (noise, figure)
        assert "{" not in caption, (noise, figure)
        assert page.locator(".system-message").count() == 0, (noise, figure)


def test_every_figure_is_found_by_the_search(page):
    for noise, figure in [*PLACES[:3], PLACES[-1]]:
        open_folder(page)
        field = page.get_by_placeholder("Search...")
        field.fill(f"{noise.split()[0]}/{figure}.png" if figure != "noise" else "digits/noise.png")
        field.press("Enter")
        rows = page.locator("nav tbody tr")
        assert rows.count() == 1
        rows.locator("a").first.click()
        assert_shown(page, noise, figure)


def test_a_search_that_finds_both_kinds_of_noise_shows_both(page):
    field = page.get_by_placeholder("Search...")
    field.fill("figureA2")
    field.press("Enter")
    shown = set()
    for noise in CONFIG["noise"]:
        page.locator("nav").get_by_text(noise, exact=True).click()
        page.locator("nav tbody tr a").first.click()
        shown.add(page.locator("img[src*='filename=figureA2.png']").get_attribute("src"))
    assert len(shown) == 2


def test_the_statistics_and_a_rule_are_shown(page):
    open_folder(page, "Statistics")
    page.locator("#runtimes svg, #runtimes canvas").first.wait_for()
    open_folder(page, "Software")
    assert "versions" in page.locator("nav tbody").inner_text()


def test_the_claims_are_shown(page):
    open_folder(page, "digits", "claims")
    page.locator("nav tbody tr a").first.click()
    shown = page.frame_locator("iframe")
    shown.get_by_text("The claims of the paper").wait_for()
    assert shown.locator("summary").count() == len(CLAIMS)


def test_the_page_of_a_data_set_shows_figures_claims_and_how_to_read_them(opened, sweep):
    path = sweep / "results/digits/index.html"
    assert path.stat().st_size < 2e6
    page = opened(path)
    assert page.locator(".answer").bounding_box()["y"] < 300
    pictures = page.locator("img")
    assert pictures.count() == 2
    for picture in pictures.all():
        picture.evaluate("picture => picture.decode()")
        assert picture.evaluate("picture => picture.naturalWidth") > 500
    table = page.locator("details table").first
    assert not table.is_visible()
    page.locator("details:has(table) > summary").first.click()
    assert table.is_visible()
    assert "K" in table.inner_text()
    colours = page.locator(".verdict").evaluate_all("all => all.map(one => getComputedStyle(one).backgroundColor)")
    assert len(set(colours)) > 1
    captions = page.locator("details").filter(has_text="How to read it.")
    assert captions.count() == 2 * len([name for name in FIGURES if not registry.FIGURES[name].all_datasets]) + 1
    for link in page.locator("a").evaluate_all("all => all.map(one => one.getAttribute('href'))"):
        assert (path.parent / link).exists(), link


def test_the_config_beside_the_page_is_that_of_the_sweep(snakemake, sweep):
    config = yaml.safe_load((sweep / "results/digits/config.yaml").read_text(encoding="utf-8"))
    assert config["training"].items() >= CONFIG["training"].items()
    assert (config["model"]["channels"], config["seeds"]) == (CONFIG["model"]["channels"], [0])
    planned = snakemake(sweep, "-n", f"--configfile={sweep}/results/digits/config.yaml", "--config", "device=cpu")
    assert "Nothing to be done" in planned.stdout
