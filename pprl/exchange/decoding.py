"""
JSON of others: what is of a kind, and nothing for whatever is not.
"""

from typing import TypeVar

import msgspec

Kind = TypeVar("Kind")


def decoded(content: bytes, kind: type[Kind]) -> Kind | None:
    """Read JSON of a kind; None where it is not JSON, not UTF-8, too deep, or of another kind.

    Parameters
    ----------
    content : bytes
        As it came.  Nothing of it is in a message.
    kind : type
        What msgspec is to make of it.

    Examples
    --------
    >>> decoded(b'{"a": 1}', dict[str, int]), decoded(b'{"a": "x"}', dict[str, int])
    ({'a': 1}, None)
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
