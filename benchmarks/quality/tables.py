"""
Tables of results.csv in Markdown: F1 with precision and recall, recall by group, what tools expect, times.
"""

from collections import defaultdict
from statistics import mean

from judging import EVERYBODY

GROUPS = ("no_fixed_abode", "migrant", "renamed", "others")
OWN, BEST = "its own", "best by truth"


def columns(rows):
    """Give the columns of the tables: a tool at its own threshold, and with * at the best by the truth."""
    found = dict.fromkeys((row.tool, row.rule) for row in rows)
    return sorted(found, key=lambda one: (not one[0].startswith("pprl"), one[1] == BEST))


def heading(column):
    """Name a column."""
    tool, rule = column
    return tool + ("*" if rule == BEST else "")


def best_way(rows):
    """Of the ways in which a tool's pairs were resolved, keep the one with the higher F1 over all seeds."""
    by_way = defaultdict(list)
    for row in rows:
        by_way[row.way].append(row)
    return max(
        by_way.values(),
        key=lambda some: mean(row.f1 or 0.0 for row in some if row.group == EVERYBODY),
        default=[],
    )


def by_cell(rows):
    """Give the rows of each set and column, resolved in the better way."""
    cells = defaultdict(list)
    for row in rows:
        cells[row.set, (row.tool, row.rule)].append(row)
    return {cell: best_way(some) for cell, some in cells.items()}


def share(part, whole):
    """Write a share with three digits."""
    return f"{part / whole:.3f}" if whole else "-"


def pooled(rows, group):
    """Add up the counts of a group over all seeds."""
    some = [row for row in rows if row.group == group]
    return tuple(sum(getattr(row, name) for row in some) for name in ("true_links", "false_links", "missed"))


def quality(rows):
    """Write F1, precision and recall of all seeds together, and how far F1 lies apart."""
    right, wrong, missed = pooled(rows, EVERYBODY)
    f1 = share(2 * right, 2 * right + wrong + missed)
    ranged = [row.f1 or 0.0 for row in rows if row.group == EVERYBODY]
    spread = f" ±{(max(ranged) - min(ranged)) / 2:.3f}" if len(ranged) > 1 else ""
    return f"**{f1}**{spread} ({share(right, right + wrong)}, {share(right, right + missed)})"


def group_recall(rows):
    """Write the recall of each group."""
    counts = [pooled(rows, group) for group in GROUPS]
    return " / ".join(share(right, right + missed) for right, _, missed in counts)


def expected_precision(rows):
    """Write the precision that a tool expected, and what it was."""
    return _expected(rows, "precision", lambda right, wrong, _: share(right, right + wrong))


def expected_recall(rows):
    """Write the recall that a tool expected, and what it was."""
    return _expected(rows, "recall", lambda right, _, missed: share(right, right + missed))


def _expected(rows, name, true):
    some = [row for row in rows if row.group == EVERYBODY and getattr(row, f"said_{name}") is not None]
    if not some:
        return "-"
    middle, low, high = ([getattr(row, f"said_{name}{end}") for row in some] for end in ("", "_low", "_high"))
    between = f" ({mean(low):.3f} to {mean(high):.3f})" if None not in {*low, *high} else ""
    return f"{mean(middle):.3f}{between}, {true(*pooled(some, EVERYBODY))}"


def seconds(rows):
    """Write the mean time."""
    return f"{mean(row.seconds for row in rows):.1f}"


# Of each table: its title, how a cell is written, of which sets, and by which rules; without any, each
# tool has one column.
TABLES = (
    ("F1 (precision, recall)", quality, "", (OWN, BEST)),
    ("Recall: no fixed abode / migrants / renamed / others", group_recall, "uk", (OWN, BEST)),
    ("Precision: expected by the tool itself, true", expected_precision, "", (OWN,)),
    ("Recall: expected by the tool itself, true", expected_recall, "", (OWN,)),
    ("Seconds", seconds, "", ()),
)


def table(rows, title, write, sets, rules):
    """Make one table; an empty text if no tool has anything to say."""
    one_each = {tool: (tool, rule) for tool, rule in reversed(columns(rows))}.values()
    wanted = [column for column in columns(rows) if column[1] in rules] or one_each
    cells = {
        (name, column): some
        for (name, column), some in by_cell(rows).items()
        if name.startswith(sets) and column in wanted
    }
    filled = {cell: write(some) for cell, some in cells.items()}
    used = [one for one in columns(rows) if any(filled.get((name, one), "-") != "-" for name, _ in cells)]
    names = dict.fromkeys(name for name, _ in cells)
    if not used:
        return ""
    lines = [
        f"## {title}",
        "",
        "| set | " + " | ".join(map(heading, used)) + " |",
        "|---" * (len(used) + 1) + "|",
    ]
    lines += [
        f"| {name} | " + " | ".join(filled.get((name, one), "-") for one in used) + " |" for name in names
    ]
    return "\n".join(lines)


def write_tables(path, rows):
    """Write all tables."""
    made = [table(rows, *one) for one in TABLES]
    path.write_text("\n\n".join(filter(None, made)) + "\n", encoding="utf-8")
