"""
Hashing of tokens to bit positions.

Random hashing (Schnell & Borgs 2016): HMAC-SHA-256 in counter mode under the field's
key, cut into 16-bit numbers, until enough *distinct* positions are found.  Double hashing
is broken (Niedermeyer et al. 2014; Kroll & Steinmetzer 2015) and is not offered.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

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
    message = token.encode("utf-8")
    n_drawn = 2 * k
    while True:
        drawn = np.frombuffer(key.stream(message, 2 * n_drawn), dtype="<u2") & np.uint16(n_bits - 1)
        distinct = list(dict.fromkeys(drawn.tolist()))
        if len(distinct) >= k:
            return distinct[:k]
        n_drawn *= 2


def position_table(key: Subkey, tokens: Sequence[str], *, k: int, n_bits: int) -> Positions:
    """Hash each token once: positions of shape (number of tokens, k)."""
    table = np.zeros((len(tokens), k), dtype=np.uint16)
    for row, token in enumerate(tokens):
        table[row] = token_positions(key, token, k=k, n_bits=n_bits)
    return table
