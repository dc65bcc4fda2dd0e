"""One list out of several tools' findings."""

from __future__ import annotations

from dataclasses import replace

from odyssey.checks.findings import Finding, Place, Severity
from odyssey.checks.merging import merged

PLACE = Place("a.yaml", resource="Config", path=("ProductionVariants", 0, "InstanceType"), line=7)
OURS = Finding("SM201", Severity.WARNING, "no such type", PLACE)
LINT = Finding("E3030", Severity.ERROR, "'x' is not one of ...", PLACE, tool="cfn-lint")
CDK = replace(LINT, rule="F3030", tool="cdk")


def test_what_others_say_of_the_same_place_is_told_once_in_our_words() -> None:
    (told,) = merged([CDK, LINT, OURS])

    assert (told.rule, told.message) == ("SM201", "no such type")
    assert told.also == ("E3030", "F3030")
    assert told.severity == Severity.ERROR


def test_what_cfn_lint_and_the_cdk_say_is_told_once() -> None:
    (told,) = merged([CDK, LINT])

    assert (told.rule, told.also) == ("E3030", ("F3030",))


def test_two_rules_of_others_about_one_place_are_two_faults() -> None:
    assert len(merged([LINT, replace(CDK, rule="F1234")])) == 2


def test_a_missing_member_is_one_fault_whoever_names_the_place() -> None:
    within = replace(PLACE, path=PLACE.path[:-1])
    lint = replace(LINT, message="'InstanceType' is a required property", place=within)
    other = replace(LINT, message="'ModelName' is a required property", place=within)

    assert [each.rule for each in merged([OURS, lint])] == ["SM201"]
    assert len(merged([OURS, other])) == 2


def test_a_wrong_entry_is_one_fault_also_where_one_names_the_list() -> None:
    tags = replace(OURS, value="aws:team", place=replace(PLACE, path=("Tags",)))
    entry = replace(PLACE, path=("Tags", 0, "Key"))
    lint = replace(LINT, message="'aws:team' does not match '^(?!aws:).+$'", place=entry)

    assert [each.rule for each in merged([tags, lint])] == ["SM201"]
    assert len(merged([tags, replace(lint, message="'x' does not match")])) == 2


def test_what_is_good_to_know_hides_nothing_that_is_refused() -> None:
    assert len(merged([replace(OURS, severity=Severity.INFO), LINT])) == 2


def test_the_same_path_of_another_resource_or_file_is_another_fault() -> None:
    elsewhere = replace(LINT, place=replace(PLACE, resource="Other"))
    beside = replace(LINT, place=replace(PLACE, file="b.yaml"))

    assert len(merged([OURS, elsewhere, beside])) == 3


def test_an_opinion_of_cdk_nag_does_not_make_ours_more_severe() -> None:
    bucket = Place("a.yaml", resource="Data")
    ours = Finding("BKT107", Severity.INFO, "requests without TLS are taken", bucket)
    nag = Finding("AwsSolutions-S10", Severity.WARNING, "no SSL", bucket, tool="cdk-nag")
    other = replace(nag, rule="AwsSolutions-S1")

    told = merged([nag, other, ours])

    assert [(each.rule, each.severity, each.also) for each in told] == [
        ("AwsSolutions-S1", Severity.WARNING, ()),
        ("BKT107", Severity.INFO, ("AwsSolutions-S10",)),
    ]


def test_findings_are_in_the_order_of_files_and_lines_whoever_found_them() -> None:
    late = replace(LINT, place=replace(PLACE, resource="Late", line=40))
    first = replace(OURS, place=replace(PLACE, resource="First", line=2))

    assert [each.place.line for each in merged([late, OURS, first])] == [2, 7, 40]
    assert merged([late, OURS, first]) == merged([first, late, OURS])
