"""
Encoding: from cleaned values to hardened bits.

A *token* is a piece of a value (a q-gram, a part of a date).  A *CLK* (cryptographic
long-term key: Schnell, Bachteler & Reiher 2011) is a Bloom filter that holds the tokens
of several fields.  *Hardening* changes a filter so that it tells an attacker less.
"""
