"""What docs/probabilities.md says."""

import inspect
import re
from pathlib import Path

from pprl.linkage import labelled, mixture
from pprl.linkage.fellegi_sunter import LEVELS, fellegi_sunter

TEXT = (Path(__file__).parents[3] / "docs" / "probabilities.md").read_text(encoding="utf-8")


def test_its_python_runs():
    """As it stands."""
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)

    for block in blocks:
        exec(block, {})  # noqa: S102 - our own document

    assert 2 == len(blocks)


def test_the_functions_that_it_names_exist():
    """And the levels are those of the code."""
    for module, name in (
        (mixture, "mixture_weights"),
        (mixture, "strangers_within"),
        (labelled, "calibrated"),
        (labelled, "precision_above"),
    ):
        assert f"`{name}" in TEXT or f"{name}(" in TEXT
        assert callable(getattr(module, name))
    assert f"levels={LEVELS}" in TEXT
    assert LEVELS == inspect.signature(fellegi_sunter).parameters["levels"].default
