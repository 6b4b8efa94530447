"""
Runs: what a party does by itself, by whom its role lets it be done, and with an entry in its ledger.

Encoding, linking and joining need no folder of a party: methods are tried without one.  A
run for a party is held to the party's role, and its ledger knows of it.
"""

import contextlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from pprl.agreement import Agreement
from pprl.errors import PolicyError
from pprl.exchange import clock
from pprl.exchange.checking import check_apart
from pprl.exchange.envelope import PACKAGE
from pprl.exchange.noting import Known, note_done, received, refusals_noted
from pprl.exchange.parties import Role
from pprl.exchange.peers import rows_of
from pprl.exchange.store import Store
from pprl.workflow.exchanging import require_own_keys

Verb = Literal["encode", "attach", "link", "deduplicate", "join"]
# Whoever holds a secret compares nothing of others: with both, names could be guessed.
DONE_BY: Final[Mapping[Verb, tuple[Role, ...]]] = {
    "encode": ("custodian",),
    "attach": ("custodian",),
    "link": ("linkage-unit",),
    "deduplicate": ("linkage-unit", "custodian"),
    "join": ("research",),
}


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a verb, for a party or for nobody.

    Parameters
    ----------
    store : Store, optional
        Of the party.
    known : Known
        What the ledger will say of it.
    """

    store: Store | None = None
    known: Known = field(default_factory=Known)

    def under(self, agreement: Agreement) -> None:
        """Say under which agreement it is.

        Raises
        ------
        PolicyError
            If the agreement has parties, and lists this one not, or with other keys.
        """
        self.known.fingerprint = agreement.fingerprint
        if self.store is not None and agreement.parties:
            require_own_keys(agreement, self.store)

    def require_opened(self, packages: Mapping[str, Path]) -> None:
        """Raise unless this party has opened all packages; nobody has to.

        Parameters
        ----------
        packages : mapping of str to Path
            By name.

        Raises
        ------
        PolicyError
            If one came in another way, or was changed since (``not-opened``).
        """
        if self.store is None:
            return
        rows = rows_of(self.store.folder, received(self.store.ledger).packages)
        for name, path in packages.items():
            facts = check_apart(path, "encodings", PACKAGE, f"package {name}", fresh_ids=True)
            if facts.rows_digest not in rows:
                raise PolicyError(
                    f"package {name}: is not one that this party has opened",
                    code="not-opened",
                    hint="let its custodian seal it, and open it with `pprl open`",
                )


@contextlib.contextmanager
def run_as(store: Store | None, verb: Verb) -> Generator[Run]:
    """Do something as a party, and note in its ledger that it was done or refused.

    Parameters
    ----------
    store : Store or None
        Of the party; without one nothing is checked and nothing noted.
    verb : str
        What is done.

    Yields
    ------
    Run
        To which is said what becomes known meanwhile.

    Raises
    ------
    PolicyError
        If the party's role may not do it (``run-role``), or the clock is implausible.

    Examples
    --------
    >>> import tempfile
    >>> from pprl.exchange.identities import Identity
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trust = Identity.generate("trust", "custodian")
    ...     store = Store.create(Path(folder) / "trust", trust, passphrase=None)
    ...     with run_as(store, "encode") as run:
    ...         run.under(Agreement.preset("febrl"))
    ...     [(entry.event, entry.outcome) for entry in store.ledger.entries()]
    [('encode', 'done')]
    """
    if store is None:
        yield Run()
        return
    with refusals_noted(store.ledger, verb) as known:
        clock.refuse_implausible(clock.now(), store.ledger)
        _require_role(verb, store.party.role)
        yield Run(store, known)
    note_done(store.ledger, verb, known)


def _require_role(verb: Verb, role: Role) -> None:
    if role not in DONE_BY[verb]:
        raise PolicyError(
            f"{verb}: is not done by the {role}",
            code="run-role",
            hint=f"it is for the {' or the '.join(DONE_BY[verb])}: is this your folder?",
        )
