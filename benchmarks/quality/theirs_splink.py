"""
Link a set in clear with Splink 5 on DuckDB, the model trained without the truth.

    python theirs_splink.py SET_FOLDER ANSWER_FOLDER
"""

import logging
import sys

import duckdb
import pyarrow as pa
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from answers import ways, write_answer
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink import __version__ as version
from tidying import read_set

LEAST = -10.0  # of the log2 odds, of pairs that are looked at further
EVEN_ODDS = 0.0
RECALL = 0.8  # guessed, of the deterministic rules that the prior is counted with


def family_name():
    """Compare family names, also with a former one, and with the given name in the other's place."""
    former = (
        "(family_name_l = previous_family_name_r OR previous_family_name_l = family_name_r"
        " OR previous_family_name_l = previous_family_name_r)"
    )
    swapped = "(family_name_l = given_name_r AND given_name_l = family_name_r)"
    return cl.CustomComparison(
        output_column_name="family_name",
        comparison_levels=[
            cll.NullLevel("family_name"),
            cll.ExactMatchLevel("family_name").configure(tf_adjustment_column="family_name"),
            cll.CustomLevel(former, label_for_charts="A former name"),
            cll.CustomLevel(swapped, label_for_charts="Names swapped"),
            cll.JaroWinklerLevel("family_name", 0.92),
            cll.JaroWinklerLevel("family_name", 0.88),
            cll.JaroWinklerLevel("family_name", 0.7),
            cll.ElseLevel(),
        ],
    )


def birth():
    """Compare dates of birth as text and as dates."""
    return cl.DateOfBirthComparison("date_of_birth", input_is_string=True, invalid_dates_as_null=False)


# For each preset: how fields are compared, which pairs are looked at, which pairs the model is
# trained on, and rules that find hardly any false pair.  What names a field that a set has not is left out.
MODELS = {
    "uk-health": {
        "comparisons": {
            "given_name": cl.NameComparison("given_name"),
            "family_name": family_name(),
            "date_of_birth": birth(),
            "sex": cl.ExactMatch("sex"),
            "postcode": cl.PostcodeComparison("postcode"),
            "health_number": cl.DamerauLevenshteinAtThresholds("health_number", [1]),
        },
        "blocks": (
            ("health_number",),
            ("given_name", "family_name"),
            ("family_name", "date_of_birth"),
            ("given_name", "date_of_birth"),
            ("postcode", "date_of_birth"),
            ("family_name", "postcode"),
            ("given_name", "postcode"),
            ("date_of_birth", "sex"),
            ("family_name", "substr(given_name, 1, 1)", "substr(date_of_birth, 1, 4)"),
            ("given_name", "sex", "substr(date_of_birth, 1, 7)"),
        ),
        "training": (("date_of_birth",), ("given_name", "family_name"), ("postcode",)),
        "certain": (
            ("health_number",),
            ("given_name", "family_name", "date_of_birth"),
            ("given_name", "date_of_birth", "postcode"),
        ),
    },
    "febrl": {
        "comparisons": {
            "surname": cl.ForenameSurnameComparison(
                "given_name", "surname", forename_surname_concat_col_name="full_name"
            ),
            "date_of_birth": birth(),
            "address_1": cl.JaroWinklerAtThresholds("address_1", [0.92, 0.8]),
            "suburb": cl.NameComparison("suburb"),
            "postcode": cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]),
            "state": cl.ExactMatch("state"),
        },
        "blocks": (
            ("given_name", "surname"),
            ("surname", "date_of_birth"),
            ("given_name", "date_of_birth"),
            ("date_of_birth",),
            ("surname", "postcode"),
            ("given_name", "postcode"),
            ("address_1",),
            ("surname", "suburb"),
            ("given_name", "suburb"),
            ("suburb", "postcode"),
        ),
        "training": (("date_of_birth",), ("given_name", "surname"), ("suburb", "postcode")),
        "certain": (("given_name", "surname", "date_of_birth"), ("surname", "date_of_birth", "postcode")),
    },
}


def arrow(table):
    """Give a table to Splink: what is not known is null, and full names have their own frequencies."""
    made = {name: [row[name] or None for row in table] for name in table[0]}
    if "surname" in made:
        pairs = zip(made["given_name"], made["surname"], strict=True)
        made["full_name"] = [f"{given} {surname}" if given and surname else None for given, surname in pairs]
    return pa.table({name: pa.array(values, pa.string()) for name, values in made.items()})


def of_known_fields(rules, fields):
    """Make blocking rules of those that name fields of the set alone."""
    return [block_on(*rule) for rule in rules if "health_number" not in rule or "health_number" in fields]


def trained(about, tables):
    """Give a linker whose model is trained on the set, and the rules on which it could not be trained.

    Among very few matches a probability can sink to zero.  Splink then stops, and leaves the model
    half changed: a new one is trained without that rule.
    """
    rules, failed = list(MODELS[about["preset"]]["training"]), []
    while rules:
        linker = prepared(about, tables)
        for rule in rules:
            try:
                linker.training.estimate_parameters_using_expectation_maximisation(block_on(*rule))
            except ValueError as error:
                if "m_probability" not in str(error):
                    raise
                failed.append(rule)
        if not set(failed) & set(rules):
            return linker, failed
        rules = [rule for rule in rules if rule not in failed]
    raise SystemExit("the model cannot be trained on this set")


def prepared(about, tables):
    """Give a linker with all but the m probabilities."""
    model, fields = MODELS[about["preset"]], set(about["fields"])
    settings = SettingsCreator(
        link_type="link_only" if about["kind"] == "link" else "dedupe_only",
        unique_id_column_name="record_id",
        comparisons=[made for field, made in model["comparisons"].items() if field in fields],
        blocking_rules_to_generate_predictions=of_known_fields(model["blocks"], fields),
    )
    api = DuckDBAPI(duckdb.connect(config={"threads": 1}))
    names = ("left_source", "right_source")
    sources = [
        api.register(arrow(table), dataset_display_name=name)
        for table, name in zip(tables, names, strict=False)
    ]
    linker = Linker(sources, settings, log_level=logging.WARNING)
    certain = of_known_fields(model["certain"], fields)
    linker.training.estimate_probability_two_random_records_match(certain, recall=RECALL)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e7, seed=1)
    return linker


def main(set_folder, answer_folder):
    """Link and write the answer."""
    about, tables = read_set(set_folder)
    linker, failed = trained(about, tables)
    found = linker.inference.predict(threshold_match_weight=LEAST).as_record_list()
    pairs = [(row["record_id_l"], row["record_id_r"], row["match_weight"]) for row in found]
    left_ids = {row["record_id"] for row in tables[0]}
    pairs = [(one, two, score) if one in left_ids else (two, one, score) for one, two, score in pairs]
    answer = ways(about, pairs, EVEN_ODDS, "log2 odds")
    write_answer(answer_folder, answer, version=f"splink {version}", not_trained_on=failed)


if __name__ == "__main__":
    main(*sys.argv[1:3])
