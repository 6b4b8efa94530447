"""The version of the software and the day of its release, in one place."""

__version__ = "0.1.0"
RELEASED = "2026-11-01"  # UTC; a clock before this day is wrong
