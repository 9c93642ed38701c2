"""What MkDocs does besides: two pages of the repository's root become pages of the site."""

from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
OF_THE_ROOT = ("CHANGELOG.md", "CONTRIBUTING.md")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of the root, whose links begin there."""
    for name in OF_THE_ROOT:
        text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links to these pages: in the repository they lie above docs/, in the site beside the pages."""
    up = "../" * (len(PurePosixPath(page.file.src_uri).parts) - 1)
    for name in OF_THE_ROOT:
        markdown = markdown.replace(f"](../{up}{name}", f"]({up}{name}")
    return markdown
