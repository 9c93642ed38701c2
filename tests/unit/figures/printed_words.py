"""The words on a page: where each stands, and which of them overlap."""

import itertools

from matplotlib.text import Text

from vae_geometry.figures import style


def words(figure, monkeypatch):
    """Every text that is drawn: the text object and its box in pixels."""
    shown = []
    draw = Text.draw

    def record(text, renderer):
        if text.get_visible() and text.get_text():
            shown.append((text, text.get_window_extent(renderer)))
        draw(text, renderer)

    with style.applied(), monkeypatch.context() as patch:
        figure.draw_without_rendering()
        patch.setattr(Text, "draw", record)
        figure.draw_without_rendering()
    return shown


def overlaps(shown):
    """Pairs of words of which one covers more than a pixel of the other."""
    return [
        (one.get_text(), other.get_text())
        for (one, first), (other, second) in itertools.combinations(shown, 2)
        if min(first.x1, second.x1) - max(first.x0, second.x0) > 1
        and min(first.y1, second.y1) - max(first.y0, second.y0) > 1
    ]
