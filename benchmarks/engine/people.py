"""
Fictitious people for the engine benchmark: two tables that share half of their people.

Names are drawn letter by letter, each letter after the two before it as in common names, so that
their bigrams are as unequally frequent as those of real names; how often a name occurs falls with
its rank (Zipf).  One person in five lives with an earlier one, under the same family name and
postcode.  In the second table the shared people have typing errors, new addresses and values
left out.
"""

import string
from collections import Counter, defaultdict

import numpy as np
import pandas as pd


def words(text):
    """Cut a text into its words."""
    return text.split()


GIVEN_F = words(
    "margaret mary susan elizabeth patricia jean christine linda ann karen sarah julie helen jane emma "
    "claire nicola laura rebecca amy charlotte jessica lauren sophie hannah olivia chloe emily megan "
    "katherine victoria alison fiona heather catherine caroline joanne samantha aisha fatima priya"
)
GIVEN_M = words(
    "john david michael peter robert william james alan brian kenneth paul andrew mark stephen richard "
    "christopher daniel matthew thomas joshua jack benjamin samuel alexander george edward charles harry "
    "joseph simon ian graham stuart craig scott gareth rhys owen mohammed ahmed imran arjun"
)
FAMILY = words(
    "smith jones williams taylor brown davies evans wilson thomas roberts johnson lewis walker robinson "
    "wood thompson white watson jackson wright green harris cooper king lee martin clarke james morgan "
    "hughes edwards hill moore clark harrison scott young morris hall ward turner carter phillips mitchell "
    "patel adams campbell anderson allen cook bailey parker miller davis murphy price bell baker griffiths "
    "kelly simpson marshall collins bennett cox richardson fox gray rose chapman hunt robertson shaw "
    "reynolds lloyd ellis richards russell wilkinson khan graham stewart reid murray powell palmer holmes "
    "rogers stevens walsh hunter thomson matthews ross owen mason knight kennedy butler saunders cole "
    "pearson macdonald sutherland mackenzie fraser hamilton begum ahmed hussain singh kaur o'neill o'brien"
)
AREAS = words("B M LS S L G EH CF BS NG SW SE N E W NE BN PO RG OX CB IP NR EX PL SA LL AB DD BT YO HU DN PR")
VOWELS = frozenset("aeiouy")
LETTERS = np.array(list(string.ascii_lowercase))
# Shares: living with another; having an earlier family name; errors and changes in the second table.
WITH_ANOTHER, EARLIER_NAME, NO_POSTCODE = 0.2, {"f": 0.55, "m": 0.05}, 0.03
WRONG_GIVEN, WRONG_FAMILY, NEW_FAMILY, WRONG_DATE, MOVED, FORGOTTEN = 0.12, 0.12, 0.03, 0.05, 0.1, 0.15
LOOSE = 0.15  # share of letters that follow one letter only, or there would be too few names
DAYS = 34_000  # dates of birth lie in these days, from 1930


def names(seen, n, rng):
    """Make n distinct names: the ones seen, then others whose letters follow one another as in those."""
    after = defaultdict(Counter)
    for name in seen:
        marked = f"^{name}$"
        for place in range(1, len(marked)):
            for width in (1, 2):
                after[marked[max(place - width, 0) : place]][marked[place]] += 1
    chain = {
        told: (list(next_), np.cumsum(list(next_.values())) / next_.total()) for told, next_ in after.items()
    }
    made = dict.fromkeys(seen)
    while len(made) < n:
        name = "^"
        for chance, loose in zip(rng.random(13), rng.random(13) < LOOSE, strict=True):
            letters, shares = chain[name[-1:] if loose else name[-2:]]
            name += letters[int(np.searchsorted(shares, chance, side="right"))]
            if name.endswith("$"):
                break
        if name.endswith("$") and len(name) >= 5 and not VOWELS.isdisjoint(name):
            made[name[1:-1]] = None
    return np.array(list(made)[:n])


def often(values, n, rng):
    """Draw n of the values, the first ones most often."""
    weights = 1 / np.arange(8, len(values) + 8)
    return rng.choice(values, size=n, p=weights / weights.sum())


