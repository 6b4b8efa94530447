"""
Hashing of tokens to bit positions.

Random hashing (Schnell & Borgs 2016): HMAC-SHA-256 in counter mode under the field's
key, cut into 16-bit numbers, until enough *distinct* positions are found.  Double hashing
is broken (Niedermeyer et al. 2014; Kroll & Steinmetzer 2015) and is not offered.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pprl.errors import AgreementError
from pprl.keys import Subkey

Positions = npt.NDArray[np.uint16]


def token_positions(key: Subkey, token: str, *, k: int, n_bits: int) -> list[int]:
    """Give the first `k` distinct positions of a token.

    Parameters
    ----------
    key : Subkey
        The field's key.
    token : str
        The token.
    k : int
        How many positions, at most ``n_bits``.
    n_bits : int
        Length of the filter, a power of two up to 65,536, so that there is no bias.

    Notes
    -----
    The positions for a smaller `k` are the beginning of those for a larger one.
    """
    if k > n_bits:
        raise AgreementError(f"a token cannot set {k} different bits of {n_bits}", code="overfull")
    message = token.encode("utf-8")
    n_drawn = k + k // 4 + 8
    while True:
        drawn = np.frombuffer(key.stream(message, 2 * n_drawn), dtype="<u2") & np.uint16(n_bits - 1)
        distinct = list(dict.fromkeys(drawn.tolist()))
        if len(distinct) >= k:
            return distinct[:k]
        n_drawn *= 2


def position_table(key: Subkey, tokens: Sequence[str], ks: Sequence[int], *, n_bits: int) -> Positions:
    """Hash each token once.

    Parameters
    ----------
    key : Subkey
        The field's key.
    tokens : sequence of str
        The tokens.
    ks : sequence of int
        For each token the most positions that a record asks of it.
    n_bits : int
        Length of the filter.

    Returns
    -------
    ndarray of uint16, shape (number of tokens, most positions)
        Row by row the token's positions, filled up with zeros.
    """
    table = np.zeros((len(tokens), max(ks, default=0)), dtype=np.uint16)
    for row, (token, k) in enumerate(zip(tokens, ks, strict=True)):
        table[row, :k] = token_positions(key, token, k=k, n_bits=n_bits)
    return table
