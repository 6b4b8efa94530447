"""What the page of an audit says in words, to people who answer for data and do not attack it."""

from collections.abc import Mapping, Sequence
from typing import Any

from pprl.auditing.views import TOGETHER as TOGETHER_NAME
from pprl.reporting.linkage_words import between, number, percent

Record = dict[str, Any]

_REGISTER = """\
Somebody at the linkage unit, or whoever gets its files, also holds a list of people in clear, such as an \
electoral roll or a patient index, and some of these people are in the file. The key is not needed: who \
is like whom is nearly the same among names and among encodings, and one picture is laid onto the other."""
_STOLEN = """\
A package is lost or stolen, and the thief knows which names and dates are frequent. Whatever is frequent \
among the encodings is taken for what is frequent among people. A thief who also has a register is the \
insider above."""
_PATIENTS = """\
Somebody with the file knows of some encodings whose they are: a colleague, a family, a list that was \
matched before. From these pairs it is learned what other people's encodings must look like."""
_TOGETHER = """\
Every custodian holds the key. If one of them, or one person there, works with the linkage unit, or its key \
file is copied, the key meets all files. Nothing has to be broken: names are encoded with the key and looked \
up. No hardening hinders it."""
MUST_NOT_MEET = """\
The key and the file of another party must never be in one place. No person may have access to both, no \
backup may hold both, and nobody may work for a custodian and for the linkage unit at a time."""

_WORTH_TELLING = 0.02  # share that is right by chance; one of 50 people is

SCENARIOS: Mapping[str, tuple[str, str]] = {
    "register": ("An insider with a population register", _REGISTER),
    "stolen file": ("A stolen file", _STOLEN),
    "known patients": ("An insider with known patients", _PATIENTS),
}
TOGETHER = ("The linkage unit and one custodian", _TOGETHER)

# Who has what, and what follows.
HOLDERS: tuple[tuple[str, str, str], ...] = (
    ("A custodian", "its own people in clear; the key", "nothing of other custodians' people"),
    (
        "The linkage unit",
        "encodings of all parties; the agreement; no key, no name",
        "how alike people are; with a register or known patients, what the attacks below find",
    ),
    (
        "The research environment",
        "health data under linkage keys; the crosswalk; no encoding, no key",
        "nothing through encodings; health data may point at people, which is not looked at here",
    ),
    ("Outsiders", "nothing; after a theft or a loss, a package", "what the attacks below find"),
)
COLLUSIONS: tuple[tuple[str, str, str], ...] = (
    (
        "Linkage unit and a custodian",
        "the key and all encodings",
        "of everybody whom they can name: {with_the_key}",
    ),
    (
        "An outsider with a package and the key",
        "the key and one file",
        "of everybody whom it can name: {with_the_key}",
    ),
    (
        "Two custodians",
        "the key, twice",
        "nothing more, while neither has the other's package; with it, everybody whom they can name",
    ),
    (
        "Linkage unit and research environment",
        "encodings and health data of the same people",
        "what the attacks below find, now with diagnoses",
    ),
    (
        "A custodian and the research environment",
        "linkage keys of its own people, and the crosswalk",
        "what other parties recorded of its own people: of all who were linked",
    ),
    (
        "Linkage unit and an outsider with a register",
        "encodings and names",
        "what the attacks of the first scenario find",
    ),
)
_DONE = """\
{attacked} of {records} records were encoded under keys that were drawn for the purpose and thrown away, and \
then attacked as others might attack them. Every attack first had to find {control} of the same people in \
plain encodings without hardening."""
_NONE_PASSED = """\
No attack found that many, so each is too weak for this data. That encodings withstood them says nothing."""
_MOST = """\
The most that any attack found: {attack} told who {share} of the people are (95 % interval {interval}), \
{name}, {condition}."""
_BETTER = """\
That no better attack exists. These are re-implementations of published ones, and some of our own; \
tomorrow's may find more."""
_LARGER = """\
What an attacker with a larger file finds. {attacked} people were attacked. A larger file gives graph \
matching more to go by: an attack that finds few here may find most people of a file some times larger. See \
how success grows with the number of records."""
_KEYS = """\
What {attack} finds depends on the key, all or nothing. Under its best conditions, {places}, it was tried \
with up to {n} keys, until one told nearly everybody, and the worst counts; under harder conditions with \
one. Intervals are over people, and say nothing of other keys."""
_NO_RECALL = """\
No recall could be predicted. Either no step has a formula, or different records of this table are as good \
as equal. Are people in it more than once? pprl deduplicate finds them; leave their further records out, and \
look again."""
_HOLDS = """\
That holds for as many people as were attacked; more people, or more known patients, ask for more."""


