"""
Secrets as objects: what cannot be printed, pickled or copied.
"""

from typing import ClassVar, NoReturn, Self

from pprl.errors import PolicyError


class Hidden:
    """What cannot be printed, pickled or copied."""

    __slots__ = ()

    _what: ClassVar[str] = "a secret is"
    _hint: ClassVar[str] = ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def __reduce__(self) -> NoReturn:
        raise PolicyError(
            f"{type(self).__name__}: {self._what} not pickled or copied", code="key-copied", hint=self._hint
        )

    __getstate__ = __reduce__

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        self.__reduce__()

    def __copy__(self) -> Self:
        self.__reduce__()

    def __deepcopy__(self, _memo: object) -> Self:
        self.__reduce__()
