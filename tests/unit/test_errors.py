from __future__ import annotations

from auditor.errors import InvalidFile, Problem, Where


def test_a_problem_shows_the_line_with_a_caret_and_a_hint() -> None:
    problem = Problem(Where("rules/x.yaml", 3, 9), "'hihg' is not a severity", "did you mean 'high'?", "severity: hihg")
    assert str(problem).splitlines() == [
        "rules/x.yaml:3:9: 'hihg' is not a severity",
        "3 | severity: hihg",
        "            ^",
        "  hint: did you mean 'high'?",
    ]


def test_control_characters_of_the_line_do_not_reach_the_terminal_or_move_the_caret() -> None:
    problem = Problem(Where("a.yaml", 1, 4), "bad", "", "\x1b[2J\tx")
    assert "\x1b" not in str(problem)
    assert str(problem).splitlines()[2].index("^") == len("1 | ") + 3


def test_all_problems_of_a_file_are_told_at_once() -> None:
    problems = [Problem(Where("a.yaml", line), f"mistake {line}") for line in (1, 2, 3)]
    assert str(InvalidFile(problems)).splitlines() == [
        "a.yaml:1: mistake 1",
        "a.yaml:2: mistake 2",
        "a.yaml:3: mistake 3",
    ]
