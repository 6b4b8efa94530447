"""Two custodians encode, a linkage unit links, and the known truth judges: run me in an empty folder."""

import pprl
from pprl.datasets.febrl import febrl4

people = febrl4()
agreement = pprl.Agreement.preset("febrl")
key = pprl.LinkageKey.generate()  # shared by the custodians, never seen by the linkage unit
pprl.encode(people.left, agreement, key, id="rec_id").save("a.pprl")
pprl.encode(people.right, agreement, key, id="rec_id").save("b.pprl")
result = pprl.link(pprl.load("a.pprl"), pprl.load("b.pprl"), agreement=agreement)
print(result.links.to_pandas().head())
print(pprl.evaluate(result, people.truth))
