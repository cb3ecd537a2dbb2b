"""The engine gives the reference's answers, on whatever world (mandates.md section 10)."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mandates.catalogue_rules import check_type
from tests.mandates.agreement import differs
from tests.mandates.catalogues import CATALOGUES, some_catalogue
from tests.mandates.reference_run import compare
from tests.mandates.worlds import random_questions

questions = st.randoms(use_true_random=False).map(random_questions)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(questions)
def test_no_world_that_hypothesis_finds_is_judged_otherwise(asked):
    assert differs(asked) is None


def test_five_thousand_worlds_agree_and_their_questions_are_no_foregone_denies():
    tally = compare(range(5_000), seed=2)
    assert tally.difference is None
    assert tally.worlds == 5_000
    assert tally.permitted > 0.15 * tally.questions


def test_every_catalogue_of_the_random_worlds_is_one_that_would_be_loaded():
    for number in range(CATALOGUES):
        types = some_catalogue(number).types
        for one in types.values():
            check_type(one, types)
