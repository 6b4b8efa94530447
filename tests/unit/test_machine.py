"""What this machine offers."""

import os

from pprl.machine import processors


def test_where_the_system_does_not_say_all_processors_are_counted(monkeypatch):
    """Some systems have no way to bind a process to some of them."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)

    assert 7 == processors()
