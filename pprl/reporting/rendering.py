"""
Rendering: a template and what is in it, made into a page.  Everything that varies is escaped.
"""

from collections.abc import Callable
from typing import Any


def rendered(template: str, *filters: Callable[..., str], **values: Any) -> str:  # noqa: ANN401 - as templates take
    """Fill one of the templates of this package.

    Parameters
    ----------
    template : str
        Its name.
    *filters : callable
        What the template may write numbers with, under their own names.
    **values
        What it speaks of; a name that is missing is an error.
    """
    # Imported here: text and JSON should not wait for it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("pprl.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {one.__name__: one for one in filters}
    return environment.get_template(template).render(**values)
