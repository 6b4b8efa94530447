"""Time anonlink's accelerated Dice, all pairs allowed (k = None); its input are bitarrays."""

import numpy as np
from anonlink.similarities import dice_coefficient_accelerated
from bitarray import bitarray
from measuring import arguments, measure


def bitarrays(words):
    """Make a bitarray of each row."""
    made = []
    for row in words:
        one = bitarray(endian="little")
        one.frombytes(row.tobytes())
        made.append(one)
    return made


def find(sides, threshold, _threads):
    """Call, and see the arrays as NumPy's."""
    scores, (left, right) = dice_coefficient_accelerated(sides, float(threshold), k=None)
    return np.asarray(left), np.asarray(right), np.asarray(scores)


if __name__ == "__main__":
    measure(arguments(), lambda left, right: (bitarrays(left), bitarrays(right)), find)
