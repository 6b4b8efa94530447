"""A report of a linkage: what the links are worth, without a known truth; run me in an empty folder."""

import pprl
from pprl.datasets.uk import draw_source, population

everybody = population(3000, seed=7)  # nobody of them exists
trust = draw_source(everybody, "mental_health_trust", "measured", seed=7).table
hospital = draw_source(everybody, "hospital", "measured", seed=7).table

agreement = pprl.Agreement.preset("uk-health")
key = pprl.LinkageKey.generate()  # shared by the custodians, never seen by the linkage unit
left = pprl.encode(trust, agreement, key, id="record_id")
right = pprl.encode(hospital, agreement, key, id="record_id")
result = pprl.link(left, right, agreement=agreement)

# No truth is needed: decoys tell precision, and spike-ins tell recall.  Small counts are hidden in both.
pprl.report(result, "report.html", names=("trust", "hospital"), agreement=agreement)  # for people
pprl.report(result, "report.json", names=("trust", "hospital"), agreement=agreement)  # for programs
print(result)
