"""Attack your own encodings before they are released (custodian)."""

from collections.abc import Sequence
from pathlib import Path

import click

from pprl.agreement import Agreement
from pprl.auditing.attacks import ATTACKS
from pprl.cli.console import bar, note, say
from pprl.cli.options import FILE, agreement_option, by_field, column_option, force_option, json_option
from pprl.files import refuse_existing, refuse_inputs_as_output, write_bytes
from pprl.reporting.audit import audit_page, describe_audit
from pprl.reporting.audit_numbers import audit_record
from pprl.reporting.records import to_json
from pprl.workflow import audit as attack


@click.command()
@click.argument("table", type=FILE)
@agreement_option
@click.option(
    "--id", "id_column", metavar="COLUMN", help="Column that names each record: is it there, and unique?"
)
@column_option
@click.option("--out", type=FILE, metavar="FILE", help="Where to write a page with pictures, in HTML.")
@json_option
@click.option(
    "--records",
    type=int,
    metavar="N",
    help="Records to attack, 100 to 5000; by default 1000, or 500 if quick.",
)
@click.option(
    "--attacks",
    metavar="NAME,...",
    default=",".join(ATTACKS),
    show_default=True,
    help="Attacks to carry out.",
)
@click.option("--quick", is_flag=True, help="A first look: fewer records and conditions.")
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="Of the sample, the keys, what attackers hold, and guesses.",
)
@force_option
def audit(
    table: Path,
    agreement: Path,
    id_column: str | None,
    renamed: Sequence[str],
    out: Path | None,
    records: int | None,
    attacks: str,
    seed: int,
    *,
    as_json: bool,
    quick: bool,
    force: bool,
) -> None:
    """Attack the encodings of a TABLE before they are released: no key is needed.

    A sample is encoded with a key that is thrown away, and attacked as published.  Every attack
    is first tried on plain encodings: where it fails there, its failure says nothing.  Printed are
    shares, never a value or a guess.
    """
    if out is not None:
        refuse_inputs_as_output(out, (table, agreement))
        refuse_existing(out, force=force)
    agreed = Agreement.load(agreement)
    with bar("attacking", " attacks") as progress:
        found = attack(
            table,
            agreed,
            id=id_column,
            columns=by_field(renamed),
            seed=seed,
            n_records=records,
            attacks=[name.strip() for name in attacks.split(",") if name.strip()],
            quick=quick,
            progress=progress,
        )
    if out is not None:
        write_bytes(out, audit_page(found, agreed), force=force)
        note(f"wrote {out.name}: it holds shares, and nothing that was typed into a record")
    record = to_json(audit_record(found, agreed)).decode("utf-8").rstrip() if as_json else ""
    say(record or describe_audit(found, agreed))
