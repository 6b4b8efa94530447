"""
Bech32 (BIP 173), in which age writes its keys: a prefix, the digit 1, and a checksum at the end.

The checksum finds every mistake in up to four characters, so a key that was typed or cut
wrongly is refused.  As age has it, there is no limit of 90 characters.
"""

from collections.abc import Iterable
from typing import Final

from pprl.errors import DataError

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM: Final = 6
_BITS: Final = 5


def encode(prefix: str, content: bytes) -> str:
    """Write bytes under a prefix, in lower case.

    Parameters
    ----------
    prefix : str
        What kind of key it is, in lower case.
    content : bytes
        The key.

    Examples
    --------
    >>> encode("age", bytes(4))
    'age1qqqqqqqd9e8ae'
    """
    digits = _to_digits(content)
    remainder = _checksum([*_spread(prefix), *digits, *[0] * _CHECKSUM]) ^ 1
    check = [remainder >> _BITS * (_CHECKSUM - 1 - i) & 31 for i in range(_CHECKSUM)]
    return f"{prefix}1{''.join(_ALPHABET[digit] for digit in [*digits, *check])}"


def decode(text: str, *, prefix: str, n_bytes: int, what: str, code: str) -> bytes:
    r"""Read bytes that were written under a prefix; there is one spelling of each.

    Parameters
    ----------
    text : str
        The text, in the case of `prefix`.
    prefix : str
        The prefix wanted, all lower or all upper case.
    n_bytes : int
        The length wanted.
    what, code : str
        What it is called in errors, and their code.

    Raises
    ------
    DataError
        If it is anything else.  The message does not repeat the text, which may be a secret.

    Examples
    --------
    >>> decode("age1qqqqqqqd9e8ae", prefix="age", n_bytes=4, what="key", code="key")
    b'\x00\x00\x00\x00'
    """
    n_digits = -(-n_bytes * 8 // _BITS)
    start = f"{prefix}1"
    if not text.startswith(start):
        raise DataError(f"{what}: does not begin as one must", code=code, hint=f"it begins with {start}")
    if len(text) != len(start) + n_digits + _CHECKSUM:
        raise DataError(
            f"{what}: {len(text)} characters, wanted {len(start) + n_digits + _CHECKSUM}",
            code=code,
            hint="it may have been cut when it was copied",
        )
    rest = text[len(start) :]
    in_case = rest.isascii() and rest == (rest.upper() if prefix.isupper() else rest.lower())
    digits = [_ALPHABET.find(character) for character in rest.lower()]
    well_formed = in_case and min(digits) >= 0 and _checksum([*_spread(prefix.lower()), *digits]) == 1
    content = _from_digits(digits[:n_digits]) if well_formed else b""
    # The bits left over at the end must be zero, or one key would have several spellings.
    if not well_formed or _to_digits(content) != digits[:n_digits]:
        raise DataError(
            f"{what}: its checksum is wrong",
            code=code,
            hint="a character is mistyped, missing or in capitals",
        )
    return content


def _spread(prefix: str) -> list[int]:
    codes = prefix.encode("ascii")
    return [*(one >> _BITS for one in codes), 0, *(one & 31 for one in codes)]


def _checksum(digits: Iterable[int]) -> int:
    """Give the remainder modulo the generator of BIP 173, a BCH code over 32 symbols."""
    remainder = 1
    for digit in digits:
        top = remainder >> 25
        remainder = (remainder & 0x1FFFFFF) << _BITS ^ digit
        for i, term in enumerate(_GENERATOR):
            remainder ^= term if top >> i & 1 else 0
    return remainder


def _to_digits(content: bytes) -> list[int]:
    bits = "".join(f"{byte:08b}" for byte in content)
    return [int(bits[i : i + _BITS].ljust(_BITS, "0"), 2) for i in range(0, len(bits), _BITS)]


def _from_digits(digits: list[int]) -> bytes:
    bits = "".join(f"{digit:05b}" for digit in digits)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits) - 7, 8))
