"""
The command line: one file for each verb.

It talks and the library does not: results on stdout, everything else on stderr.
"""
