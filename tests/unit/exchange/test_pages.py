"""A report is a page that this software could have written, and one that does nothing by itself."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.exchange.pages import is_page
from pprl.reporting.survey import survey_page
from pprl.workflow import survey

HEAD = "<!doctype html>"


def page(content):
    return is_page((HEAD + content).encode())


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<title>12</title>\n",
        '<html lang="en"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer"></head>',
        "<style>p { color: #fff; } .a > b { width: calc(1 / 2); }</style><p>1 > 0, and https://example.org</p>",
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">',
        '<a href="#report">on = 12</a>',
        '<svg viewBox="0 0 1 1"><defs><clipPath id="p"><rect x="0"/></clipPath></defs></svg>',
        '<svg><g clip-path="url(#p)"><use xlink:href="#m" style="fill: #1f5f99"/></g><!-- 12 --></svg>',
    ],
)
def test_what_our_pages_have_is_accepted(content):
    """Elements without effects, styles and pictures of the page itself."""
    assert page(content)


def test_a_page_with_pictures_that_this_software_made_is_accepted(people, febrl):
    """Whatever the columns are called; pages of linkages are tested where they are made."""
    people = people.rename(columns={"suburb": '<script>\\ onload="f()" url(x)'})
    columns = {"suburb": '<script>\\ onload="f()" url(x)'}

    assert is_page(survey_page(survey(people, febrl, columns=columns), febrl))


@pytest.mark.parametrize(
    "content",
    [
        "<script>f()</script>",
        "<SCRIPT>",
        '<svg><script href="#a"/></svg>',
        '<p onclick="f()">',
        "<p onclick=f()>",
        '<p\nONCLICK="f()">',
        '<img src="x">',
        '<iframe srcdoc="x">',
        '<object data="x">',
        '<embed src="x">',
        '<base href="#x">',
        '<form action="#x">',
        '<button formaction="#x">',
        '<input name="x">',
        '<link rel="stylesheet" href="#x">',
        '<meta http-equiv="refresh" content="0;url=https://example.org">',
        '<meta charset="utf-7">',
        '<a href="https://example.org">',
        '<a href="javascript:f()">',
        '<a href="&#106;avascript:f()">',
        '<a href=" #x" ping="x">',
        '<p style="background: url(https://example.org)">',
        '<p style="background: u&#114;l(//example.org)">',
        '<p style="background: url( &quot;https://example.org&quot; )">',
        "<style>@import 'x';</style>",
        "<style>p { background: \\75rl(x) }</style>",
        "<style><p></style>",
        "<style>",
        '<svg fill="url(https://example.org#x)"></svg>',
        '<svg><animate attributeName="href" to="x"/></svg>',
        "<svg><foreignObject/></svg>",
        "<template><p></template>",
        "<noscript><p></noscript>",
        "<![CDATA[x]]>",
        "<?xml version='1.0'?>",
        "<!-- <script> -->",
        "<!--",
        "< p>",
        "<p",
        '<p class="a"b="c">',
        "<p class='a'>",
        '<p class="<script>">',
        "\x1b$B",
        "\x00",
        "<custom-element>",
    ],
)
def test_what_does_something_is_refused(content):
    """Scripts, forms, whatever fetches, and whatever two browsers might read differently."""
    assert not page(content)
    assert not page(f"<p>12</p>{content}<p>12</p>")


def test_another_beginning_is_refused():
    """Neither a byte order mark nor another encoding."""
    plain = HEAD + "<p>12</p>"

    assert is_page(plain.encode())
    assert is_page(plain.upper().encode())
    for content in (
        b"",
        b"<p>12</p>",
        b" " + plain.encode(),
        plain.encode("utf-16"),
        plain.encode() + b"\xff",
    ):
        assert not is_page(content)


@given(st.text(alphabet=string.ascii_letters + "<>/=\"'! -:#()&;\n", max_size=200))
def test_nothing_that_runs_is_ever_accepted(content):
    """Whatever is accepted holds no element but ours, and no handler."""
    lowered = content.lower()

    if page(content):
        for word in ("<script", "<iframe", "<object", "<embed", "<base", "<form", "<link", "<img"):
            assert word not in lowered
