"""
A language model of names: which letters most often follow a letter.

Counted over British surnames, weighted by their frequency (Office for National Statistics,
Open Government Licence v3.0).  A space stands for the beginning or the end of a name.
"""

from collections.abc import Mapping

MOST = 8  # letters listed for each

SUCCESSORS: Mapping[str, str] = {
    " ": "bmhscwrp",
    "a": "rnlmtysc",
    "b": "erauoilb",
    "c": "ohkalrec",
    "d": " eaosdig",
    "e": "r lsnyae",
    "f": "oiferalt",
    "g": "h raeoig",
    "h": "a eoiutn",
    "i": "nltsecgd",
    "j": "oaeui",
    "k": "e isanlh",
    "l": "le aiods",
    "m": "aicoe sp",
    "n": " esgdnto",
    "o": "nrwoldub",
    "p": "eahsori ",
    "q": "u ",
    "r": " oietadr",
    "s": " othemsa",
    "t": " hoetais",
    "u": "rnlsgtmc",
    "v": "eiaoylrs",
    "w": "aieohn r",
    "x": " otawlhe",
    "y": " lneoadt",
    "z": " ieagpls",
}
