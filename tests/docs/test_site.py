"""The documentation as a browser shows it from disk, where there is no network."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urldefrag, urlparse

import pytest

ROOT = Path(__file__).parents[2]
LINKS = """all => all.map(one => one.href || one.src).filter(url => url.startsWith("file:"))"""


class Opened(NamedTuple):
    """What a browser found on a page: its anchors, its links into the site, and what went wrong."""

    anchors: set[str]
    links: list[str]
    problems: list[str]
    requested: list[str]


def make_docs(root, site):
    """Build the documentation in ``root`` with the command of ``make docs``, into the folder ``site``."""
    pytest.importorskip("mkdocs", reason="MkDocs is not installed: uv pip install --group docs")
    recipe = subprocess.run(["make", "-n", "-o", ".venv/installed", "docs"], cwd=ROOT, capture_output=True, text=True)
    (command,) = [line for line in recipe.stdout.splitlines() if "mkdocs" in line]
    command = command.replace(".venv/bin/mkdocs", f"{sys.executable} -m mkdocs") + f" --site-dir {site}"
    return subprocess.run(command, shell=True, cwd=root, capture_output=True, text=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    built = make_docs(ROOT, folder)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture(scope="module")
def opened(browser, site):
    """Every page of the site, opened offline: path -> what was found."""
    pages, problems, requested = {}, [], []
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))
    for path in sorted(site.rglob("*.html")):
        if path.name == "404.html":  # for servers: its links begin at their root
            continue
        problems.clear()
        requested.clear()
        page.goto(path.as_uri())
        anchors = page.locator("[id]").evaluate_all("all => all.map(one => one.id)")
        links = page.locator("a[href], img, script[src], link[href]").evaluate_all(LINKS)
        pages[path] = Opened(set(anchors), links, list(problems), list(requested))
    context.close()
    return pages


def test_a_dead_link_stops_the_build(tmp_path):
    for folder in ("docs", "src"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for name in ("mkdocs.yml", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path)
    page = tmp_path / "docs/how-to/own-network.md"
    page.write_text(page.read_text(encoding="utf-8") + "\n[dead](nowhere.md)\n", encoding="utf-8")
    built = make_docs(tmp_path, tmp_path / "site")
    assert built.returncode == 1
    assert "how-to/own-network.md' contains a link 'nowhere.md'" in built.stderr


def test_no_page_has_an_error_or_asks_the_network(opened):
    assert len(opened) > 30
    assert {page.name: found.problems for page, found in opened.items() if found.problems} == {}
    outside = [url for found in opened.values() for url in found.requested if urlparse(url).scheme in ("http", "https")]
    assert outside == []


def test_every_internal_link_leads_to_a_page_and_to_an_anchor_on_it(opened):
    dead = []
    for page, found in opened.items():
        for link in found.links:
            url, anchor = urldefrag(link)
            target = Path(unquote(urlparse(url).path))
            here = target.is_file() and (
                not anchor or target not in opened or unquote(anchor) in opened[target].anchors
            )
            dead += [] if here else [f"{page.name}: {link}"]
    assert dead == []


def test_the_search_finds_a_page_from_disk(browser, site):
    context = browser.new_context(offline=True, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto((site / "index.html").as_uri())
    page.get_by_label("Search", exact=True).first.fill("SIGTERM")
    page.locator(".md-search-result__item").first.wait_for()
    assert "resume.html" in page.locator(".md-search-result__link").first.get_attribute("href")
    context.close()
