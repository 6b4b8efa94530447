"""
Known-pair learning: what an insider with known patients learns about everybody else.

The attacker was told of some filters whose they are.  `KnownPairs` learns from these pairs to
predict the tokens of a record from its filter, and takes the known person whose tokens fit best:
the dataset extension attack of Mildenberger et al. 2025, with their network and a linear baseline.
`predictedfilters` learns the other way, and finds more.

Where we deviate.  Mildenberger et al. get their pairs from a graph-matching attack, and build
names from the predicted tokens; here the pairs are given, and people are looked for in a register.
Their tokens are bigrams of the whole record; here they are those of the agreement's pass, with
their fields.  Their threshold is one half; here it is chosen on pairs that were held out.
"""

import time
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from pprl.auditing.learners import Learner
from pprl.auditing.nearest import signs
from pprl.auditing.scenes import NOBODY, Finding, Guess, Scene, judge
from pprl.errors import UsageError
from pprl.model.arrays import Matrix, Rows, Scores

FEWEST_PAIRS = 10  # from which anything is learned at all
_THRESHOLDS = np.linspace(0.05, 0.7, 14)
_TINY = 1e-9
_BLOCK = 1000  # filters at a time

ASSUMPTIONS = (
    "the file of filters",
    "for some of them whose they are, as an insider knows of some patients",
    "the agreement, and the identifiers in clear of people who may be in the file; not the key",
)


@dataclass(frozen=True, slots=True)
class TokenQuality:
    """How well tokens are predicted, averaged over filters.

    Parameters
    ----------
    precision, recall, f1 : float
        Of the token set of each filter.
    f1_blind : float
        F1 of naming the most frequent tokens for everybody, which takes no attack.
    threshold : float
        Above which a token counts as predicted; chosen on held-out pairs.
    """

    precision: float
    recall: float
    f1: float
    f1_blind: float
    threshold: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TokenPrediction:
    """What was predicted of the filters that were not leaked.

    Parameters
    ----------
    rows : ndarray of int64
        Their rows in the scene.
    predicted : ndarray of float32, shape (rows, vocabulary)
        About 1 where a filter seems to hold the token, and about 0 where not.
    base : ndarray of float32
        The share of the leaked records that have each token.
    threshold : float
        Above which a token counts as predicted.
    """

    rows: Rows
    predicted: Matrix
    base: Matrix
    threshold: float


