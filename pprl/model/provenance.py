"""Where a result comes from: enough to make it again, nothing about anybody."""

import unicodedata
from dataclasses import asdict, dataclass

from pprl.version import __version__


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a result.

    Parameters
    ----------
    software : str
        Name and version of this software.
    unicode_version : str
        Version of the Unicode data that names were cleaned with.

    Examples
    --------
    >>> Provenance.current().software.startswith("pprlink ")
    True
    """

    software: str
    unicode_version: str

    @classmethod
    def current(cls) -> "Provenance":
        """Describe the software that is running."""
        return cls(software=f"pprlink {__version__}", unicode_version=unicodedata.unidata_version)

    def to_dict(self) -> dict[str, str]:
        """Give the entries by name."""
        return asdict(self)
