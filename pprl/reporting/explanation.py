"""
What a file contains, in plain words, for an information-governance officer.
"""

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from pprl.exchange.envelope import Purpose
from pprl.exchange.words import words_of
from pprl.workflow.explaining import Explanation, PackageSeen, SealedSeen, TableSeen

_WIDTH = 96
_PURPOSES: Mapping[Purpose, str] = {
    "encodings": "encoded records of people, for the linkage unit to compare. They hold no name, date, "
    "address or number of a person in readable form. Whoever has the custodians' linkage secret, and a "
    "person's details, can find out whether that person is among them; the linkage unit does not have it",
    "linkage-keys": "linkage keys: for each record id that the custodian sent a random number. They do not "
    "say who was matched, and cannot be joined with those of another custodian",
    "crosswalk": "the crosswalk: which linkage keys of different custodians are one person, and how sure "
    "that is. It names nobody. Together with the custodians' tables it joins them, so it goes to the "
    "research environment alone",
    "key-share": "a custodian's part of the linkage secret. The linkage unit must never have it",
    "report": "a report of counts and shares, in which small counts are suppressed. It lists no record and "
    "no pair of records",
    "deletion-record": "a signed record of what a party has deleted",
    "id-map": "an id map: for each random record id the custodian's own. It leads back to people and stays "
    "with the custodian that made it",
    "payload": "a table of a custodian, with linkage keys in the place of identifiers. What its other "
    "columns say of people is not checked by sealing",
}


def describe_explanation(explanation: Explanation) -> str:
    """Say in plain words what a file contains and what it does not.

    Examples
    --------
    >>> print(describe_explanation(TableSeen("key-share", 32)))
    This file is NOT sealed: whoever gets it can read it.
    <BLANKLINE>
    It contains a custodian's part of the linkage secret. The linkage unit must never have it.
    <BLANKLINE>
    It has 32 bytes. Send it only after `pprl seal`.
    """
    tell = _TELLERS[type(explanation)]
    return "\n\n".join(textwrap.fill(said, _WIDTH) for said in tell(explanation) if said)


def _package(seen: PackageSeen) -> list[str]:
    manifest = seen.manifest
    fictitious = manifest.decoys + manifest.spike_ins
    real = manifest.rows - fictitious
    invented = f" and {fictitious} of people who do not exist, which test the linkage" if fictitious else ""
    ids = (
        "Its record ids have the form of random numbers."
        if seen.random_ids
        else "WARNING: its record ids are not random numbers: they may be your own record numbers. "
        "`pprl seal` replaces them."
    )
    agreed = _agreement(manifest.fingerprint)
    passes = ", ".join(f"{one.name} ({one.n_bits} bits)" for one in manifest.passes)
    return [
        "This file is NOT sealed: whoever gets it can read all that is said here.",
        f"It contains {_PURPOSES['encodings']}.",
        f"There are {real} records{invented}. For each comparison, a record is a row of bits: {passes}.",
        ids,
        (
            f'It was made for the project "{manifest.project}", epoch {manifest.epoch}, under {agreed}. '
            "It does not say who made it."
        ),
        (
            "Its bytes are undamaged. Nobody has signed it: whoever can alter it can also write new digests. "
            "Send it only after `pprl seal`."
        ),
    ]


def _sealed(seen: SealedSeen) -> list[str]:
    kinds = ", ".join(sorted({_KINDS.get(kind, "a key that pprl does not use") for kind in seen.recipients}))
    number = f"{len(seen.recipients)} part{'y' if len(seen.recipients) == 1 else 'ies'}"
    outside = [
        f"This file is sealed. It can be opened by {number}, with {kinds}.",
        (
            f"From outside nothing can be seen but its length of {seen.n_bytes} bytes, which tells roughly "
            "how many records it holds: not what it contains, not who sent it, and not to whom."
        ),
    ]
    if seen.manifest is None:
        return [*outside, "With --party its recipient sees what its sender says that it contains."]
    return [outside[0], *_inside(seen)]


def _inside(seen: SealedSeen) -> list[str]:
    said = seen.manifest
    if said is None:
        return []
    believed = (
        f"Both signatures are of {said.sender}, with the keys that the agreement lists."
        if seen.sender_known
        else "Its signatures were NOT checked: with --agreement they are held against the parties' keys."
    )
    opted = (
        f"The sender states that opt-outs were applied on {said.opt_out.applied}."
        if said.opt_out
        else "It has no statement on opt-outs."
        if said.purpose == "encodings"
        else ""
    )
    agreed = f"version {said.agreement_version} of {_agreement(said.fingerprint)}"
    return [
        f"Its sender says that it contains {_PURPOSES[said.purpose]}.",
        believed,
        (
            f"It goes from {said.sender} to {said.recipient}, as number {said.sequence} of its kind, for the "
            f'project "{said.project}", epoch {said.epoch}, under {agreed}.'
        ),
        (
            f"It has {said.rows} rows in {said.length} bytes ({said.layout}). It was made on "
            f"{said.created[:10]} and can be opened until {said.expires[:10]}."
        ),
        opted,
        "Its payload was not opened, and is checked only when it is: with `pprl open`.",
    ]


def _agreement(fingerprint: str) -> str:
    return f"the agreement whose eight words are: {' '.join(words_of(fingerprint))}"


def _table(seen: TableSeen) -> list[str]:
    keep = seen.purpose == "id-map"
    advice = "Do not send it at all." if keep else "Send it only after `pprl seal`."
    return [
        "This file is NOT sealed: whoever gets it can read it.",
        f"It contains {_PURPOSES[seen.purpose]}.",
        f"It has {seen.n_bytes} bytes. {advice}",
    ]


_KINDS = {
    "mlkem768x25519": "a key that also resists quantum computers (ML-KEM-768 and X25519)",
    "X25519": "a key of the classical kind, which pprl does not use",
    "scrypt": "a passphrase, which pprl does not use for packages",
}
_TELLERS: Mapping[type, Callable[[Any], list[str]]] = {
    PackageSeen: _package,
    SealedSeen: _sealed,
    TableSeen: _table,
}
