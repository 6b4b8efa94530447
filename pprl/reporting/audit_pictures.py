"""
Pictures of an audit: success by how much the attacker holds, and recall against success.
"""

from collections.abc import Sequence
from typing import Any

from pprl.reporting.drawing import (
    BLUE,
    INK,
    LEFT,
    RED,
    RIGHT,
    UNDER,
    WIDTH,
    Axis,
    below,
    level,
    line,
    named_axis,
    picture,
    ticks,
    words_at,
)
from pprl.reporting.linkage_words import percent

Record = dict[str, Any]

_TOP, _BOTTOM = 24.0, 250.0
_LEFT = 0.15  # of the people: where points crowd
_FAINT = "#8a949e"
_LINE = 18.0  # from one line of text to the next
_FEWEST = 2  # points of which there is something to draw
_LOWEST = (0.99, 0.95, 0.9, 0.8, 0.5, 0.0)  # where the axis of recall may begin


def overlap_picture(one: Record, *, name: str) -> str:
    """Draw what an attack finds by how many of the people the attacker holds.

    Parameters
    ----------
    one : mapping
        An attack of the record.
    name : str
        A word that no other picture of the page has.
    """
    most = max(trial["leaked"] for trial in one["trials"])
    largest = one["trials"][0]["records"]
    whole = [trial for trial in one["trials"] if trial["records"] == largest]
    lines = [
        (said, colour, sorted(points, key=lambda trial: trial["overlap"]))
        for said, noisy, colour in (("the same words", False, BLUE), ("copies with errors", True, RED))
        if len(points := _by_overlap(whole, noisy=noisy, most=most)) >= _FEWEST
    ]
    if not lines:
        return ""
    across, upward = Axis(0, 1, LEFT, WIDTH - RIGHT - 20), Axis(0, 1, _BOTTOM, _TOP)
    parts = [level(upward(share), f"{share * 100:.4g} %") for share in ticks(0, 1, 5)]
    parts += [below(across(x), _BOTTOM, f"{x * 100:.4g} %") for x in (0.1, 0.25, 0.5, 1.0)]
    for _, colour, points in lines:
        parts += _series(points, across, upward, colour)
    parts += [
        words_at(WIDTH - RIGHT - 190 * (len(lines) - 1 - k), 14, said, anchor="end", colour=colour, bold=True)
        for k, (said, colour, _) in enumerate(lines)
    ]
    parts.append(named_axis(_BOTTOM, "share of the encoded people whom the attacker holds"))
    described = " ".join(
        f"{said.capitalize()}: "
        + ", ".join(f"{percent(p['value'])} at {percent(p['overlap'])}" for p in points)
        + "."
        for said, _, points in lines
    )
    title = f"People found by {one['title']}, by how many of them the attacker holds"
    return picture(name, title, described, parts, _BOTTOM + UNDER)


def frontier_picture(frontier: Record, *, name: str) -> str:
    """Draw predicted recall upwards and the success of the best attack to the right, chain by chain.

    Parameters
    ----------
    frontier : mapping
        As in the record.
    name : str
        A word that no other picture of the page has.
    """
    points = [one for one in frontier["chains"] if one["recall"] is not None and one["worst"] is not None]
    if len(points) < _FEWEST:
        return ""
    lowest = next(low for low in _LOWEST if low <= max(0.0, min(one["recall"] for one in points) - 0.005))
    across, upward = Axis(0, 1, LEFT, WIDTH - RIGHT - 20), Axis(lowest, 1, _BOTTOM, _TOP)
    parts = [level(upward(share), f"{share * 100:.4g} %") for share in ticks(lowest, 1, 5)]
    parts += [below(across(x), _BOTTOM, f"{x * 100:.4g} %") for x in ticks(0, 1, 5)]
    x = across(frontier["limit"])
    parts.append(line(x, _TOP, x, _BOTTOM, RED, dashed=True))
    for one in points:
        parts += _point(one, across, upward, is_chosen=one["recommended"])
    parts += _names(points, across, upward)
    parts.append(named_axis(_BOTTOM, "people found by the best attack"))
    described = "; ".join(
        f"{one['chain']}: recall {percent(one['recall'])}, found {percent(one['worst']['value'])}"
        for one in points
    )
    title = "Predicted recall against the success of the best attack, by hardening"
    return picture(name, title, f"{described}.", parts, _BOTTOM + UNDER)


