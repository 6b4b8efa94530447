"""
A fictitious population of the United Kingdom, and sources drawn from it.

People live in households and have names of their sex, cohort and origin.  A *source* is a
table that one organisation would hold about some of them, with the errors of its clerks;
the truth, who each record is, stands beside it and never in it.
"""

from pprl.datasets.uk.population import Population, population
from pprl.datasets.uk.rates import PRESETS, Rates
from pprl.datasets.uk.sources import SOURCES, Source, draw_source, true_pairs

__all__ = ["PRESETS", "SOURCES", "Population", "Rates", "Source", "draw_source", "population", "true_pairs"]
