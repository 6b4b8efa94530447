"""Options that several verbs share, and the checks that go with them."""

import os
import re
from pathlib import Path
from typing import Any

import click

from pprl.errors import PolicyError

_SECRET_NAME = re.compile(r"^PPRL_.*(KEY|SECRET|PASS)")

# Existence is checked where a file is opened, so every verb says the same thing of it.
FILE = click.Path(path_type=Path)
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
