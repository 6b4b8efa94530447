"""
Reporting: numbers become text for people and JSON for programs.

Counts only: no id, no bit, no value.
"""
