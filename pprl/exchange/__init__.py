"""
Exchange: what comes in and what goes out.

A *table* is what a custodian has; a *package* is what crosses from one party to another,
and carries the fingerprint of the agreement it was made under; an *id map* stays at home.
"""
