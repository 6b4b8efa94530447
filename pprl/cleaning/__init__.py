"""
Cleaning: from what people typed to what is compared.

A *field rule* says what kind of thing a field is, and so how its values become
canonical text, or become missing with a reason.
"""

from pprl.cleaning.columns import CleanedColumn, clean_column, clean_columns
from pprl.cleaning.fields import (
    CodeField,
    DateField,
    Field,
    HealthNumberField,
    NameField,
    NumberField,
    PlaceField,
    PostcodeField,
    SexField,
    TextField,
    UpnField,
)
from pprl.cleaning.outcome import Outcome, ValueRefused

__all__ = [
    "CleanedColumn",
    "CodeField",
    "DateField",
    "Field",
    "HealthNumberField",
    "NameField",
    "NumberField",
    "Outcome",
    "PlaceField",
    "PostcodeField",
    "SexField",
    "TextField",
    "UpnField",
    "ValueRefused",
    "clean_column",
    "clean_columns",
]
