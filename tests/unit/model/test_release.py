from __future__ import annotations

import pytest

from auditor.model.host import Release, Secret


def test_releases_are_ordered_by_number_not_by_text() -> None:
    assert Release.parse("3.10.5") > Release.parse("3.9.1") > Release.parse("3.9")


def test_a_distribution_suffix_is_kept_for_people_and_ignored_for_order() -> None:
    release = Release.parse("3.7.11-0+deb12u1")
    assert (release.numbers, str(release)) == ((3, 7, 11), "3.7.11-0+deb12u1")


@pytest.mark.parametrize("text", ["", "unknown", ".3", "v3"])
def test_what_has_no_number_is_no_release(text: str) -> None:
    with pytest.raises(ValueError, match="not a release"):
        Release.parse(text)


def test_a_secret_never_shows_itself() -> None:
    secret = Secret("environment MX_PASSWORD", lambda: "hunter2")
    assert "hunter2" not in repr(secret)
    assert secret.read() == "hunter2"
