"""Make, check, show and sign agreements."""

import re
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from pprl.agreement import Agreement, json_schema, preset_names, preset_text
from pprl.cli.console import note, say
from pprl.cli.options import (
    FILE,
    agreement_option,
    by_field,
    column_option,
    force_option,
    json_option,
    out_option,
)
from pprl.cli.stores import open_store, store_options
from pprl.errors import UsageError
from pprl.files import write_bytes
from pprl.reporting.records import to_json
from pprl.reporting.suggestion import describe_suggestion, suggestion_record
from pprl.reporting.text import columns, describe_agreement
from pprl.workflow import suggest as suggest_hardening
from pprl.workflow.signed import SignedAgreement, sign_as, signature_path

_file = click.argument("file", type=FILE)


@click.group()
def agreement() -> None:
    """Make, check, show and sign agreements.

    An agreement says which fields are compared, how they are encoded and what makes a
    link, and who takes part.  All parties use the same file.  It holds no secret.
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
    agreed = Agreement.load(file)
    say(agreed.fingerprint)
    note(f"in eight words: {' '.join(agreed.words)}")
    if agreed.parties:
        told = ", ".join(f"{one.name} ({one.role})" for one in agreed.parties)
        note(f"version {agreed.version} between {told}")


@agreement.command()
@_file
def show(file: Path) -> None:
    """Show an agreement as tables."""
    say(describe_agreement(Agreement.load(file)))


@agreement.command()
@_file
def words(file: Path) -> None:
    """Print the fingerprint as eight words, to read over a telephone.

    Each party reads them from its own copy.  If one word differs, the agreements do.
    """
    say(" ".join(Agreement.load(file).words))


@agreement.command()
@_file
@store_options
@force_option
def sign(file: Path, folder: Path, passphrase_file: Path | None, *, ask: bool, force: bool) -> None:
    """Sign an agreement, and put the signature beside it.

    Read the eight words with the other parties first.  Send the signature to all of them.
    """
    store = open_store(folder, ask=ask, passphrase_file=passphrase_file)
    signed = sign_as(file, store, force=force)
    say(" ".join(signed.words))
    note(f"wrote {signature_path(file, store.party.name).name}: send it to all other parties")


@agreement.command()
@_file
def verify(file: Path) -> None:
    """Check that all parties have signed an agreement, and that it has not expired.

    The signatures lie beside it.  Who they are of, only the words tell: read them to each
    other.
    """
    agreed = SignedAgreement.load(file).agreement
    rows = [(one.name, one.role, "signed") for one in agreed.parties]
    say(columns([("party", "role", "this agreement"), *rows]))
    say("")
    say(" ".join(agreed.words))


@agreement.command()
def schema() -> None:
    """Print the JSON Schema of agreements, for editors."""
    say(msgspec.json.format(msgspec.json.encode(json_schema()), indent=2).decode("utf-8"))


@agreement.command()
@click.argument("table", type=FILE)
@agreement_option
@column_option
@click.option(
    "--bias", type=float, default=0.1, show_default=True, help="Bound of the bias that diffusion leaves."
)
@click.option(
    "--records", type=int, metavar="N", help="Records at each custodian; by default as many as here."
)
@click.option(
    "--false-share",
    type=float,
    default=0.001,
    show_default=True,
    help="Share of records that may be left with a wrong partner.",
)
@click.option("--sample", type=int, default=2000, show_default=True, help="Records to look at, 100 to 5000.")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Of the sample and the simulated errors."
)
@json_option
def suggest(
    table: Path,
    agreement: Path,
    renamed: Sequence[str],
    bias: float,
    records: int | None,
    false_share: float,
    sample: int,
    seed: int,
    *,
    as_json: bool,
) -> None:
    """Predict from a TABLE what each hardening would cost and hide (custodian): no key is needed.

    A sample of the table is copied with the errors that two health systems were measured to
    have, and both are encoded with a key that is thrown away.  Printed are shares and means,
    never a value.  A star marks the least diffusion that meets the bound of the bias.
    """
    found = suggest_hardening(
        table,
        Agreement.load(agreement),
        bias=bias,
        n_records=records,
        false_share=false_share,
        n_sample=sample,
        seed=seed,
        columns=by_field(renamed),
    )
    record = to_json(suggestion_record(found)).decode("utf-8").rstrip() if as_json else ""
    say(record or describe_suggestion(found))


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string.
    return msgspec.json.encode(text).decode("utf-8")
