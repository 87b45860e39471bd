"""Whatever stands in an inventory, a pattern or a secret's reference: a result, or an error that says where."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from auditor import inventory
from auditor.errors import AuditorError, InvalidFile
from auditor.inventory import Inventory, ansible, ssh_arguments, variables

SEED = b"""all:
  vars: &v {ansible_user: audit, trusted_networks: [10.0.0.0/8], ansible_ssh_common_args: '-J "b" -p 22'}
  children:
    mx: {hosts: {'mx[01:03]:22': {<<: *v, password: {env: X}, deadline: 5m}}, vars: {ansible_group_priority: 2}}
"""


def not_installed(argv: Any) -> bytes:
    raise ansible.NotInstalled(argv)


def checked(content: bytes, name: str) -> Inventory | None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            return inventory.load([path], run_ansible=not_installed)
        except InvalidFile as error:
            refused = error
    assert refused.problems
    assert all(problem.where.file == str(path) for problem in refused.problems)
    return None


@given(st.binary(max_size=200), st.sampled_from(["hosts", "hosts.yml", "hosts.json"]))
def test_any_bytes_are_an_inventory_or_a_clear_error(content: bytes, name: str) -> None:
    checked(content, name)


@given(
    st.lists(
        st.tuples(st.integers(0, len(SEED)), st.sampled_from(list("\x00\t\n :-[]{}&*!|>%@`'\"#,?~=<09aé\u2028"))),
        max_size=6,
    )
)
def test_a_damaged_inventory_is_an_inventory_or_a_clear_error(damage: list[tuple[int, str]]) -> None:
    content = SEED
    for place, character in damage:
        content = content[:place] + character.encode() + content[place + 1 :]
    checked(content, "hosts.yml")


@given(st.integers(0, len(SEED)))
def test_a_truncated_inventory_is_an_inventory_or_a_clear_error(length: int) -> None:
    checked(SEED[:length], "hosts.yml")


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["env", "file", "command", "prompt", "x"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from(variables.USED), values, max_size=6),
    st.sampled_from(["hosts.json", "listing.json"]),
)
@example({"connection": "command", "command": ["", {}]}, "hosts.json")
@example({"ansible_ssh_common_args": "-o"}, "hosts.json")
@example({"ansible_ssh_common_args": '-o ProxyCommand="ssh \'"'}, "hosts.json")
@example({"ansible_host": "[]", "ansible_port": "²"}, "listing.json")
def test_variables_of_any_type_are_a_host_or_a_clear_error(given_values: dict[str, Any], name: str) -> None:
    if name == "listing.json":
        data: Any = {
            "_meta": {"hostvars": {"mx1": given_values}},
            "all": {"children": ["mx"]},
            "mx": {"hosts": ["mx1"]},
        }
    else:
        data = {"all": {"hosts": {"mx1": given_values}}}
    found = checked(json.dumps(data).encode(), name)
    assert found is None or found.names == ("mx1",)


@given(st.text(max_size=30))
def test_any_ssh_arguments_are_read_or_refused_as_a_value(text: str) -> None:
    try:
        ssh_arguments.parse(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - both outcomes are fine


FLEET = checked(SEED, "hosts.yml")


@given(
    st.text(st.sampled_from("mx01:!&,*?~[]()-@. all"), max_size=12),
    st.none() | st.text(st.sampled_from("mx01:!&*~[]"), max_size=6),
)
def test_any_pattern_chooses_hosts_or_is_a_clear_error(pattern: str, limit: str | None) -> None:
    assert FLEET is not None
    try:
        chosen = inventory.select(FLEET, pattern, limit)
    except AuditorError as error:
        assert str(error)  # noqa: PT017
    else:
        assert chosen


@given(st.text(max_size=20))
def test_any_target_is_a_host_or_a_clear_error(text: str) -> None:
    try:
        host = inventory.single(text)
    except AuditorError as error:
        assert str(error)  # noqa: PT017
    else:
        assert not host.name.startswith("-")