def summary(found: Record) -> list[str]:
    """Say what was done, and what the most successful attack found."""
    strong = {one["title"] for one in found["attacks"] if not one["too_weak"]}
    weak = sorted({one["title"] for one in found["attacks"]} - strong)
    told = [
        _DONE.format(
            attacked=number(found["attacked"]),
            records=number(found["records"]),
            control=percent(found["control_asked"]),
        )
    ]
    worst = found["worst"]
    if worst is None:
        return [*told, _NONE_PASSED]
    trial = worst["trials"][0]
    told.append(
        _MOST.format(
            attack=worst["title"],
            share=percent(trial["value"]),
            interval=between(trial),
            name=where(worst["pass"]),
            condition=condition(trial),
        )
    )
    if weak:
        told.append(f"Too weak for this data on every pass, and so no comfort: {'; '.join(weak)}.")
    return told


def where(name: str) -> str:
    """Say which filters were attacked.

    Examples
    --------
    >>> where("names"), where(TOGETHER_NAME)
    ('on the pass names', 'on all passes together')
    """
    return f"on {name}" if name == TOGETHER_NAME else f"on the pass {name}"


def condition(trial: Record) -> str:
    """Say under which conditions an attack was made.

    Examples
    --------
    >>> condition({"overlap": 1.0, "noisy": False, "leaked": 100})
    'by an attacker who holds all of the people, in the same words, and was told of 100 of them'
    """
    held = "all" if trial["overlap"] == 1 else percent(trial["overlap"])
    copies = "with errors" if trial["noisy"] else "in the same words"
    told = f", and was told of {number(trial['leaked'])} of them" if trial["leaked"] else ""
    return f"by an attacker who holds {held} of the people, {copies}{told}"


def keys_tried(attacks: Sequence[Record]) -> str:
    """Say which attacks were tried under several keys.

    Examples
    --------
    >>> keys_tried([{"title": "graph matching", "pass": "names", "trials": [{"keys": 3}]}])[:65]
    'What graph matching finds depends on the key, all or nothing. Und'
    """
    tried: dict[str, list[tuple[str, int]]] = {}
    for one in attacks:
        n_keys = one["trials"][0]["keys"]
        if n_keys > 1:
            tried.setdefault(one["title"], []).append((where(one["pass"]), n_keys))
    return " ".join(
        _KEYS.format(
            attack=attack, places=" and ".join(place for place, _ in told), n=max(n for _, n in told)
        )
        for attack, told in tried.items()
    )


def blindly(attacks: Sequence[Record]) -> list[str]:
    """Say where naming what most people have is right for some: so much is no merit of an attack.

    Examples
    --------
    >>> blindly([{"pass": "surname", "control": {"blind": 0.04}}])
    ['Who names the most frequent value for everybody is right for 4 % on the pass surname.']
    """
    shares = {one["pass"]: one["control"]["blind"] for one in attacks}
    return [
        f"Who names the most frequent value for everybody is right for {percent(share)} {where(name)}."
        for name, share in shares.items()
        if share > _WORTH_TELLING
    ]


def joined(attacks: Sequence[Record]) -> str:
    """Say which attacks were tried on all passes together; nothing if none was.

    Examples
    --------
    >>> joined([{"title": "graph matching", "pass": TOGETHER_NAME}])
    'So these were tried on all passes together as well: graph matching.'
    """
    titles = dict.fromkeys(one["title"] for one in attacks if one["pass"] == TOGETHER_NAME)
    return f"So these were tried on all passes together as well: {'; '.join(titles)}." if titles else ""


def best_conditions(frontier: Record) -> str:
    """Say under which conditions the chains were attacked."""
    known = frontier["leaked"]
    places = " or ".join(where(one) for one in frontier["passes"])
    return (
        f"The attacks are {places or 'none'}. The attacker holds all of the people"
        f"{f', and an insider knows {number(known)} of them' if known else ''}."
    )


def recommendation(frontier: Record, attacked: int) -> str:
    """Say which chain the rule chooses, and for how many people."""
    asked = f"By this rule, for a file of {number(attacked)} people:"
    chosen = next((one for one in frontier["chains"] if one["recommended"]), None)
    if chosen is None:
        is_unknown = all(one["recall"] is None for one in frontier["chains"])
        return f"{asked} none of these chains.{f' {_NO_RECALL}' if is_unknown else ''}"
    agreed = next((one["chain"] for one in frontier["chains"] if one["agreed"]), None)
    same = ", which is the one agreed" if chosen["agreed"] else f"; agreed is: {agreed}"
    return f"{asked} {chosen['chain']}{same}. {_HOLDS}"


def not_claimed(found: Record) -> list[str]:
    """Say what the page does not show."""
    return [
        _BETTER,
        _LARGER.format(attacked=number(found["attacked"])),
        "That a share is a chance for one person. Some people are found for certain, others never.",
        "That the encodings are no personal data. They are, whatever the shares are.",
        "Anything of what is recorded beside identifiers: a diagnosis may tell who somebody is.",
        "Anything of attacks on machines, keys and people, which are cheaper than all of these.",
        *left_out(found["left_out"]),
    ]


def left_out(sentences: Sequence[str]) -> list[str]:
    """Write what was left out as sentences.

    Examples
    --------
    >>> left_out(["attacks not carried out: graph"])
    ['Not looked at: attacks not carried out: graph.']
    """
    return [f"Not looked at: {said}." for said in sentences]
