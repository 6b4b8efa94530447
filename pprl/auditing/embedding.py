"""
Embeddings: the similarity graph of a file as points, and what each record has by itself.

The *agreement* of two filters is 1 minus twice the share of bits in which they differ: the
mean product of their bits as 1 and -1.  XORing t bits raises it to the power t (Armknecht,
Heng & Schnell, PoPETs 2023), so one family of kernels fits plain and diffused filters.
"""

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import ndtri

from pprl.auditing.nearest import signs
from pprl.auditing.similarities import average_ranks
from pprl.auditing.tokentables import TokenTable
from pprl.model import BitMatrix
from pprl.model.arrays import Floats, Matrix, counting

STRETCHES = range(1, 11)  # bits that are XORed, as far as an attacker looks
_TOLD_BY = 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999  # quantiles of the agreements that tell the stretch
_PASSES = 6  # of the power iteration
_SPARE = 20  # dimensions more than asked for, that those asked for are right
_N_NEAREST = 16
_QUANTILES = np.linspace(0.02, 0.97, 8)


def agreements(bits: BitMatrix) -> Matrix:
    """Give 1 minus twice the share of differing bits for all pairs of filters, shape (n, n).

    Examples
    --------
    >>> agreements(BitMatrix.from_bools([[1, 1, 0, 0], [0, 1, 1, 0]])).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    plus_minus = signs(bits)
    products: Matrix = plus_minus @ plus_minus.T / np.float32(bits.n_bits)
    return products


def expected_agreements(table: TokenTable, n_bits: int, stretch: int) -> Matrix:
    """Give the agreements that the filters of records in clear would have on average over keys.

    A token asks for some positions, each of them equally likely to be any; a token that two records
    share asks for the same, as many as the one of them asks for that asks for fewer.  The chance
    that a bit is set by x askings is ``1 - exp(-x / n_bits)``.

    Parameters
    ----------
    table : TokenTable
        The records.
    n_bits : int
        Length of the filters before hardening.
    stretch : int
        How many bits hardening XORs; 1 for none.

    Returns
    -------
    ndarray of float32, shape (n, n)

    Examples
    --------
    >>> two = TokenTable(np.array([0, 1, 2]), np.array([0, 1]), np.array([64, 64]), (("f", "a"), ("f", "b")))
    >>> expected_agreements(two, 64, 1).astype(np.float64).round(3).tolist()  # each has 0.632 of its bits set
    [[1.0, 0.07], [0.07, 1.0]]
    """
    asked, shared = table.asked().astype(np.float32), _shared(table)
    unset = np.exp(-asked / n_bits).astype(np.float32)
    shared -= asked[:, None]
    shared -= asked
    neither = np.exp(shared / n_bits, out=shared)
    differing = unset[:, None] + unset - 2 * neither
    agreement: Matrix = (1 - 2 * differing) ** stretch
    return agreement


def expected_fills(table: TokenTable, n_bits: int) -> Floats:
    """Give the share of bits that each record's filter would have set on average, before hardening."""
    fills: Floats = 1 - np.exp(-table.asked() / n_bits)
    return fills


def told_stretch(table: TokenTable, bits: BitMatrix, n_bits: int, generator: np.random.Generator) -> int:
    """Tell how many bits are XORed: as many as make a rehearsal's pairs as alike as the victim's.

    Parameters
    ----------
    table : TokenTable
        Some of the attacker's records.
    bits : BitMatrix
        Some of the victim's filters.
    n_bits : int
        Length of the filters before hardening.
    generator : numpy.random.Generator
        Keys of the rehearsals.

    Examples
    --------
    >>> tokens = np.random.default_rng(1).integers(0, 40, (50, 3))
    >>> owners = np.arange(0, 151, 3)
    >>> vocabulary = tuple(("f", str(token)) for token in range(40))
    >>> table = TokenTable(owners, np.sort(tokens, axis=1).reshape(-1), np.full(150, 40), vocabulary)
    >>> filters = rehearsed_filters(table, 512, 3, 512, np.random.default_rng(2))
    >>> told_stretch(table, filters, 512, np.random.default_rng(3))
    3
    """
    wanted = _quantiles(bits)
    misfits = [
        float(np.abs(_quantiles(rehearsed_filters(table, n_bits, t, bits.n_bits, generator)) - wanted).sum())
        for t in STRETCHES
    ]
    return STRETCHES[int(np.argmin(misfits))]


