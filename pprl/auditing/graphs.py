"""
Graph matching: who is who, told from who is like whom.

Similarities survive encoding, so the graph of all pairs of a victim's filters is nearly that of
the same people in clear, and the two are laid onto each other without any key (Vidanage,
Christen, Ranbaduge & Schnell, CIKM 2020; Schaefer, Armknecht & Heng 2024, who embed nodes,
align by Wasserstein-Procrustes and assign).  Ours embeds by eigenvectors and not by random
walks, begins with invariants that a rehearsal has weighed, and ends with seeded rounds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pprl.auditing.alignment import (
    Leads,
    Twins,
    aligned,
    anchored_scores,
    best_partners,
    invariant_distances,
    leads,
)
from pprl.auditing.embedding import (
    agreements,
    centred,
    expected_agreements,
    expected_fills,
    invariants,
    rehearsed_filters,
    spectral_embedding,
    told_stretch,
)
from pprl.auditing.scenes import NOBODY, Guess, Scene
from pprl.auditing.tokentables import TokenTable
from pprl.comparison.sampling import some
from pprl.errors import UsageError
from pprl.model import BitMatrix
from pprl.model.arrays import Rows

Matrix = npt.NDArray[np.float32]

MAX_RECORDS = 10_000  # on either side: some ten matrices of 400 MB
_LEAST_RECORDS = 20
_LEAST_LEADER = 1.0  # standard deviations of a chance score by which an anchor is ahead
_ENOUGH_LEADERS = 0.3
_N_TOLD_BY = 1000  # records of each side that tell the stretch
_SETTLED = 0.75  # median lead of mutual pairs: of graphs that do not fit it is about 0.2
_SURE = np.float32(1e4)  # distance of a pair that cannot be, beside any that could


@dataclass(frozen=True, slots=True)
class GraphMatching:
    """Lay the graph of the known records onto that of the filters.

    Parameters
    ----------
    n_bits : int, optional
        Length of the filters before hardening, as the agreement states; by default as sent.
    stretch : int, optional
        How many bits hardening XORs, as the agreement states; by default told from the filters.
    n_dims : int
        Dimensions of the embedding.
    n_rotations : int
        Rounds of Wasserstein-Procrustes.
    n_rounds : int
        Rounds of seeded matching, at most.
    warmths : tuple of float
        For each attempt, by how much the embedding is first believed less; each attempt has a
        rehearsal of its own, and none is made after one that settles.

    Notes
    -----
    Where pairs were leaked they are held fixed, and a first attempt begins with them alone.
    Every record is given a partner, as long as there are any: the guesses of filters whose
    person the attacker lacks are wrong.

    Examples
    --------
    >>> from pprl.auditing.scenes import carry_out, scene_of
    >>> from pprl.cleaning.fields import NameField
    >>> from pprl.encoding.passes import FuzzyPass, PassField
    >>> from pprl.keys import LinkageKey
    >>> from pprl.model import TextColumn
    >>> drawn = np.random.default_rng(1).choice(list("aabbcdeeefghiklmnnoprsttu"), (300, 9))
    >>> people = {"name": TextColumn.from_texts("".join(row[: 5 + i % 5]) for i, row in enumerate(drawn))}
    >>> use = PassField(field="name", bits_per_token=10)
    >>> one = FuzzyPass(name="plain", fields=(use,), n_bits=1024, hardening=())
    >>> key = LinkageKey(bytes(range(32))).for_project("audit", epoch=1)
    >>> scene = scene_of(people, [NameField(name="name")], one, key, overlap=1, noise=None, leaked=0, seed=1)
    >>> carry_out(GraphMatching(), scene, seed=1).share > 0.9
    True
    """

    n_bits: int | None = None
    stretch: int | None = None
    n_dims: int = 128
    n_rotations: int = 30
    n_rounds: int = 12
    warmths: tuple[float, ...] = (10.0, 3.0)

    @property
    def name(self) -> str:
        """Short name, as in tables."""
        return "graph matching"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the attacker must have."""
        return (
            "the filters of one pass",
            "many of the same people in clear",
            "the agreement: fields, tokens, bits for each token, and length of the filters",
        )

    @property
    def needs_leak(self) -> bool:
        """Whether it learns from pairs that the attacker was told: only if there are any."""
        return False

    def __call__(self, scene: Scene, generator: np.random.Generator) -> Guess:
        """Guess for each filter the row of `known`, or -1.

        Raises
        ------
        UsageError
            If there are more than 10,000 records on either side.
        """
        if max(len(scene.encoded), len(scene.known_tokens)) > MAX_RECORDS:
            raise UsageError(
                f"graph matching: at most {MAX_RECORDS} records on each side",
                code="too-many-records",
                hint="attack a sample of the records",
            )
        guess = np.full(len(scene.encoded), NOBODY, dtype=np.int64)
        rows = np.flatnonzero(scene.encoded.popcounts() > 0)
        known = np.flatnonzero(scene.known_tokens.lengths() > 0)
        if min(rows.size, known.size) >= _LEAST_RECORDS:
            partners = self._partners(_Graphs.of(self, scene, rows, known, generator), generator)
            guess[rows] = np.where(partners == NOBODY, NOBODY, known[partners])
        guess[scene.leaked] = scene.partner[scene.leaked]
        return guess

    def _partners(self, graphs: "_Graphs", generator: np.random.Generator) -> Rows:
        """Make attempts until one settles; assign by the one that fits best."""
        best_fit, best_score = -1.0, np.zeros((0, 0), dtype=np.float32)
        for first in self._attempts(graphs, generator):
            found, score = self._refined(graphs, first)
            fit = float(np.maximum(found.lead, 0).mean())
            if fit > best_fit:
                best_fit, best_score = fit, score
            if found.mutual.any() and np.median(found.lead[found.mutual]) > _SETTLED:
                break
        return best_partners(graphs.pinned(best_score, -_SURE, _SURE))

    def _attempts(self, graphs: "_Graphs", generator: np.random.Generator) -> Iterator[Leads]:
        """Give leads to begin the seeded rounds with: first those of leaked pairs, if there are any."""
        if graphs.pins.size:
            yield leads(
                anchored_scores(graphs.encoded_middle, graphs.clear_middle, graphs.pins, graphs.pinned_to)
            )
        left = spectral_embedding(graphs.encoded_middle, self.n_dims, generator)
        right = spectral_embedding(graphs.clear_middle, self.n_dims, generator)
        for warmth in self.warmths:
            filters = graphs.rehearsed(generator)
            rehearsal = agreements(filters)
            apart = invariant_distances(
                graphs.encoded_invariants,
                graphs.clear_invariants,
                invariants(rehearsal, filters.popcounts().astype(np.float64)),
            )
            rehearsed = spectral_embedding(centred(rehearsal), self.n_dims, generator)
            shares = aligned(
                Twins(left, right, rehearsed),
                graphs.pinned(apart, _SURE, np.float32(0)),
                warmth=warmth,
                n_dims=self.n_dims,
                n_rounds=self.n_rotations,
            )
            yield leads(np.log(shares + np.float32(1e-30)))

    def _refined(self, graphs: "_Graphs", found: Leads) -> tuple[Leads, Matrix]:
        """Take the pairs that are furthest ahead for known, score all by them, and begin again."""
        anchors = found.strongest(0.5)
        for _ in range(self.n_rounds):
            anchors = np.setdiff1d(anchors, graphs.pins)
            score = anchored_scores(
                graphs.encoded_middle,
                graphs.clear_middle,
                np.concatenate([graphs.pins, anchors]),
                np.concatenate([graphs.pinned_to, found.best[anchors]]),
            )
            before, found = found.best, leads(score)
            if np.array_equal(before, found.best):
                break
            anchors = _leaders(found)
        return found, score


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Graphs:
    """Both graphs, and what is fixed.

    Parameters
    ----------
    table : TokenTable
        The known records.
    n_bits, stretch, n_sent : int
        Length before hardening, bits that are XORed, and length as sent.
    encoded_middle, clear_middle : ndarray of float32
        Centred agreements of the filters, and those expected of the known records.
    encoded_invariants, clear_invariants : ndarray of float32
        What each record has by itself.
    pins, pinned_to : ndarray of int64
        Filters of leaked pairs, and their partners.
    """

    table: TokenTable
    n_bits: int
    stretch: int
    n_sent: int
    encoded_middle: Matrix
    clear_middle: Matrix
    encoded_invariants: Matrix
    clear_invariants: Matrix
    pins: Rows
    pinned_to: Rows

    @classmethod
    def of(
        cls, attack: GraphMatching, scene: Scene, rows: Rows, known: Rows, generator: np.random.Generator
    ) -> "_Graphs":
        """Make the graphs of the records that are not empty."""
        bits, table = scene.encoded.take(rows), _some_rows(scene.known_tokens, known)
        n_bits = attack.n_bits or bits.n_bits
        stretch = attack.stretch or _told_stretch(table, bits, n_bits, generator)
        encoded, clear = agreements(bits), expected_agreements(table, n_bits, stretch)
        pins = np.flatnonzero(np.isin(rows, scene.leaked) & np.isin(scene.partner[rows], known))
        pinned_to = np.searchsorted(known, scene.partner[rows[pins]])
        return cls(
            table=table,
            n_bits=n_bits,
            stretch=stretch,
            n_sent=bits.n_bits,
            encoded_middle=centred(encoded),
            clear_middle=centred(clear),
            encoded_invariants=invariants(encoded, bits.popcounts().astype(np.float64)),
            clear_invariants=invariants(clear, expected_fills(table, n_bits)),
            pins=pins,
            pinned_to=pinned_to,
        )

    def rehearsed(self, generator: np.random.Generator) -> BitMatrix:
        """Encode the known records under a key of the attacker's own."""
        return rehearsed_filters(self.table, self.n_bits, self.stretch, self.n_sent, generator)

    def pinned(self, table: Matrix, otherwise: np.float32, where: np.float32) -> Matrix:
        """Write leaked pairs into a table of all pairs, which is overwritten."""
        table[self.pins] = otherwise
        table[:, self.pinned_to] = otherwise
        table[self.pins, self.pinned_to] = where
        return table


def _leaders(found: Leads) -> Rows:
    """List the mutual pairs that are clearly ahead, or the better half where these are few."""
    mutual = np.flatnonzero(found.mutual)
    clear = mutual[found.lead[mutual] >= _LEAST_LEADER]
    return clear if clear.size >= _ENOUGH_LEADERS * mutual.size else found.strongest(0.5)


def _told_stretch(table: TokenTable, bits: BitMatrix, n_bits: int, generator: np.random.Generator) -> int:
    """Tell the stretch from some records of both sides."""
    rows, known = (some(len(side), _N_TOLD_BY, generator) for side in (bits, table))
    return told_stretch(_some_rows(table, known), bits.take(rows), n_bits, generator)


def _some_rows(table: TokenTable, rows: Rows) -> TokenTable:
    """Give some records of a table, in rising order."""
    lengths = table.lengths()
    kept = np.isin(table.owners(), rows)
    return TokenTable(
        indptr=np.concatenate([[0], np.cumsum(lengths[rows])]),
        indices=table.indices[kept],
        bits=table.bits[kept],
        vocabulary=table.vocabulary,
    )
