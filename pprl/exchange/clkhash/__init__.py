"""
clkhash: linkage schemas, CLKs and files of the anonlink tools.

A *CLK* (cryptographic long-term key) is one Bloom filter for all fields of a record.  A
*linkage schema* says how it is made.  CLKs made here are those of clkhash 0.18.3, bit for
bit, so a custodian who has clkhash and one who has pprl can take part in one linkage.
"""

from pprl.exchange.clkhash.encoding import encode
from pprl.exchange.clkhash.files import (
    bits_from_clks,
    clks_from_bits,
    read_blocks,
    read_clknblocks,
    read_clks,
    read_groups,
    read_similarities,
    write_blocks,
    write_clknblocks,
    write_clks,
    write_groups,
    write_similarities,
)
from pprl.exchange.clkhash.remarks import ClkhashWarning
from pprl.exchange.clkhash.schema import Schema

__all__ = [
    "ClkhashWarning",
    "Schema",
    "bits_from_clks",
    "clks_from_bits",
    "encode",
    "read_blocks",
    "read_clknblocks",
    "read_clks",
    "read_groups",
    "read_similarities",
    "write_blocks",
    "write_clknblocks",
    "write_clks",
    "write_groups",
    "write_similarities",
]
