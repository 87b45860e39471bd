from hypothesis import given
from hypothesis import strategies as st

from auditor.report.text import visible


@given(st.text(st.characters()))
def test_visible_text_prints_can_be_written_and_stays_itself(raw: str) -> None:
    seen = visible(raw)
    assert seen.isprintable()
    assert seen == visible(seen)
    seen.encode()
