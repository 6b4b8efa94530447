"""
Bodies: what is sealed, as pieces of bytes that are given once, and measured on the way.

What a body begins with may be known last, since it states digests of all the rest.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pprl.exchange.digests import digesting

Octets = bytes | memoryview
Take = Callable[[Octets], object]


@dataclass(frozen=True, slots=True)
class Ending:
    """What is known of a body when it has been given.

    Parameters
    ----------
    first : bytes
        What comes before all the pieces.
    sha256 : str
        Of the whole; of a package, that of its manifest, which has the digests of all else.
    """

    first: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Body:
    """What is sealed.

    Parameters
    ----------
    length : int
        How many bytes it has.
    n_first : int
        How many of these come first and are known last.
    pour : callable
        Gives all the others to a function, piece by piece, and returns what is known then.
    """

    length: int
    n_first: int
    pour: Callable[[Take], Ending]


def whole(pieces: Callable[[], Iterator[bytes]], length: int) -> Body:
    """Make a body of pieces that have nothing before them.

    Examples
    --------
    >>> given = []
    >>> ending = whole(lambda: iter([b"as ", b"agreed"]), 9).pour(given.append)
    >>> given, ending.first, ending.sha256[:8]
    ([b'as ', b'agreed'], b'', 'e623b837')
    """

    def pour(take: Take) -> Ending:
        with digesting() as digest:
            for piece in pieces():
                digest.update(piece)
                take(piece)
            return Ending(b"", digest.hexdigest())

    return Body(length, 0, pour)
