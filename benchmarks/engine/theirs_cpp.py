"""Time the loop of reference.cpp, compiled for this machine; one thread, every word of every pair."""

import ctypes

import numpy as np
from measuring import arguments, measure, needed

NOT_HERE = -2


def main():
    """Load the library, ask whether it can run here, measure."""
    chosen = arguments(("--library", {"required": True}))
    library = ctypes.CDLL(chosen.library)
    words, table, number = (
        np.ctypeslib.ndpointer(kind, flags="C") for kind in (np.uint64, np.int32, np.float64)
    )
    library.find.restype = ctypes.c_int64
    library.find.argtypes = [words, ctypes.c_int64, words, ctypes.c_int64, ctypes.c_int, table]
    library.take.restype = None
    library.take.argtypes = [table, table, number]

    def call(left, right, threshold):
        width = left.shape[1]
        return library.find(left, len(left), right, len(right), width, needed(64 * width, threshold))

    def find(sides, threshold, _threads):
        n_pairs = call(*sides, threshold)
        columns = np.empty(n_pairs, np.int32), np.empty(n_pairs, np.int32), np.empty(n_pairs, np.float64)
        library.take(*columns)
        return columns

    if call(np.zeros((0, 16), np.uint64), np.zeros((0, 16), np.uint64), chosen.threshold) == NOT_HERE:
        print('{"missing": "this processor has no AVX-512 VPOPCNTDQ"}')
        return
    measure(chosen, lambda left, right: (left, right), find)


if __name__ == "__main__":
    main()
