"""The comparison engine alone: all pairs of bit vectors at or above a Dice similarity."""

import numpy as np

import pprl

rng = np.random.default_rng(7)
people = rng.random((1000, 1024)) < 0.35  # bit vectors, from wherever you have them
noise = rng.random((1000, 1024)) < 0.05

left = pprl.BitMatrix.from_bools(people)
right = pprl.BitMatrix.from_bools(people ^ noise)
pairs = pprl.compare(left, right, threshold="0.8")

print(pairs)
print(pairs.to_pandas().head())

best = pprl.compare(left, right, threshold="0.5", top_k=1)  # the best partner of each left row
doubles = pprl.compare(left, left, threshold="0.9")  # one table with itself: each pair once
print(len(best), len(doubles))
