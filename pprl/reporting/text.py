"""What the command line shows: plain text in columns, ASCII only, so that any console can print it."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from pprl.agreement import Agreement
from pprl.comparison.sampling import Estimate
from pprl.encoding.blocks import Block, FieldBlock
from pprl.encoding.passes import FuzzyPass, Pass, PassField
from pprl.exchange.parties import Party
from pprl.exchange.words import words_of
from pprl.linkage import LinkageResult
from pprl.linkage.recall import StratumRecall
from pprl.linkage.results import Judgement
from pprl.linkage.several import ClusterResult
from pprl.model import BitMatrix, EncodedDataset
from pprl.model.arrays import Mask
from pprl.workflow import Encoding

Rows = list[tuple[object, ...]]
_DEALERS = {"ceremony": "made by all custodians", "single": "made by one custodian (for a pilot)"}


def columns(rows: Iterable[Sequence[object]]) -> str:
    """Set rows in columns: text to the left, numbers to the right.

    Examples
    --------
    >>> print(columns([("pass", "links"), ("exact", 12)]))
    pass   links
    exact     12
    """
    table = [list(row) for row in rows]
    widths = [max(len(str(cell)) for cell in column) for column in zip(*table, strict=True)]
    to_right = [any(isinstance(cell, int | float) for cell in column) for column in zip(*table, strict=True)]
    lines = (
        "  ".join(
            str(cell).rjust(width) if right else str(cell).ljust(width)
            for cell, width, right in zip(row, widths, to_right, strict=True)
        ).rstrip()
        for row in table
    )
    return "\n".join(lines)


def describe_agreement(agreement: Agreement) -> str:
    """Say what an agreement says, for people who will sign it."""
    fields: Rows = [("field", "kind", "column", "bits")]
    kinds = {rule.name: str(rule.__struct_config__.tag) for rule in agreement.fields}
    fields += [
        (
            rule.name,
            kinds[rule.name],
            " ".join([*rule.sources, rule.separator]).strip(),
            str(rule.weight or "-"),
        )
        for rule in agreement.fields
    ]
    passes: Rows = [("pass", "compared", "bits sent", "threshold", "made by", "fields (* required)")]
    passes += [_pass_row(one) for one in agreement.passes]
    head: Rows = [
        ("project", agreement.project),
        ("epoch", str(agreement.epoch)),
        ("target", f"{agreement.matching.target}, {agreement.matching.cardinality}"),
        ("purpose", "research on fictitious people" if agreement.research else "real records"),
        *_validity(agreement),
        ("fingerprint", agreement.fingerprint),
        ("in eight words", " ".join(agreement.words)),
    ]
    blocks = [
        (one.name, _block(rule), rule.n_tables)
        for one in agreement.passes
        if isinstance(one, FuzzyPass)
        for rule in one.blocks
    ]
    parts: list[Rows] = [head, fields, passes]
    if blocks:
        parts.append([("pass", "block tags", "tables"), *blocks])
    if agreement.parties:
        parts.append(_parties(agreement.parties))
    return "\n\n".join(columns(part) for part in parts)


def describe_party(party: Party) -> str:
    """Say who a party is, and how to tell its keys from another's."""
    return columns(
        [
            ("party", party.name),
            ("role", party.role),
            ("fingerprint", party.fingerprint),
            ("in eight words", " ".join(words_of(party.fingerprint))),
        ]
    )


def _validity(agreement: Agreement) -> Rows:
    """Say what holds between parties, if there are any or if it was agreed."""
    rows: Rows = []
    if agreement.parties or agreement.version > 1:
        rows.append(("version", str(agreement.version)))
    if agreement.expires is not None:
        rows.append(("last day", agreement.expires.isoformat()))
    if agreement.removed:
        rows.append(("removed parties", " ".join(agreement.removed)))
    if agreement.parties:
        rows.append(("linkage secret", _DEALERS[agreement.dealer]))
        rows.append(("opt-outs", agreement.opt_outs))
    return rows


def _parties(parties: Iterable[Party]) -> Rows:
    rows = ((one.name, one.role, " ".join(words_of(one.fingerprint))) for one in parties)
    return [("party", "role", "its keys in eight words"), *rows]


