"""
Kernels: the loops over pairs of rows.

A *kernel* finds the qualifying pairs of a task.  All kernels find the same pairs, to the
bit; they differ in speed and in what must be installed.
"""