def postcodes(n, rng):
    """Make n distinct postcodes."""
    inward = [a + b for a in "ABDEFGHJLN" for b in "PQRSTUWXYZ"]
    made = {
        f"{area}{district} {sector}{unit}"
        for area, district, sector, unit in zip(
            often(AREAS, 2 * n, rng),
            rng.integers(1, 30, size=2 * n),
            rng.integers(1, 10, size=2 * n),
            rng.choice(inward, size=2 * n),
            strict=True,
        )
    }
    return rng.permutation(sorted(made))[:n]


class Country:
    """The names and postcodes that there are; the same for every number of people.

    Parameters
    ----------
    seed : int
        For the random numbers.
    """

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.given = {"f": names(GIVEN_F, 2_000, rng), "m": names(GIVEN_M, 2_000, rng)}
        self.family = names(FAMILY, 30_000, rng)
        self.postcode = postcodes(60_000, rng)

    def people(self, n, rng):
        """Draw n people."""
        sex = rng.choice(["f", "m"], size=n)
        given = np.where(sex == "f", often(self.given["f"], n, rng), often(self.given["m"], n, rng))
        family, postcode = often(self.family, n, rng), rng.choice(self.postcode, size=n)
        row = np.arange(n)
        other = (rng.random(n) * row).astype(np.int64)
        other = np.where(rng.random(n) < WITH_ANOTHER, other, row)
        born = np.datetime64("1930-01-01") + (DAYS * rng.beta(2.2, 1.6, size=n)).astype("timedelta64[D]")
        has_earlier = rng.random(n) < np.where(sex == "f", EARLIER_NAME["f"], EARLIER_NAME["m"])
        drawn = {
            "given_name": given,
            "family_name": family[other],
            "previous_family_name": np.where(has_earlier, often(self.family, n, rng), None),
            "date_of_birth": born.astype(str),
            "sex": sex,
            "postcode": np.where(rng.random(n) < NO_POSTCODE, None, postcode[other]),
        }
        return pd.DataFrame({name: column.astype(object) for name, column in drawn.items()})

    def copied(self, people, rng):
        """Give the same people as another clerk typed them."""
        n = len(people)
        copy = people.copy()
        for column, share in (("given_name", WRONG_GIVEN), ("family_name", WRONG_FAMILY)):
            rows = np.flatnonzero(rng.random(n) < share)
            copy.loc[rows, column] = [mistyped(name, rng) for name in people[column].to_numpy()[rows]]
        rows = np.flatnonzero(rng.random(n) < NEW_FAMILY)
        copy.loc[rows, "family_name"] = often(self.family, len(rows), rng)
        copy.loc[rows, "previous_family_name"] = people["family_name"][rows]
        rows = rng.random(n) < FORGOTTEN
        copy.loc[rows, "previous_family_name"] = None
        rows = np.flatnonzero(rng.random(n) < WRONG_DATE)
        copy.loc[rows, "date_of_birth"] = [misdated(date, rng) for date in people["date_of_birth"][rows]]
        rows = np.flatnonzero(rng.random(n) < MOVED)
        copy.loc[rows, "postcode"] = rng.choice(self.postcode, size=len(rows))
        copy.loc[rng.random(n) < NO_POSTCODE, "postcode"] = None
        return copy


def mistyped(name, rng):
    """Leave out, double, change or swap one letter."""
    place, kind = int(rng.integers(len(name) - 1)), int(rng.integers(4))
    letter, after = name[place], name[place + 1]
    instead = (after, letter + letter + after, LETTERS[rng.integers(26)] + after, after + letter)[kind]
    return name[:place] + instead + name[place + 2 :]


def misdated(date, rng):
    """Swap day and month where that is a date; otherwise give another day of the month."""
    year, month, day = date.split("-")
    if int(day) <= 12 and day != month:
        return f"{year}-{day}-{month}"
    return f"{year}-{month}-{1 + int(rng.integers(28)):02d}"


def two_tables(n, seed):
    """Draw two tables of n people each; half of the people are in both, in another order."""
    rng = np.random.default_rng((seed, n))
    country = Country(seed)
    left = country.people(n, rng)
    shared = n // 2
    right = pd.concat(
        [country.copied(left[:shared], rng), country.people(n - shared, rng)], ignore_index=True
    )
    tables = left, right.iloc[rng.permutation(n)].reset_index(drop=True)
    for table, side in zip(tables, "ab", strict=True):
        table.insert(0, "id", [f"{side}{row}" for row in range(n)])
    return tables
