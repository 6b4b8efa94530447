"""Time pprl.compare; with --all-words no column order is learned, and whole rows are compared."""

from decimal import Decimal

from measuring import arguments, measure

import pprl

MOST = 100_000_000  # pairs


def prepare(left, right):
    """Make bit matrices of words."""
    return tuple(pprl.BitMatrix(words, 64 * words.shape[1]) for words in (left, right))


def main():
    """Measure, unless what is asked for cannot be switched."""
    chosen = arguments(("--all-words", {"action": "store_true"}))
    more = {}
    if chosen.all_words:
        try:
            from pprl.comparison import AllPairs

            more["candidates"] = AllPairs(prune=False)
        except (ImportError, TypeError):
            print('{"missing": "this pprl always prunes, or never"}')
            return

    def find(sides, threshold, threads):
        as_text = str(Decimal(threshold.numerator) / Decimal(threshold.denominator))
        pairs = pprl.compare(*sides, threshold=as_text, workers=threads, max_pairs=MOST, **more)
        return pairs.left, pairs.right, pairs.score

    measure(chosen, prepare, find)


if __name__ == "__main__":
    main()
