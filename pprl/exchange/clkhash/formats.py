"""
Formats: what a value of a feature must look like, and the text that is hashed for it.

A format never lets a value into a message: it raises a `Refusal`, which says what was
wanted, outside of any handler that still holds the value.
"""

import contextlib
import datetime as dt
import re
from typing import Annotated, ClassVar, Literal

import msgspec

UTF_8 = "utf-8"
Encoding = Literal["ascii", "utf-8", "utf-16", "utf-32"]
Length = Annotated[int, msgspec.Meta(ge=0)]

# clkhash writes UTF-16 and UTF-32 in the machine's byte order with a byte order mark
# before every token.  All machines it ran on are little-endian, so these bytes are the format.
_CODECS = {
    "ascii": (b"", "ascii"),
    "utf-8": (b"", "utf-8"),
    "utf-16": (b"\xff\xfe", "utf-16-le"),
    "utf-32": (b"\xff\xfe\x00\x00", "utf-32-le"),
}
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_YEARS = frozenset("cGxyY")
_DIRECTIVES = frozenset("aAbBcdfGHIjmMpSuUVwWxXyYzZ%")


class Refusal(Exception):  # noqa: N818 - says what was wanted; becomes a DataError with the row
    """A value does not satisfy its format."""


def to_bytes(text: str, encoding: str) -> bytes | None:
    """Encode a token as clkhash does; None if the encoding cannot."""
    mark, codec = _CODECS[encoding]
    try:
        return mark + text.encode(codec)
    except UnicodeEncodeError:
        return None


def require_encodable(value: str, encoding: str) -> None:
    """Refuse a value that the encoding of its feature cannot write."""
    _require(to_bytes(value, encoding) is not None, f"has letters that {encoding} cannot write")


class StringFormat(msgspec.Struct, tag="string", frozen=True, kw_only=True, rename="camel"):
    """Text: of some length and case, or as a regular expression says."""

    closed: ClassVar[bool] = True

    encoding: Encoding = "utf-8"
    case: Literal["upper", "lower", "mixed"] | None = None
    min_length: Length | None = None
    max_length: Annotated[int, msgspec.Meta(ge=1)] | None = None
    pattern: str | None = None
    description: str | None = None

    def __post_init__(self) -> None:
        if self.pattern is None:
            return
        if any(rule is not None for rule in (self.case, self.min_length, self.max_length)):
            raise ValueError("`pattern` stands alone: drop `case`, `minLength` and `maxLength`")
        if not _compiles(self.pattern):
            raise ValueError("`pattern` is not a regular expression of Python")

    def prepared(self, value: str) -> str:
        """Give the value itself."""
        require_encodable(value, self.encoding)
        if self.pattern is not None:
            _require(re.fullmatch(self.pattern, value) is not None, "does not match the pattern")
            return value
        low, high = self.min_length or 0, self.max_length
        _require(len(value) >= low, f"is shorter than {low} characters")
        _require(high is None or len(value) <= high, f"is longer than {high} characters")
        _require(self.case != "upper" or value == value.upper(), "is not in upper case")
        _require(self.case != "lower" or value == value.lower(), "is not in lower case")
        return value


class IntegerFormat(msgspec.Struct, tag="integer", frozen=True, kw_only=True):
    """A whole number within bounds, in any spelling that Python reads."""

    closed: ClassVar[bool] = True
    encoding: ClassVar[Encoding] = "utf-8"

    minimum: int | None = None
    maximum: int | None = None
    description: str | None = None

    def prepared(self, value: str) -> str:
        """Give the number in plain digits: ' +7' and '007' are 7."""
        require_encodable(value, UTF_8)
        number = None
        with contextlib.suppress(ValueError):
            number = int(value, base=10)
        if number is None:
            raise Refusal("is not a whole number")
        _require(self.minimum is None or number >= self.minimum, f"is below {self.minimum}")
        _require(self.maximum is None or number <= self.maximum, f"is above {self.maximum}")
        return str(number)


class DateFormat(msgspec.Struct, tag="date", frozen=True, kw_only=True):
    """A date, as `datetime.strptime` reads it."""

    closed: ClassVar[bool] = True
    encoding: ClassVar[Encoding] = "utf-8"

    format: str
    description: str | None = None

    def __post_init__(self) -> None:
        unknown = [letter for letter in _DIRECTIVE.findall(self.format) if letter not in _DIRECTIVES]
        if unknown or "" in _DIRECTIVE.findall(self.format):
            raise ValueError("`format` has a directive that strptime does not know")
        if not _is_readable(self.format):
            raise ValueError("`format` names a part of the date twice")

    def prepared(self, value: str) -> str:
        """Give the date as year, month and day, without separators."""
        require_encodable(value, UTF_8)
        date = None
        with contextlib.suppress(ValueError, OverflowError):
            date = _strptime(value, self.format)
        if date is None:
            raise Refusal(f"is not a date of the form {self.format}")
        # The year has no leading zeros, as with strftime of Linux before Python 3.14.
        return f"{date.year}{date.month:02}{date.day:02}"


class EnumFormat(msgspec.Struct, tag="enum", frozen=True, kw_only=True):
    """One of a few values."""

    closed: ClassVar[bool] = True
    encoding: ClassVar[Encoding] = "utf-8"

    values: frozenset[str]
    description: str | None = None

    def prepared(self, value: str) -> str:
        """Give the value itself."""
        require_encodable(value, UTF_8)
        _require(value in self.values, f"is not one of the {len(self.values)} values allowed")
        return value


Format = StringFormat | IntegerFormat | DateFormat | EnumFormat


def _require(holds: bool, problem: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise Refusal(problem)


def _strptime(value: str, form: str) -> dt.datetime:
    if not _YEARS.intersection(_DIRECTIVE.findall(form)):
        # Without a year it is 1900.  Later Pythons warn of that, and will take another.
        value, form = f"1900|{value}", f"%Y|{form}"
    return dt.datetime.strptime(value, form)  # noqa: DTZ007 - a day, not a moment


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _is_readable(form: str) -> bool:
    """Whether strptime can use the form: it makes a regular expression of it."""
    try:
        _strptime("", form)
    except re.error:
        return False
    except ValueError:
        pass
    return True
