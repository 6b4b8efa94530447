"""The choice between the compiled loops and their slow twins."""

from pprl.encoding.loops import TWINS, Loops

COMPILED_FROM = 20_000  # records; fewer are done before a compiler has been loaded


def load_loops(n_records: int) -> Loops:
    """Choose the loops for some number of records."""
    if n_records < COMPILED_FROM:
        return TWINS
    try:
        from pprl.encoding import kernel
    except ImportError:
        return TWINS
    return kernel.compiled()