def _by_overlap(trials: Sequence[Record], *, noisy: bool, most: int) -> list[Record]:
    """Keep one trial for each overlap: where pairs were told, the one with most of them."""
    of_overlap: dict[float, Record] = {}
    for trial in trials:
        if trial["noisy"] == noisy and trial["leaked"] <= most:
            kept = of_overlap.get(trial["overlap"])
            if kept is None or trial["leaked"] > kept["leaked"]:
                of_overlap[trial["overlap"]] = trial
    return list(of_overlap.values())


def _series(points: Sequence[Record], across: Axis, upward: Axis, colour: str) -> list[str]:
    places = " ".join(f"{across(p['overlap']):.1f},{upward(p['value']):.1f}" for p in points)
    parts = [f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>']
    for p in points:
        x = across(p["overlap"])
        parts += [
            line(x, upward(p["low"]), x, upward(p["high"]), colour),
            f'<circle cx="{x:.1f}" cy="{upward(p["value"]):.1f}" r="4" fill="{colour}"/>',
        ]
    return parts


def _point(one: Record, across: Axis, upward: Axis, *, is_chosen: bool) -> list[str]:
    worst, y = one["worst"], upward(one["recall"])
    x = across(worst["value"])
    fill = BLUE if is_chosen else "#fff"
    return [
        line(across(worst["low"]), y, across(worst["high"]), y, BLUE),
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{fill}" stroke="{BLUE}" stroke-width="2"/>',
    ]


def _names(points: Sequence[Record], across: Axis, upward: Axis) -> list[str]:
    """Write the names of points, those of the many at the left in a column of their own."""
    parts: list[str] = []
    left = sorted((one for one in points if one["worst"]["value"] <= _LEFT), key=lambda one: -one["recall"])
    column = across(_LEFT) + 24
    for one, y in zip(left, apart([upward(one["recall"]) for one in left], _LINE), strict=True):
        parts.extend(
            (
                line(across(one["worst"]["value"]) + 8, upward(one["recall"]), column - 5, y - 4, _FAINT),
                words_at(column, y, _called(one), colour=INK, bold=one["recommended"]),
            )
        )
    for one in points:
        if one["worst"]["value"] > _LEFT:
            x, y = across(one["worst"]["value"]) - 9, upward(one["recall"]) - 12
            parts.append(words_at(x, y, _called(one), anchor="end", colour=INK, bold=one["recommended"]))
    return parts


def _called(one: Record) -> str:
    return f"{one['chain']} (agreed)" if one["agreed"] else str(one["chain"])


def apart(heights: Sequence[float], least: float) -> list[float]:
    """Move heights, which rise, as far apart as lines of text have to be, about where they were.

    Examples
    --------
    >>> apart([10, 12, 40], 10)
    [6.0, 16.0, 40.0]
    """
    groups: list[list[float]] = []  # those that touch, written about their middle
    for height in heights:
        members = [float(height)]
        while groups and _begins(members, least) < _ends(groups[-1], least) + least:
            members = groups.pop() + members
        groups.append(members)
    return [_begins(members, least) + place * least for members in groups for place in range(len(members))]


def _begins(members: Sequence[float], least: float) -> float:
    return sum(members) / len(members) - least * (len(members) - 1) / 2


def _ends(members: Sequence[float], least: float) -> float:
    return _begins(members, least) + least * (len(members) - 1)
