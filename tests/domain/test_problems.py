from django.utils import translation

from messages.domain.problems import Problem, ProblemError, is_permanent


def test_error_is_described_in_the_active_language():
    error = ProblemError(Problem.OTHERS_NOT_RESTORED, "A, B")
    with translation.override("en"):
        assert "previous URL for: A, B." in str(error)
    with translation.override("pt-br"):
        assert "URL anterior para: A, B." in str(error)


def test_text_of_another_version_is_shown_as_it_is():
    assert Problem.text("other", ["100 % {sure}"]) == "100 % {sure}"
    assert Problem.text("a code of tomorrow") == "a code of tomorrow"
    assert Problem.text("") == ""


def test_problem_that_time_solves_is_not_permanent():
    assert not is_permanent(Problem.ZAPI_FAULT)
    assert not is_permanent("a code of tomorrow")


def test_problem_that_only_a_person_solves_is_permanent():
    assert is_permanent(Problem.WRONG_CREDENTIALS.value)
