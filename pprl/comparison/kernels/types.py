"""What a kernel offers, whatever it is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pprl.comparison.jobs import Found, Job
from pprl.comparison.rectangles import Rectangle
from pprl.comparison.tags import Runs, Table
from pprl.model.arrays import Tags

KernelName = Literal["auto", "numba", "reference"]

# Both keep pairs only if all of them fit the room.
ScanRectangle = Callable[[Rectangle, int], Found]
ScanRuns = Callable[[Table, Runs, int], Found]


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel ready for use.

    Parameters
    ----------
    name : str
        Its name in a call.
    rectangles : callable
        Lays a job out in memory, with or without pruning, and gives the function that scans
        one rectangle of it.
    runs : callable
        Does the same for records that share a tag, given the tags of both sides.
    """

    name: KernelName
    rectangles: Callable[[Job, bool], ScanRectangle]
    runs: Callable[[Job, Tags, Tags], ScanRuns]