def _block(rule: Block) -> str:
    """Name a block rule and what it reads."""
    if not isinstance(rule, FieldBlock):
        return f"{rule.__struct_config__.tag}, {rule.bits} bits each"
    parts = ", ".join(f"{part.field} ({part.part})" for part in rule.parts)
    return f"{rule.__struct_config__.tag}: {parts}"


def _pass_row(one: Pass) -> tuple[object, ...]:
    if not isinstance(one, FuzzyPass):
        used = " ".join(f"{name}*" for name in one.fields)
        return one.name, "for equality", one.out_bits(), "-", f"differing {one.differing}", used
    steps = ", ".join(_told(step) for step in (one.encoding, *one.hardening))
    used = " ".join(_use(use) for use in one.fields)
    if one.salt is not None:
        used += f" salted by {one.salt.field} ({one.salt.part})"
    return one.name, "by Dice", one.out_bits(), _threshold(one), steps, used


def _threshold(one: FuzzyPass) -> str:
    return "-" if one.threshold is None else str(one.threshold)


def _told(choice: msgspec.Struct) -> str:
    """Name a choice and whatever of it is not the default."""
    options = msgspec.to_builtins(choice)
    tag = options.pop(choice.__struct_config__.tag_field)
    told = ", ".join(f"{name} = {value}" for name, value in options.items())
    return f"{tag}({told})" if told else str(tag)


def _use(use: PassField) -> str:
    """Name a field as a pass uses it."""
    options = [f"bag {use.bag}"] if use.bag else []
    options += [_told(use.tokens)] if use.tokens else []
    options += [f"{use.bits} bits"] if use.bits else []
    options += [f"{use.bits_per_token} bits a token"] if use.bits_per_token else []
    return use.field + "*" * use.required + (f" ({', '.join(options)})" if options else "")


def describe_encoding(encoding: Encoding) -> str:
    """Say what was encoded and what cleaning saw."""
    package = encoding.package
    parts = [
        f"{len(package)} records encoded; {encoding.n_ignored} other columns were not read",
        columns([("pass", "records present", "absent"), *_presence(package)]),
    ]
    for title, counts in (("without a value because", encoding.reasons), ("noticed", encoding.flags)):
        found = [(name, reason, count) for name, some in counts.items() for reason, count in some.items()]
        if found:
            parts.append(columns([("field", title, "records"), *found]))
    return "\n\n".join(parts)


def _presence(package: EncodedDataset) -> list[tuple[str, int, int]]:
    counts = [(name, int(present.sum())) for name, present in package.present.items()]
    return [(name, n_present, len(package) - n_present) for name, n_present in counts]


def describe_package(package: EncodedDataset) -> str:
    """Say what a package holds, without showing any of it."""
    head: Rows = [
        ("records", str(len(package))),
        ("project", package.project),
        ("epoch", str(package.epoch)),
        ("fingerprint", package.fingerprint),
        ("key tag", package.check_tags.key),
        ("encoder tag", package.check_tags.encoder),
        ("made by", package.provenance.software),
        ("Unicode data", package.provenance.unicode_version),
    ]
    passes: Rows = [("pass", "bits", "records present", "share of bits set")]
    passes += [
        (name, bits.n_bits, int(package.present[name].sum()), f"{fill(bits, package.present[name]):.3f}")
        for name, bits in package.passes.items()
    ]
    blocks = [(name, n_tables) for name, n_tables in package.n_tables().items()]
    tables: list[Rows] = [[("pass", "block tags a record"), *blocks]] if blocks else []
    return "\n\n".join(columns(part) for part in (head, passes, *tables))


def fill(bits: BitMatrix, present: Mask) -> float:
    """Give the share of bits set, over the records present; 0 if there are none."""
    n_cells = int(present.sum()) * bits.n_bits
    return float(bits.popcounts()[present].sum()) / n_cells if n_cells else 0.0