def rehearsed_filters(
    table: TokenTable, n_bits: int, stretch: int, n_sent: int, generator: np.random.Generator
) -> BitMatrix:
    """Encode records in clear as the victim might, with a key of the attacker's own.

    Parameters
    ----------
    table : TokenTable
        The records.
    n_bits, n_sent : int
        Length of the filters before and after hardening.
    stretch : int
        How many bits are XORed into one; 1 for none.
    generator : numpy.random.Generator
        The key.

    Examples
    --------
    >>> one = TokenTable(np.array([0, 1]), np.array([0]), np.array([5]), (("f", "a"),))
    >>> int(rehearsed_filters(one, 1 << 16, 1, 1 << 16, np.random.default_rng(1)).popcounts()[0])
    5
    """
    most = int(table.bits.max(initial=1))
    positions = generator.integers(0, n_bits, (len(table.vocabulary), most))
    rows = np.repeat(table.owners(), table.bits)
    columns = positions[np.repeat(table.indices, table.bits), counting(table.bits)]
    plain = np.zeros((len(table), n_bits), dtype=np.bool_)
    plain[rows, columns] = True
    if stretch == 1 and n_sent == n_bits:
        return BitMatrix.from_bools(plain)
    sent = np.zeros((len(table), n_sent), dtype=np.bool_)
    for _ in range(stretch):
        drawn = [generator.permutation(n_bits) for _ in range(-(-n_sent // n_bits))]
        sent ^= plain[:, np.concatenate(drawn)[:n_sent]]
    return BitMatrix.from_bools(sent)


def centred(kernel: Matrix) -> Matrix:
    """Take the means of rows and columns from a kernel; the diagonal counts as the mean of its row.

    How alike a record is to all others is then left to the invariants.

    Examples
    --------
    >>> centred(np.array([[9, 1, 3], [1, 9, 2], [3, 2, 9]], dtype=np.float32)).round(2).tolist()
    [[0.0, -0.5, 0.5], [-0.5, 0.5, 0.0], [0.5, 0.0, -0.5]]
    """
    middle = kernel.copy()
    np.fill_diagonal(middle, 0)
    means = middle.sum(axis=1) / np.float32(max(len(middle) - 1, 1))
    np.fill_diagonal(middle, means)
    middle -= means[:, None]
    middle -= means - means.mean()
    return middle


def spectral_embedding(kernel: Matrix, n_dims: int, generator: np.random.Generator) -> Matrix:
    """Give points whose inner products are nearest to a kernel: its largest eigenvalues and vectors.

    A randomised power iteration (Halko, Martinsson & Tropp 2011, SIAM Review 53(2)).

    Parameters
    ----------
    kernel : ndarray of float32, shape (n, n)
        Symmetric.
    n_dims : int
        Dimensions asked for.
    generator : numpy.random.Generator
        Where the iteration starts.

    Returns
    -------
    ndarray of float32, shape (n, d)
        Largest first; fewer dimensions if fewer eigenvalues are above 0.

    Examples
    --------
    >>> points = spectral_embedding(np.diag([1, 9, 4]).astype(np.float32), 2, np.random.default_rng(1))
    >>> np.abs(points).round(3).tolist()
    [[0.0, 0.0], [3.0, 0.0], [0.0, 2.0]]
    """
    n_columns = min(n_dims + _SPARE, len(kernel))
    basis = generator.standard_normal((len(kernel), n_columns)).astype(np.float32)
    for _ in range(_PASSES):
        basis = np.linalg.qr(kernel @ basis)[0]
    values, vectors = np.linalg.eigh(basis.T @ (kernel @ basis))
    largest = np.argsort(-values)[:n_dims]
    kept = largest[values[largest] > values[largest[0]] * 1e-4]
    points: Matrix = (basis @ vectors[:, kept]) * np.sqrt(values[kept])
    return points


def invariants(kernel: Matrix, sizes: npt.NDArray[np.floating]) -> Matrix:
    """Describe each record by what does not depend on the order of the records, nor on a key.

    Its size, its mean similarity, its nearest neighbours, sums of powers of its similarities,
    alone and weighted by what the neighbours are (the second step of a walk), and quantiles.

    Parameters
    ----------
    kernel : ndarray of float32, shape (n, n)
        Agreements.
    sizes : ndarray, shape (n,)
        Popcounts, or fills that are expected.

    Returns
    -------
    ndarray of float32, shape (n, k)
        Each column as normal ranks: of mean 0 and deviation about 1.
    """
    middle = centred(kernel)
    np.fill_diagonal(middle, 0)
    ordered = np.sort(kernel, axis=1)
    means = (kernel.sum(axis=1) - kernel.diagonal()) / len(kernel)
    size, mean = _normal_ranks(sizes), _normal_ranks(means)
    nearest = -np.sort(-middle, axis=1)[:, :_N_NEAREST]
    columns = [size, mean, *nearest[:, :3].T, nearest[:, :4].mean(axis=1), nearest.mean(axis=1)]
    columns += [middle @ (middle @ one) for one in (size, mean)]
    power, thickness = middle, mean
    for exponent in (1, 2, 3):
        power = power * middle if exponent > 1 else power
        thickness = _normal_ranks(power.sum(axis=1)) if exponent > 1 else thickness
        columns += [thickness, *(power @ one for one in (size, mean, thickness, nearest[:, 0]))]
    columns.append((power * middle).sum(axis=1))
    columns += list(ordered[:, (_QUANTILES * (len(kernel) - 1)).astype(np.int64)].T)
    return np.column_stack([_normal_ranks(one) for one in columns])


def off_diagonal(kernel: Matrix) -> Matrix:
    """Give what stands beside the diagonal, row by row, shape (n (n - 1),).

    Examples
    --------
    >>> off_diagonal(np.array([[9, 1], [2, 9]], dtype=np.float32)).tolist()
    [1.0, 2.0]
    """
    n = len(kernel)  # each row of n + 1 cells but the last begins on the diagonal
    return np.ascontiguousarray(kernel).reshape(-1)[1:].reshape(n - 1, n + 1)[:, :-1].reshape(-1)


def _shared(table: TokenTable) -> Matrix:
    """Count for all pairs the positions for which tokens in common ask in both records.

    Within a field or bag all tokens of a record ask for as many, but for a remainder of one, which
    is shared out evenly here.
    """
    labels = [label for label, _ in table.vocabulary]
    of_label = np.unique(labels, return_inverse=True)[1][table.indices] if labels else table.indices
    owners, shared = table.owners(), np.zeros((len(table), len(table)), dtype=np.float32)
    for label in range(int(of_label.max(initial=-1)) + 1):
        here = of_label == label
        rows = owners[here]
        held = sparse.csr_array(
            (np.ones(rows.size, dtype=np.float32), (rows, table.indices[here])),
            shape=(len(table), len(table.vocabulary)),
        )
        lengths = np.bincount(rows, minlength=len(table))
        each = np.bincount(rows, weights=table.bits[here], minlength=len(table)) / np.maximum(lengths, 1)
        least = np.minimum.outer(each.astype(np.float32), each.astype(np.float32))
        least *= (held @ held.T).toarray()
        shared += least
    return shared


def _quantiles(bits: BitMatrix) -> Floats:
    quantiles: Floats = np.quantile(off_diagonal(agreements(bits)), _TOLD_BY).astype(np.float64)
    return quantiles


def _normal_ranks(values: npt.NDArray[np.floating]) -> Matrix:
    ranks: Matrix = ndtri(average_ranks(values)).astype(np.float32)
    return ranks
