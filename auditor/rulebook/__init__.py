"""The rule language: rule files, their expressions, and what they say about a model."""

from auditor.rulebook.evaluate import evaluate
from auditor.rulebook.examples import check as check_examples
from auditor.rulebook.examples import warnings
from auditor.rulebook.explain import explain
from auditor.rulebook.load import CompiledRule, Rulebook, load_rulebook
from auditor.rulebook.page import index, page, reference
from auditor.rulebook.profile import ALL

__all__ = [
    "ALL",
    "CompiledRule",
    "Rulebook",
    "check_examples",
    "evaluate",
    "explain",
    "index",
    "load_rulebook",
    "page",
    "reference",
    "warnings",
]
