"""What tests of pages share."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest

VOID = {"meta", "br", "img", "link", "input", "hr", "wbr"}


class Outline(HTMLParser):
    """Elements with their attributes; every one that is opened must be closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(scope="session")
def outline_of() -> Callable[[str], Outline]:
    """Reads a page; give it the text."""
    return Outline