def describe_result(result: LinkageResult, agreement: Agreement | None = None) -> str:
    """Say how a linkage went, pass by pass; the agreement, if given, says whether decoys were wanted."""
    rows: Rows = [("pass", "compared", "left records", "right records", "crowded", "pairs", "links")]
    rows += [
        (
            one.name,
            one.candidates.replace("-", " "),
            one.n_left,
            one.n_right,
            one.n_crowded,
            one.n_pairs,
            one.n_links,
        )
        for one in result.counts
    ]
    head: Rows = [
        ("left records", result.n_left),
        ("right records", result.n_right),
        ("links", len(result.links)),
        ("conflicting pairs", len(result.conflicts)),
    ]
    tagged: Rows = [("pass", "share of wanted pairs with a tag in common", "95 % interval")]
    tagged += [(one.name, *_recall(one.recall)) for one in result.counts if one.candidates == "shared-tags"]
    dropped: Rows = [("pass", "blocks dropped", "candidate pairs lost at most")]
    dropped += [(one.name, one.dropped.n_blocks, one.dropped.n_pairs) for one in result.counts if one.dropped]
    wanted = agreement is not None and agreement.decoys is not None
    judged = [] if result.judgement is None else [describe_judgement(result.judgement, wanted=wanted)]
    parts = [columns(part) for part in (head, rows, tagged, dropped) if len(part) > 1]
    return "\n\n".join([*parts, *judged])


_TOLD_BY = {True: "precision, as decoys tell", False: "precision, as a model expects"}


def describe_judgement(judgement: Judgement, *, wanted: bool = False) -> str:
    """Say what was asked of links, and what they are worth; `wanted` is whether decoys were asked for."""
    asked = judgement.precision
    aim = "links more likely true than not" if asked is None else f"a precision of {asked:g}"
    rows: Rows = [("asked for", aim)]
    estimate = judgement.estimate
    if estimate is not None:
        rows += [
            (_TOLD_BY[judgement.measured], f"{estimate.precision:.4f}"),
            ("95 % interval", f"{estimate.low:.4f} to {estimate.high:.4f}"),
        ]
        rows += [("links to decoys", str(estimate.n_decoy_links))] if judgement.measured else []
    recall = judgement.recall
    if recall is not None:
        rows += [
            ("recall, as spike-ins tell", f"{recall.recall:.4f}"),
            ("95 % interval", f"{recall.low:.4f} to {recall.high:.4f}"),
        ]
    parts = [columns(rows)]
    if not judgement.supported and asked is not None:
        parts.append(
            f"these data cannot show a precision of {asked:g}: {_unsupported(judgement, wanted=wanted)}"
        )
    if recall is not None and recall.strata:
        strata: Rows = [("spike-ins prone to", "number", "found", "share"), *map(_stratum, recall.strata)]
        parts.append(f"\n{columns(strata)}")
    return "\n".join(parts)


def _stratum(stratum: StratumRecall) -> tuple[object, ...]:
    return stratum.name, stratum.n, stratum.n_found, f"{stratum.rate:.3f}"


def _unsupported(judgement: Judgement, *, wanted: bool) -> str:
    if judgement.estimate is None and judgement.measured:
        return "no link was made"
    if not judgement.measured:
        more = "no decoys could be made of these tables" if wanted else "decoys could tell more"
        return f"a model of all pairs expects that none of the links reach it; {more}"
    return "the links made are those before any to a decoy; with more decoys they could tell more"


def describe_clusters(result: ClusterResult, agreement: Agreement | None = None) -> str:
    """Say how the linkage of several parties went, or of one with itself; the agreement as above."""
    clusters = result.clusters
    head: Rows = [
        ("records", len(clusters)),
        ("people", clusters.n_clusters),
        ("records that are linked", result.n_linked),
        ("links that the clusters do not honour", result.n_parted),
    ]
    sources = Counter(clusters.names[code] for code in clusters.party.tolist())
    held: Rows = [("source", "records"), *((name, sources[name]) for name in clusters.names)]
    sizes: Rows = [("records of a person", "people"), *result.sizes().items()]
    found = [
        f"{' and '.join(dict.fromkeys(names))}\n{describe_result(one, agreement)}"
        for names, one in result.pairs.items()
    ]
    return "\n\n".join([columns(head), columns(held), columns(sizes), *found])


def _recall(recall: Estimate | None) -> tuple[str, str]:
    if recall is None:
        return "too few pairs to tell", ""
    return f"{recall.value:.3f}", f"{recall.low:.3f} to {recall.high:.3f}"
