"""From links to a table for research, without a name on the way: run me in an empty folder."""

import pprl
from pprl.datasets.uk import draw_source, population
from pprl.exchange.crosswalks import save_crosswalk, save_record_keys
from pprl.linkage import assign_record_keys, clusters_of_links

everybody = population(3000, seed=7)  # nobody of them exists
names = ("mental_health_trust", "hospital")
tables = [draw_source(everybody, name, "measured", seed=7).table for name in names]
agreement = pprl.Agreement.preset("uk-health")
key = pprl.LinkageKey.generate()

# At each custodian: encode, and keep the way back from random record ids.
left, left_map = pprl.pseudonymise(pprl.encode(tables[0], agreement, key, id="record_id"))
right, right_map = pprl.pseudonymise(pprl.encode(tables[1], agreement, key, id="record_id"))

# At the linkage unit: link, and draw a key for every record, matched or not.
result = pprl.link(left, right, agreement=agreement)
keys, crosswalk = assign_record_keys(clusters_of_links(names, (left, right), result.links))
save_record_keys("keys-trust.csv", keys[0], left.record_ids)
save_record_keys("keys-hospital.csv", keys[1], right.record_ids)
save_crosswalk("crosswalk.csv", crosswalk)

# At each custodian again: keys take the place of ids, and what identifies people is left out.
trust = pprl.attach(tables[0], "keys-trust.csv", id="record_id", agreement=agreement, id_map=left_map)
hospital = pprl.attach(tables[1], "keys-hospital.csv", id="record_id", agreement=agreement, id_map=right_map)
trust.save("trust.parquet")
hospital.save("hospital.parquet")

# In the research environment: rows of one person come together.
attached = {"mental_health_trust": "trust.parquet", "hospital": "hospital.parquet"}
joined = pprl.join(attached, "crosswalk.csv")
joined.save("joined.parquet")
print(joined)
print(joined.to_pandas().head())
