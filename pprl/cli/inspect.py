"""Show what a package holds (anybody)."""

from pathlib import Path

import click

from pprl.cli.console import say
from pprl.cli.options import FILE, json_option
from pprl.exchange.package import read_package
from pprl.reporting.records import package_record, to_json
from pprl.reporting.text import describe_package


@click.command()
@click.argument("package", type=FILE)
@json_option
def inspect(package: Path, *, as_json: bool) -> None:
    """Check a PACKAGE, byte by byte, and show what it says of itself.

    Counts only: no id, no bit, no value.
    """
    found = read_package(package)
    say(to_json(package_record(found)).decode("utf-8").rstrip() if as_json else describe_package(found))
