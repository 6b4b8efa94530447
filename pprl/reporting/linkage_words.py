"""What a linkage report says in words, to people who did not make the linkage."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from pprl.reporting.disclosure import HIDDEN, Count

Record = dict[str, Any]

COMPARED: Mapping[str, str] = {
    "equal": "equal values",
    "all-pairs": "all pairs",
    "shared-tags": "pairs that share a block tag",
}
DIFFERING: Mapping[str, str] = {
    "refuses": "records whose values differ are linked by no pass",
    "says-nothing": "records whose values differ may be linked by another pass",
}
_BY_THRESHOLDS = """\
The links were made by fixed thresholds. Nothing in this linkage tells how many of them are false, so this \
page gives no precision."""
_ABSENT = """\
A record without a link is not shown to be absent from the other table. It may be there and have been \
missed."""
_NO_MEASURE = """\
Precision and recall are not known. They can be: by decoys and a target in the agreement, or by a sample of \
pairs whose truth is known."""
_TOO_SMALL = """\
Precision and recall are not known. The agreement has a target, but these tables are too small for decoys, \
so the passes linked at their own thresholds. A sample of pairs whose truth is known can tell both."""
_ALL_TOGETHER = """\
Precision is that of all links together. It may be lower for some groups, such as people of one household, \
twins, or people with few fields filled in."""
_AS_GOOD_AS = """\
The estimate is as good as the decoys: made-up people must be as alike to real ones as other real people \
are. Its interval says how far chance may have moved it."""
_AS_GOOD_AS_MODEL = """\
The estimate is as good as the model: no people who do not exist are in these tables by whom false links \
could be counted. Its interval says how far chance may have moved it, and not how far off the model is."""
_NOT_MISSED = "How many people were missed was not measured."
_NO_RECALL = """\
Recall is not known, for no fictitious people were put into both tables. A high precision does not mean that \
few were missed; the stricter the one, the lower is the other."""
_FOUND = """\
An estimated {share} of the people who are in both tables were found (95 % interval {interval}). Copies of \
fictitious people tell this: each custodian added one of each, with errors, and the rarer such copies are \
found, the more real people with such errors are missed."""
_ERRORS_LIKE_THESE = """\
Recall is estimated for errors of the kinds that the fictitious people were given. People whose records \
differ in other ways may be missed more often."""
_CARDINALITY: Mapping[tuple[bool, bool], str] = {
    (True, True): "A record has at most one link.",
    (True, False): "A record of {left} has at most one link; one of {right} may have several.",
    (False, True): "A record of {right} has at most one link; one of {left} may have several.",
    (False, False): "A record of either side may have several links.",
}


_SOME_BY_THRESHOLDS = """\
Some links were made by fixed thresholds: those between {names}. Nothing in this linkage tells how many of \
these are false, or how many people they miss."""
_EARLIER = """\
This linkage was added to an earlier one. In it {earlier} were linked with one another; these links, and \
which records they hold to be one person, stay as they were. They were not compared again, and are not \
judged here: what this page tells of links is of those with {joined}."""


def number(n: Count | float) -> str:
    """Write a count with its thousands apart, and one that is hidden as it is.

    Examples
    --------
    >>> number(12_345), number("<10"), number(24.36)
    ('12,345', '<10', '24.4')
    """
    if isinstance(n, float):
        return f"{n:,.1f}"
    return f"{n:,}" if isinstance(n, int) else n


def percent(share: float, *, up: bool = False) -> str:
    """Write a share in percent, rounded down or up: never 100 % of what is not all.

    Examples
    --------
    >>> percent(0.99018), percent(0.5), percent(0.99999), percent(0.99421, up=True)
    ('99.01 %', '50 %', '99.99 %', '99.43 %')
    """
    steps = share * 10_000
    whole = math.ceil(steps - 1e-6) if up else math.floor(steps + 1e-6)
    return f"{whole / 100:g} %"


def between(rate: Record) -> str:
    """Write the interval of a share."""
    return f"{percent(rate['low'])} to {percent(rate['high'], up=True)}"


def unbroken(name: str) -> Markup:
    """Let a long name break after its underscores, and escape it."""
    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))


def clusters_summary(found: Record) -> list[str]:
    """Say what was done with several parties, or with one, and what came out."""
    records = _listed([f"{number(one['records'])} from {one['name']}" for one in found["parties"]])
    clusters = found["clusters"]
    earlier, joined = parties_before(found)
    done = (
        f"Records: {records}. As encodings, without a name and without the key, {_compared(found, joined)}. "
        f"{number(clusters['records_in_them'])} records are in {number(clusters['of_several_records'])} "
        "clusters of two records or more: each cluster is held to be one person. All other records are alone."
    )
    told = [done]
    if earlier:
        told.append(_EARLIER.format(earlier=_listed(earlier), joined=_listed(joined)))
    if clusters["parted_links"]:
        told.append(
            f"{number(clusters['parted_links'])} links are not honoured: other evidence keeps their two "
            "records apart."
        )
    return [*told, *_unjudged(found["pairs"])]


def parties_before(found: Record) -> tuple[list[str], list[str]]:
    """Name the parties that an earlier linkage had, and those that joined it; none if there was none."""
    before = dict.fromkeys(name for one in found["earlier_pairs"] for name in one["parties"])
    return list(before), [one["name"] for one in found["parties"] if before and one["name"] not in before]


def _compared(found: Record, joined: Sequence[str]) -> str:
    if joined:
        return f"{_listed(joined)} {'was' if len(joined) == 1 else 'were'} compared with all other parties"
    several = len(found["parties"]) > 1
    return "every two parties were compared" if several else "the source was compared with itself"


def _unjudged(pairs: Sequence[Record]) -> list[str]:
    """Say once of all links by thresholds what holds for each two parties."""
    names = [" and ".join(each["name"] for each in one["parties"]) for one in pairs if not one["judgement"]]
    if not names:
        return []
    if len(names) == len(pairs):
        return [_BY_THRESHOLDS, _NOT_MISSED]
    return [_SOME_BY_THRESHOLDS.format(names="; ".join(names))]


def summary(pair: Record, *, wanted: bool) -> list[str]:
    """Say what was done and what came out; `wanted` as for `worth`."""
    return [_what_was_done(pair), *worth(pair, wanted=wanted)]


def worth(pair: Record, *, wanted: bool) -> list[str]:
    """Say how many links are true, and how many people were found.

    Parameters
    ----------
    pair : mapping
        The record of two parties.
    wanted : bool
        Whether the agreement asks for people who do not exist.
    """
    return [*_how_good(pair, wanted=wanted), *_how_many_found(pair)]


def _what_was_done(pair: Record) -> str:
    left, right = pair["parties"][0], pair["parties"][-1]
    return (
        f"{number(left['records'])} records from {left['name']} and {number(right['records'])} from "
        f"{right['name']} were compared as encodings, without a name and without the key. "
        f"{number(pair['links'])} pairs of records are held to be one person. {_cardinality(pair)}"
    )


def _cardinality(pair: Record) -> str:
    left, right = pair["parties"][0], pair["parties"][-1]
    told = _CARDINALITY[left["at_most_one_link"], right["at_most_one_link"]]
    return told.format(left=left["name"], right=right["name"])


_BY_DECOYS = (
    "People who do not exist tell this: each custodian added some, and a link to one of them is "
    "false for certain."
)
_BY_MODEL = "That is what a model of all pairs expects, and no measurement: "
_FOR_ONE = {
    False: "for one, each custodian would have to add people who do not exist.",
    True: "for one, the agreement asks for people who do not exist, and none could be made of these tables.",
}


def _how_good(pair: Record, *, wanted: bool) -> list[str]:
    judged = pair["judgement"]
    if judged is None:
        return [_BY_THRESHOLDS]
    if judged["estimate"] is None or judged["estimate"]["links"] == 0:
        return _no_links(judged)
    rate = judged["estimate"]["precision"]
    if rate is None:
        return [f"There are {HIDDEN} links: too few to say how many are true without pointing at people."]
    estimated = (
        f"An estimated {percent(rate['value'])} of the links are true (95 % interval {between(rate)}). "
        f"{_BY_DECOYS if judged['measured'] else _BY_MODEL + _FOR_ONE[wanted]}"
    )
    return [estimated, _asked(judged)]


def _no_links(judged: Record) -> list[str]:
    if not judged["curve"]:
        return ["No pair was alike enough to be looked at, so there are no links to judge."]
    told = ["There are no links, so there is nothing to judge."]
    if judged["supported"] or judged["asked"] is None:
        return told
    shown = "by these data no link" if judged["measured"] else "by the model no link"
    return [*told, f"Asked for were {percent(judged['asked'])}, and {shown} reaches it."]


def _asked(judged: Record) -> str:
    if judged["asked"] is None:
        return "Asked for were all links that are more likely true than false."
    wanted = percent(judged["asked"])
    if judged["supported"]:
        bears_out = "the data support" if judged["measured"] else "the model expects"
        return f"Asked for were {wanted}, and {bears_out} it."
    if not judged["measured"]:
        return f"Asked for were {wanted}, and the model does not expect it."
    return (
        f"Asked for were {wanted}, and the data cannot show it. The links are those that come before any "
        "to a person who does not exist; there may be more false ones among them than was asked for."
    )


def _how_many_found(pair: Record) -> list[str]:
    recall = pair["recall"]
    if recall is None:
        return [_NOT_MISSED]
    return [_FOUND.format(share=percent(recall["value"]), interval=between(recall))]


def cannot_tell(pairs: Sequence[Record], *, truth: bool, too_small: bool) -> list[str]:
    """Say what the numbers of the page do not show.

    Parameters
    ----------
    pairs : sequence of mapping
        The records of every two parties.
    truth : bool
        Whether the page holds the links against a known truth.
    too_small : bool
        Whether the agreement has a target, and links that are not judged were of tables too small for it.
    """
    judged = [one for one in pairs if one["judgement"] is not None]
    ways = {one["judgement"]["measured"] for one in judged}
    told = [_ABSENT, *([_ALL_TOGETHER] if judged else [_TOO_SMALL if too_small else _NO_MEASURE])]
    told += [said for way, said in ((True, _AS_GOOD_AS), (False, _AS_GOOD_AS_MODEL)) if way in ways]
    if any(one["probabilities"] for one in judged):
        told.append("A probability speaks of links like this one, not of this pair alone.")
    if any(one["recall"] is None for one in judged):
        told.append(_NO_RECALL)
    if any(one["recall"] is not None for one in judged):
        told.append(_ERRORS_LIKE_THESE)
    if any(each["compared"] == "shared-tags" for one in pairs for each in one["passes"]):
        told.append(
            "Pairs that share no block tag were not looked at in some passes; below is what that missed."
        )
    if not truth:
        told.append(
            "Whether some groups are found less often than others is not shown without a known truth."
        )
    return told


def seen(agreement: Record | None, *, decoys: bool) -> list[str]:
    """Say what the linkage unit could see."""
    bits = "its pattern of bits"
    if agreement is not None:
        sizes = sorted({one["bits"] for one in agreement["passes"]})
        bits += f" ({_listed([f'{n:,}' for n in sizes])} bits)"
    exposed = ["Which encodings are of people who do not exist. They get no linkage key."] if decoys else []
    return [
        "How many records each party sent.",
        f"For each record and each pass {bits}, or that the record is absent, and so that it lacks a field.",
        *exposed,
        "How alike any two encodings are, within a table and between tables.",
        "Which records are linked, and by which pass.",
        "That all parties used the same secret: a tag that is the same for all.",
        "The agreement: project, epoch, names of fields, rules.",
    ]


def unseen() -> list[str]:
    """Say what the linkage unit was not given."""
    return [
        "The key. Without it no encoding can be made, and so no guess at a name be tested.",
        "Names, dates, addresses, numbers, or any part of them as text.",
        "Diagnoses and all other columns: they are not read when a table is encoded.",
        "The custodian's own ids, if it encoded with an id map. Whether it did cannot be seen from here.",
    ]


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