@dataclass(frozen=True, slots=True)
class KnownPairs:
    """Learn tokens from filters, and take the known person whose tokens fit best.

    Parameters
    ----------
    learner : Learner
        `Ridge()` or `Network()`.

    Examples
    --------
    >>> from pprl.auditing.learners import Ridge
    >>> KnownPairs(Ridge()).name
    'known pairs, linear'
    """

    learner: Learner

    @property
    def name(self) -> str:
        """Short name, as in tables."""
        return f"known pairs, {self.learner.name}"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the attacker must have."""
        return ASSUMPTIONS

    @property
    def needs_leak(self) -> bool:
        """It learns from leaked pairs."""
        return True

    def __call__(self, scene: Scene, generator: np.random.Generator) -> Guess:
        """Guess for each filter the row of `known`."""
        return nearest_by_tokens(scene, predict_tokens(scene, self.learner, generator))


def known_pairs(scene: Scene, learner: Learner, *, seed: int) -> Finding:
    """Run `KnownPairs`, and tell beside who was found how well the tokens were predicted.

    Parameters
    ----------
    scene : Scene
        What the attacker has, with leaked pairs.
    learner : Learner
        What learns.
    seed : int
        The same seed gives the same guesses.

    Returns
    -------
    Finding
        Its `extra` holds the figures of `TokenQuality`.

    Raises
    ------
    UsageError
        If fewer than 10 pairs were leaked.

    Examples
    --------
    >>> from pprl.auditing.learners import Ridge
    >>> from pprl.auditing.scenes import scene_of
    >>> from pprl.cleaning.fields import NameField
    >>> from pprl.encoding.passes import FuzzyPass, PassField
    >>> from pprl.keys import LinkageKey
    >>> from pprl.model import TextColumn
    >>> letters = "abcdefgh"
    >>> people = {"name": TextColumn.from_texts(a + b + c for a in letters for b in letters for c in letters)}
    >>> one = FuzzyPass(name="all", fields=(PassField(field="name", bits=40),), n_bits=512, hardening=())
    >>> key = LinkageKey(bytes(range(32))).for_project("audit", epoch=1)
    >>> rules = [NameField(name="name")]
    >>> scene = scene_of(people, rules, [one], key, overlap=1, noise=None, leaked=200, seed=1)
    >>> finding = known_pairs(scene, Ridge(), seed=1)
    >>> finding.n_targets, finding.share > 0.9, finding.extra["f1"] > 0.9
    (312, True, True)
    """
    start = time.process_time()
    attack = KnownPairs(learner)
    prediction = predict_tokens(scene, learner, np.random.default_rng(seed))
    guess = nearest_by_tokens(scene, prediction)
    spent = time.process_time() - start
    return judge(attack, scene, guess, cpu_seconds=spent, extra=asdict(token_quality(scene, prediction)))


def predict_tokens(scene: Scene, learner: Learner, generator: np.random.Generator) -> TokenPrediction:
    """Learn from the leaked pairs, and predict the tokens of all other filters.

    Parameters
    ----------
    scene : Scene
        What the attacker has.
    learner : Learner
        What learns.
    generator : Generator
        Where its chance comes from.

    Raises
    ------
    UsageError
        If fewer than 10 pairs were leaked.

    See Also
    --------
    known_pairs : Does this, and has an example.
    """
    require_pairs(scene)
    rows, _ = unknown(scene)
    tokens = scene.known_tokens.to_csr()[scene.partner[scene.leaked]].toarray()
    learned = learner(
        signs(scene.encoded.take(scene.leaked)), tokens, signs(scene.encoded.take(rows)), generator
    )
    return TokenPrediction(
        rows=rows,
        predicted=learned.predicted,
        base=tokens.mean(axis=0),
        threshold=best_threshold(learned.held_out, tokens[learned.checked]),
    )


def nearest_by_tokens(scene: Scene, prediction: TokenPrediction) -> Guess:
    """Take for each filter the known record whose tokens are most like those predicted.

    Alike is the cosine, once the tokens' frequencies are taken off: a Dice similarity that lets
    the sure predictions count for more, and rare tokens for more than frequent ones.  Records of
    leaked pairs are taken, and are no candidates.

    See Also
    --------
    known_pairs : Does this, and has an example.
    """
    rows, candidates = unknown(scene)
    table = scene.known_tokens.to_csr()[candidates]
    base = prediction.base
    # |tokens - base|^2 without a dense table: only the tokens held differ from |base|^2.
    sizes = np.sqrt(np.maximum(table @ (1 - 2 * base) + (base**2).sum(), _TINY))
    best = np.empty(rows.size, dtype=np.int64)
    for start in range(0, rows.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        centred = prediction.predicted[part] - base
        scores = ((table @ centred.T) - (centred @ base)) / sizes[:, None]
        best[part] = scores.argmax(axis=0) if candidates.size else NOBODY
    return placed(scene, rows, candidates, best)


def token_quality(scene: Scene, prediction: TokenPrediction) -> TokenQuality:
    """Hold predicted tokens against those of the right person, over the filters whose person is known.

    Where the attacker's copies have errors, these count as errors of the prediction.

    See Also
    --------
    known_pairs : Does this, and has an example.
    """
    has_partner = scene.partner[prediction.rows] != NOBODY
    truth = scene.known_tokens.to_csr()[scene.partner[prediction.rows[has_partner]]].toarray() > 0
    named = prediction.predicted[has_partner] > prediction.threshold
    blind = max(
        (_set_quality(np.broadcast_to(prediction.base > level, truth.shape), truth) for level in _THRESHOLDS),
        key=lambda quality: quality[2],
    )
    precision, recall, f1 = _set_quality(named, truth)
    return TokenQuality(precision, recall, f1, blind[2], prediction.threshold)


def best_threshold(predicted: Matrix, tokens: Matrix) -> float:
    """Give the threshold at which the predicted sets have the best mean F1.

    Examples
    --------
    >>> predicted = np.array([[0.9, 0.3, 0.1], [0.2, 0.8, 0.35]], dtype=np.float32)
    >>> best_threshold(predicted, np.array([[1, 1, 0], [0, 1, 1]], dtype=np.float32))
    0.25
    """
    truth = tokens > 0
    scores = [_set_quality(predicted > level, truth)[2] for level in _THRESHOLDS]
    return round(float(_THRESHOLDS[int(np.argmax(scores))]), 2)


def require_pairs(scene: Scene) -> None:
    """Raise `UsageError` if too few pairs were leaked to learn from."""
    if scene.leaked.size < FEWEST_PAIRS:
        raise UsageError(
            f"known pairs: wanted at least {FEWEST_PAIRS} leaked pairs, got {scene.leaked.size}",
            code="no-leak",
        )


def unknown(scene: Scene) -> tuple[Rows, Rows]:
    """Give the filters that were not leaked, and the known records that none of the leaked is."""
    return (
        np.delete(np.arange(len(scene.encoded)), scene.leaked),
        np.delete(np.arange(len(scene.known_tokens)), scene.partner[scene.leaked]),
    )


def placed(scene: Scene, rows: Rows, candidates: Rows, best: Rows) -> Guess:
    """Make a guess of what was told and, for the other filters, of the places of candidates."""
    guess = np.full(len(scene.encoded), NOBODY, dtype=np.int64)
    guess[scene.leaked] = scene.partner[scene.leaked]  # what the attacker was told
    if candidates.size:
        guess[rows] = candidates[best]
    return guess


def _set_quality(named: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """Give precision, recall and F1 of sets, averaged over rows; of nothing all are 0."""
    right = (named & truth).sum(axis=1)
    n_named, n_true = named.sum(axis=1), truth.sum(axis=1)
    shares: list[Scores] = [
        right / np.maximum(n_named, 1),
        right / np.maximum(n_true, 1),
        2 * right / np.maximum(n_named + n_true, 1),
    ]
    precision, recall, f1 = (float(share.mean()) if share.size else 0.0 for share in shares)
    return precision, recall, f1
