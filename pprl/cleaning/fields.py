"""
Field rules: one frozen struct for each kind of field, which is its own configuration.

A rule turns one value into its canonical text, or says why there is none.  It sees a
value alone, never a record, so it is applied once to each distinct value.
"""

from typing import Annotated, ClassVar

import msgspec

from pprl.cleaning.codes import clean_code
from pprl.cleaning.dates import DateOrder, clean_date, is_iso_date
from pprl.cleaning.identifiers import clean_health_number
from pprl.cleaning.names import clean_name
from pprl.cleaning.numbers import clean_number, clean_place
from pprl.cleaning.outcome import Outcome
from pprl.cleaning.postcodes import Country, clean_postcode
from pprl.cleaning.pupils import clean_upn
from pprl.cleaning.sex import SexCode, clean_sex
from pprl.cleaning.text import clean_text
from pprl.errors import AgreementError
from pprl.model.encoded import PRINTABLE

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$(?!\n)", description="lower-case name")]
Bits = Annotated[int, msgspec.Meta(ge=1, le=4096, description="bits that the field sets in a filter")]
LegalBasis = Annotated[
    str,
    msgspec.Meta(
        max_length=500,
        pattern=r"(?=.*\S)" + PRINTABLE,
        description="the law or the consent that allows the use, in words",
    ),
]
IsoDate = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\n)", description="a date, yyyy-mm-dd")
]


class _Rule(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
):
    """What every field rule states.

    Parameters
    ----------
    name : str
        The field's name in the agreement; keys are derived from it.
    weight : int, optional
        Bits that the field sets in a filter, unless a pass says otherwise; a field that is
        only compared for equality needs none.
    column : str
        The custodian's column; by default the field's name.
    more_columns : tuple of str
        Further columns with values of the same kind, such as aliases or former postcodes;
        a record is like another as far as any of its values is.
    separator : str
        Text between several values in one cell, such as ";"; empty if a cell has one.
    """

    canonical: ClassVar[str]  # what the canonical text looks like, for people

    name: Name
    weight: Bits | None = None
    column: str = ""
    more_columns: tuple[str, ...] = ()
    separator: Annotated[str, msgspec.Meta(pattern=r"^[;|~+&]{0,3}$(?!\n)")] = ""

    @property
    def source(self) -> str:
        """The first column that the field is read from."""
        return self.column or self.name

    @property
    def sources(self) -> tuple[str, ...]:
        """All columns that the field is read from."""
        return (self.source, *self.more_columns)


class NameField(_Rule, frozen=True, kw_only=True, tag="name"):
    """A part of a person's name, or all of it.

    Examples
    --------
    >>> NameField(name="surname", weight=200).clean("O'Brien-Łukasz").text
    'obrien lukasz'
    """

    canonical: ClassVar[str] = "lower-case letters, single spaces between parts"

    def clean(self, value: str) -> Outcome:
        """Make a value canonical, or say why there is none."""
        return clean_name(value)


class TextField(_Rule, frozen=True, kw_only=True, tag="text"):
    """An address, a suburb or other free text.

    Examples
    --------
    >>> TextField(name="address", weight=100).clean("Flat 2/10, High St.").text
    'flat 2 10 high st'
    """

    canonical: ClassVar[str] = "lower-case letters and digits, single spaces between words"

    def clean(self, value: str) -> Outcome:
        """Make a value canonical, or say why there is none."""
        return clean_text(value)


class DateField(_Rule, frozen=True, kw_only=True, tag="date"):
    """A date, usually of birth.

    Parameters
    ----------
    order : "ymd", "dmy" or "mdy"
        Which part of a numeric date is which; yyyy-mm-dd is understood in any case.
    placeholders : tuple of str
        ISO dates that mean "unknown", besides 1900-01-01, 1901-01-01 and 9999-12-31.

    Examples
    --------
    >>> DateField(name="born", weight=200, order="dmy").clean("01/02/1990").text
    '1990-02-01'
    """

    canonical: ClassVar[str] = "yyyy-mm-dd"

    order: DateOrder
    placeholders: tuple[IsoDate, ...] = ()

    def __post_init__(self) -> None:
        """Check that the placeholders are days that exist."""
        wrong = [place for place, text in enumerate(self.placeholders, start=1) if not is_iso_date(text)]
        if wrong:
            raise AgreementError(
                f"field {self.name}: placeholder {wrong[0]} is not a day that exists, as yyyy-mm-dd",
                code="placeholder-date",
                hint='write dates as in placeholders = ["1900-01-01"]',
            )

    def clean(self, value: str) -> Outcome:
        """Make a value canonical, or say why there is none; refuses damaged columns."""
        return clean_date(value, order=self.order, placeholders=self.placeholders)


