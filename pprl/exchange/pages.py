"""
Pages: whether a report is one that this software could have written, and does nothing by itself.

A page is not parsed as a browser does, which forgives everything, but held against a grammar
that forgives nothing: every ``<`` begins an element that our templates use, with attributes in
double quotes.  What does not fit is refused, so no two readers can understand it differently.
"""

import html
import re
from itertools import starmap
from typing import Final

# Of our templates and pictures; none of them runs, fetches or sends anything.
_ELEMENTS: Final = re.compile(
    r"""html|head|meta|title|style|body|header|nav|main|section|footer|div|p|a|b|strong|em|i|code|pre|br|hr
    |wbr|span|small|sup|sub|abbr|h[1-4]|ul|ol|li|dl|dt|dd|table|caption|colgroup|col|thead|tbody|tfoot|tr|th
    |td|figure|figcaption|details|summary|svg|g|defs|clippath|path|rect|circle|ellipse|line|polyline|polygon
    |text|tspan|use|desc""",
    re.VERBOSE | re.IGNORECASE,
)
_TOKEN: Final = re.compile(
    r"""(?P<text>[^<]+)
    |<(?P<open>[a-zA-Z][a-zA-Z0-9]*)(?P<attributes>(?:\s+[a-zA-Z][a-zA-Z0-9:_.-]*(?:="[^"<>]*")?)*)\s*/?>
    |</(?P<close>[a-zA-Z][a-zA-Z0-9]*)\s*>
    |<!--[^<>]*-->""",
    re.VERBOSE,
)
_ATTRIBUTE: Final = re.compile(r'([a-zA-Z][a-zA-Z0-9:_.-]*)(?:="([^"<>]*)")?')
_DOCTYPE: Final = "<!doctype html>"
_LINKS: Final = frozenset({"href", "xlink:href"})
_NEVER: Final = re.compile(
    r"on.*|src.*|action|formaction|data|background|poster|ping|target|download|manifest"
)
_OUTSIDE: Final = re.compile(r"javascript:|vbscript:|@import|expression\(|image-set|\\|url\((?![\"']?#)")
_SPACE: Final = re.compile(r"[\x00-\x20\x7f-\xa0]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_POLICIES: Final = frozenset({"content-security-policy"})  # it can only forbid


def is_page(content: bytes) -> bool:
    """Say whether a page has only elements and attributes that our pages have, and nothing active.

    Parameters
    ----------
    content : bytes
        The page, which must be UTF-8 without control characters.

    Examples
    --------
    >>> is_page(b'<!doctype html><p class="n">12</p>')
    True
    >>> is_page(b'<!doctype html><p onclick="f()">12</p>')
    False
    """
    try:
        page = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    if page[: len(_DOCTYPE)].lower() != _DOCTYPE or _CONTROL.search(page):
        return False
    position, in_style = len(_DOCTYPE), False
    while position < len(page):
        token = _TOKEN.match(page, position)
        if token is None or not (_is_styling(token) if in_style else _is_harmless(token)):
            return False
        in_style = (token["open"] or "").lower() == "style" or (in_style and not token["close"])
        position = token.end()
    return not in_style


def _is_styling(token: re.Match[str]) -> bool:
    """Say whether this may stand in a style sheet, where browsers see no element but its end."""
    return (token["close"] or "").lower() == "style" or bool(token["text"] and _stays_inside(token["text"]))


def _is_harmless(token: re.Match[str]) -> bool:
    if token["open"] is None:
        return token["close"] is None or _ELEMENTS.fullmatch(token["close"]) is not None
    attributes = _ATTRIBUTE.findall(token["attributes"])
    return _ELEMENTS.fullmatch(token["open"]) is not None and all(starmap(_is_plain, attributes))


def _is_plain(name: str, value: str) -> bool:
    name, value = name.lower(), html.unescape(value)
    if name.startswith(("xmlns", "aria-")):  # names and words, and no place that anything is fetched from
        return True
    if name == "http-equiv":
        return value.lower() in _POLICIES
    if name in _LINKS:
        return value.startswith("#")
    if _NEVER.fullmatch(name) or (name == "charset" and value.lower() != "utf-8"):
        return False
    return _stays_inside(value)


def _stays_inside(value: str) -> bool:
    """Say whether a value, or a style sheet, runs nothing and names nothing outside the page."""
    return _OUTSIDE.search(_SPACE.sub("", value).lower()) is None
