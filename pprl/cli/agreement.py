"""Make, check and show agreements."""

import re
from pathlib import Path

import click
import msgspec

from pprl.agreement import Agreement, json_schema, preset_names, preset_text
from pprl.cli.console import note, say
from pprl.cli.options import FILE, force_option, out_option
from pprl.errors import UsageError
from pprl.files import write_bytes
from pprl.reporting.text import describe_agreement

_file = click.argument("file", type=FILE)


@click.group()
def agreement() -> None:
    """Make, check and show agreements.

    An agreement says which fields are compared, how they are encoded and what makes a
    link.  All parties use the same file.  It holds no secret.
    """


@agreement.command()
@click.option(
    "--preset", type=click.Choice(preset_names()), required=True, help="The agreement to start from."
)
@click.option(
    "--project", metavar="NAME", help="Name of your project; encodings of other projects cannot be joined."
)
@out_option("Where to write it; a text file to read and to change.")
@force_option
def new(preset: str, project: str | None, out: Path, *, force: bool) -> None:
    """Write an agreement to start from."""
    text = preset_text(preset)
    if project is None:
        note(f"warning: the project is named {preset}, as in other places; give yours with --project NAME")
    elif not project.isprintable():
        raise UsageError("--project: wanted printable text", code="bad-option")
    else:
        text = re.sub(r"(?m)^project = .*$", lambda _: f"project = {_quoted(project)}", text, count=1)
    made = Agreement.from_toml(text.encode("utf-8"))
    write_bytes(out, text.encode("utf-8"), force=force)
    note(f"wrote an agreement for project {made.project}: read it, change it, and give it to all parties")


@agreement.command()
@_file
def check(file: Path) -> None:
    """Check an agreement and print its fingerprint.

    The fingerprint is the same for all parties if, and only if, the agreement is.
    """
    say(Agreement.load(file).fingerprint)


@agreement.command()
@_file
def show(file: Path) -> None:
    """Show an agreement as tables."""
    say(describe_agreement(Agreement.load(file)))


@agreement.command()
def schema() -> None:
    """Print the JSON Schema of agreements, for editors."""
    say(msgspec.json.format(msgspec.json.encode(json_schema()), indent=2).decode("utf-8"))


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string.
    return msgspec.json.encode(text).decode("utf-8")
