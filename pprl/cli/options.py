"""Options that several verbs share, and the checks that go with them."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pprl.errors import PolicyError, UsageError

_SECRET_NAME = re.compile(r"^PPRL_.*(KEY|SECRET|PASS)")


class _File(click.ParamType):  # type: ignore[type-arg]  # generic in some versions of click
    """A path; what is there is seen where it is opened, so every verb says the same of it."""

    name = "file"

    def convert(self, value: Any, _parameter: click.Parameter | None, _context: click.Context | None) -> Path:  # noqa: ANN401 - as click has it
        if not str(value):
            self.fail("no name", _parameter, _context)
        return Path(value)


FILE = _File()
SHORT_HELP = {"help_option_names": ["-h", "--help"]}

agreement_option = click.option(
    "--agreement", type=FILE, required=True, metavar="FILE", help="The agreement that all parties share."
)
force_option = click.option(
    "--force", "--overwrite", is_flag=True, help="Replace what is there under the name of the output."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def out_option(help_text: str) -> Any:  # noqa: ANN401 - click's decorators have no nameable type
    """Give the option that names the output."""
    return click.option("--out", type=FILE, required=True, metavar="FILE", help=help_text)


def refuse_secrets_in_environment() -> None:
    """Raise if an environment variable looks as if it held the secret.

    Raises
    ------
    PolicyError
        An environment is inherited by every program and shown by many.
    """
    for name in sorted(os.environ):
        if _SECRET_NAME.match(name):
            raise PolicyError(
                f"environment variable {name}: a secret is never taken from the environment",
                code="secret-in-environment",
                hint="unset it, and use a key file that only you can read",
            )


def comparing_options(command: Any) -> Any:  # noqa: ANN401 - click's decorators have no nameable type
    """Give the options of a comparison: workers, candidates, largest block and checkpoint."""
    options = (
        click.option(
            "--workers",
            type=click.IntRange(1, 1024),
            metavar="N",
            help="Threads; by default one for each core.",
        ),
        click.option(
            "--candidates",
            type=click.Choice(["all-pairs", "shared-tags"]),
            default="all-pairs",
            show_default=True,
            help="Look at all pairs, or only at those that share a block tag (see pprl plan).",
        ),
        click.option(
            "--largest-block",
            type=click.IntRange(1),
            metavar="PAIRS",
            help="Drop block tags that make more pairs, and say what it may cost; "
            "by default none is dropped.",
        ),
        click.option(
            "--checkpoint",
            "--resume",
            type=FILE,
            metavar="FOLDER",
            help="Keep what has been found there; the same command goes on from it. Removed at the end.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


column_option = click.option(
    "--column",
    "renamed",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Your column of a field, if it is not the agreement's. Repeated for a field with several.",
)


def by_field(renamed: Sequence[str]) -> Mapping[str, str | Sequence[str]]:
    """Read the values of --column: column by field."""
    pairs = [entry.partition("=") for entry in renamed]
    if not all(separator and field and column for field, separator, column in pairs):
        raise UsageError(
            "--column: wanted FIELD=COLUMN", code="bad-option", hint="for example surname=FamilyName"
        )
    columns: dict[str, list[str]] = {}
    for field, _, column in pairs:
        columns.setdefault(field, []).append(column)
    return {field: named[0] if len(named) == 1 else named for field, named in columns.items()}