class SexField(_Rule, frozen=True, kw_only=True, tag="sex"):
    """Sex as recorded.

    Parameters
    ----------
    codes : dict
        What a custodian's codes mean: "f", "m", "x" or "unknown"; they replace the default ones.

    Examples
    --------
    >>> SexField(name="sex", weight=20).clean("Female").text
    'f'
    """

    canonical: ClassVar[str] = "f, m or x"

    codes: dict[str, SexCode] = {}

    def clean(self, value: str) -> Outcome:
        """Make a value canonical, or say why there is none; refuses damaged columns."""
        return clean_sex(value, codes=self.codes)


class PostcodeField(_Rule, frozen=True, kw_only=True, tag="postcode"):
    """A postcode.

    Parameters
    ----------
    country : "uk" or "any"
        Whose rules hold: British ones, or none but letters and digits.

    Examples
    --------
    >>> PostcodeField(name="postcode", weight=120).clean("sw1a1aa").text
    'SW1A 1AA'
    """

    canonical: ClassVar[str] = "upper-case letters and digits; in the UK a space before the inward part"

    country: Country = "uk"

    def clean(self, value: str) -> Outcome:
        """Make a value canonical, or say why there is none; refuses damaged columns."""
        return clean_postcode(value, country=self.country)


class HealthNumberField(_Rule, frozen=True, kw_only=True, tag="health-number"):
    """A national health number: NHS, CHI or H&C, told apart by their ranges.

    Examples
    --------
    >>> HealthNumberField(name="nhs_number", weight=100).clean("943 476 5919").text
    'nhs:9434765919'
    """

    canonical: ClassVar[str] = "nhs, chi or hc, a colon and ten digits"

    def clean(self, value: str) -> Outcome:
        """Make a value canonical, or say why there is none; refuses damaged columns."""
        return clean_health_number(value)


class UpnField(_Rule, frozen=True, kw_only=True, tag="upn"):
    """A Unique Pupil Number of England.

    Parameters
    ----------
    legal_basis : str
        What allows its use, in words; it has no default, and all parties sign it.

    Examples
    --------
    >>> UpnField(name="upn", legal_basis="Education Act 1996 s. 537A").clean("H801200001001").text
    'H801200001001'
    """

    canonical: ClassVar[str] = "a capital letter and twelve digits"

    legal_basis: LegalBasis

    def clean(self, value: str) -> Outcome:
        """Make a value canonical, or say why there is none; refuses damaged columns."""
        return clean_upn(value)


class CodeField(_Rule, frozen=True, kw_only=True, tag="code"):
    """A short code, such as a state.

    Examples
    --------
    >>> CodeField(name="state", weight=40).clean(" NSW ").text
    'nsw'
    """

    canonical: ClassVar[str] = "lower-case letters and digits, single spaces between parts"

    def clean(self, value: str) -> Outcome:
        """Make a value canonical, or say why there is none; refuses damaged columns."""
        return clean_code(value)


class NumberField(_Rule, frozen=True, kw_only=True, tag="number"):
    """A number, such as a house number or a height.

    Examples
    --------
    >>> NumberField(name="house", weight=40).clean(" 0012.50 ").text
    '12.5'
    """

    canonical: ClassVar[str] = "a decimal number without needless zeros"

    def clean(self, value: str) -> Outcome:
        """Make a value canonical, or say why there is none."""
        return clean_number(value)


class PlaceField(_Rule, frozen=True, kw_only=True, tag="place"):
    """A place as two whole numbers, such as easting and northing in metres.

    Examples
    --------
    >>> PlaceField(name="home", weight=60).clean("530047, 180422.6").text
    '530047 180422'
    """

    canonical: ClassVar[str] = "two whole numbers and a space between them"

    def clean(self, value: str) -> Outcome:
        """Make a value canonical, or say why there is none."""
        return clean_place(value)


Field = (
    NameField
    | TextField
    | DateField
    | SexField
    | PostcodeField
    | HealthNumberField
    | UpnField
    | CodeField
    | NumberField
    | PlaceField
)
