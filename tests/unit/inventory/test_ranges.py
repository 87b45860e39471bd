from __future__ import annotations

import pytest

from auditor.inventory import ranges


@pytest.mark.parametrize(
    ("written", "names", "port"),
    [
        ("mx1.example.org", ("mx1.example.org",), None),
        ("mx1.example.org:2222", ("mx1.example.org",), 2222),
        ("mx[08:10].example.org", ("mx08.example.org", "mx09.example.org", "mx10.example.org"), None),
        ("mx[1:7:3]:25", ("mx1", "mx4", "mx7"), 25),
        ("[a:c]-[1:2]", ("a-1", "a-2", "b-1", "b-2", "c-1", "c-2"), None),
        ("2001:db8::25", ("2001:db8::25",), None),
        ("[2001:db8::25]:2525", ("2001:db8::25",), 2525),
    ],
)
def test_a_host_entry_stands_for_names_and_a_port(written: str, names: tuple[str, ...], port: int | None) -> None:
    assert (names, port) == ranges.expand(written)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("mx[3:1]", "has a range that ends before it starts: [3:1]"),
        ("mx[01:100]", "has a range whose ends 01 and 100 differ in length"),
        ("mx[1:2:0]", "has a range with the step 0"),
        ("mx[1:999999999]", "stands for more than 100,000 hosts"),
        ("mx[1:1000]-[1:1000]", "stands for more than 100,000 hosts"),
        ("mx[1]", "is not a host name with a range such as mx[01:20].example.org"),
        ("mx1:99999", "has the port 99999, ports end at 65535"),
        ("../../etc/shadow", "is not a host name"),
        ("-oProxyCommand=id", "is not a host name"),
        ("mx1\x1b[31m", "is not a host name"),
    ],
)
def test_what_is_no_host_name_is_told(written: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"has|is|stands") as caught:
        ranges.expand(written)

    assert message == str(caught.value)
