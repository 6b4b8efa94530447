"""What docs/evaluation.md says."""

import re
from pathlib import Path

from pprl import workflow
from pprl.cli.evaluate import evaluate
from pprl.evaluation.groups import MOST_GROUPS
from pprl.reporting.disclosure import SMALLEST, STEP

TEXT = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text(encoding="utf-8")


def test_its_python_runs():
    """As it stands."""
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(block, {})  # noqa: S102 - our own document


def test_the_verbs_and_options_that_it_names_exist():
    """And none is left out."""
    options = {option for one in evaluate.params for option in one.opts if option.startswith("--")}

    assert {name for name in dir(workflow) if name.startswith("evaluate")} == set(
        re.findall(r"^\| `(evaluate\w*)", TEXT, re.MULTILINE)
    )
    assert set(re.findall(r"--[a-z-]+[a-z]", TEXT)) <= options
    assert {"--sweep", "--groups", "--group-side", "--group-by", "--clusters", "--exact"} <= set(
        re.findall(r"--[a-z-]+[a-z]", TEXT)
    )


def test_its_numbers_are_those_of_the_code():
    """Where counts are hidden, how they are rounded, how many groups there may be."""
    assert f"A count of 1 to {SMALLEST - 1} is hidden, and all others are rounded to {STEP}." in TEXT
    assert f"at most {MOST_GROUPS} values" in TEXT
