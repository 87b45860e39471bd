"""smtpd's restriction lists: split, classes written out, the known words, and what they mean for a stranger.

After smtpd_check.c: generic_checks(), has_required(), and reference/postfix.md 2.1 to 2.6. `outcome` decides only the simple cases of
"may a stranger …"; everything that hangs on a table that nobody could read, or on another service, is Unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from auditor.model.host import Release
from auditor.model.origin import Origin, Unknown
from auditor.platforms.postfix.document import words
from auditor.platforms.postfix.model import ListName, Restriction
from auditor.platforms.postfix.settings import Configuration, Scope

LISTS: tuple[ListName, ...] = get_args(ListName)
RELAY_STAGE: tuple[ListName, ...] = ("smtpd_relay_restrictions", "smtpd_recipient_restrictions")
GATES = frozenset({"reject_unauth_destination", "defer_unauth_destination", "reject", "defer"})
REQUIRED = GATES | {"defer_if_permit", "check_relay_domains"}
BINDINGS = frozenset({
    "reject_sender_login_mismatch",
    "reject_authenticated_sender_login_mismatch",
    "reject_known_sender_login_mismatch",
    "reject_unauthenticated_sender_login_mismatch",
})  # fmt: skip
_PLAIN = (
    GATES
    | BINDINGS
    | frozenset(
        (
            "permit",
            "defer_if_permit",
            "defer_if_reject",
            "check_relay_domains",
            "permit_mynetworks",
            "permit_inet_interfaces",
            "permit_sasl_authenticated",
            "permit_tls_clientcerts",
            "permit_tls_all_clientcerts",
            "permit_auth_destination",
            "permit_mx_backup",
            "permit_naked_ip_address",
            "reject_plaintext_session",
            "reject_unknown_client",
            "reject_unknown_client_hostname",
            "reject_unknown_reverse_client_hostname",
            "reject_unknown_forward_client_hostname",
            "reject_invalid_helo_hostname",
            "reject_invalid_hostname",
            "reject_unknown_helo_hostname",
            "reject_unknown_hostname",
            "reject_non_fqdn_helo_hostname",
            "reject_non_fqdn_hostname",
            "reject_non_fqdn_sender",
            "reject_non_fqdn_recipient",
            "reject_unknown_sender_domain",
            "reject_unknown_recipient_domain",
            "reject_unknown_address",
            "reject_unlisted_sender",
            "reject_unlisted_recipient",
            "check_recipient_maps",
            "reject_unverified_recipient",
            "reject_unverified_sender",
            "reject_multi_recipient_bounce",
            "reject_unauth_pipelining",
            "reject_maps_rbl",
        )
    )
)
_WITH_DOMAIN = frozenset({
    "reject_rbl",
    "reject_rbl_client",
    "reject_rhsbl_client",
    "reject_rhsbl_reverse_client",
    "reject_rhsbl_helo",
    "reject_rhsbl_sender",
    "reject_rhsbl_recipient",
    "permit_dnswl_client",
    "permit_rhswl_client",
})  # fmt: skip
_TABLE_CHECK = re.compile(
    r"check_(?:client|reverse_client_hostname|helo|sender|recipient|etrn|sasl|ccert)_access$|"
    r"check_(?:client|reverse_client_hostname|helo|sender|recipient)_(?:a|mx|ns)_access$"
)
_BARE_TABLE = {
    "smtpd_client_restrictions": "check_client_access",
    "smtpd_helo_restrictions": "check_helo_access",
    "smtpd_sender_restrictions": "check_sender_access",
    "smtpd_relay_restrictions": "check_recipient_access",
    "smtpd_recipient_restrictions": "check_recipient_access",
    "smtpd_etrn_restrictions": "check_etrn_access",
}
_REFERENCE = re.compile(r"\$[({]?(\w+)")
_MAX_WORDS = (
    10_000  # of one list with its classes written out; classes that name each other twice double it at every level
)
_MAX_ALL = 300_000  # of the lists of all services
_MAX_LEVELS = 100  # of classes within classes: beyond it smtpd gives up too ("unreasonable recursion")

Word = tuple[str, str, str]
"""A restriction: its name (lower case unless it is unknown), its argument, its problem."""


def is_table_check(name: str) -> bool:
    """Whether the restriction looks something up in an access table."""
    return _TABLE_CHECK.match(name) is not None


def class_names(scope: Scope) -> tuple[str, ...] | Unknown:
    """smtpd_restriction_classes."""
    value = scope.lookup("smtpd_restriction_classes").value
    return value if isinstance(value, Unknown) else value if isinstance(value, tuple) else ()


def split(tokens: Sequence[str], list_name: str, classes: Collection[str]) -> Iterator[tuple[str, Word]]:
    """Each restriction of a list of words as (word as written, Word); `warn_if_reject` and class names are words of their own."""
    at = 0
    while at < len(tokens):
        token = tokens[at]
        name = token.lower()
        at += 1
        following = tokens[at] if at < len(tokens) else ""
        if ":" in token:
            yield token, _bare_table(token, list_name)
        elif is_table_check(name) or name == "check_policy_service":
            good = ":" in following
            problem = "" if good else f"{name} must be followed by type:name"
            at += good
            yield token, (name, following if good else "", problem)
        elif name in _WITH_DOMAIN:
            at += bool(following)
            yield token, (name, following, "" if following else f"{name} must be followed by a domain name")
        elif name == "sleep":
            good = following.isdigit()
            at += good
            yield token, (name, following if good else "", "" if good else "sleep must be followed by a number")
        elif name in _PLAIN or name == "warn_if_reject":
            yield token, (name, "", "")
        elif token in classes:
            yield token, (token, "", "")
        else:
            yield (
                token,
                (name, "", "a comment cannot end a line" if token[0] == "#" else f"unknown restriction {token}"),
            )


def _bare_table(token: str, list_name: str) -> Word:
    name = _BARE_TABLE.get(list_name)
    return (name, token, "") if name else ("", token, f"a table alone is not allowed in {list_name}")


class _TooMany(Exception):
    """A list that cannot be written out whole."""


@dataclass(slots=True)
class _Place:
    """How far the walk of one list has come."""

    words: int = 0
    position: int = 0
    is_gated: bool = False
    is_closed: bool = False


class Lists:
    """The restriction lists of one smtpd service."""

    def __init__(self, configuration: Configuration, scope: Scope) -> None:
        self._configuration = configuration
        self._scope = scope
        classes = class_names(scope)
        self.doubt = classes if isinstance(classes, Unknown) else None  # why the classes are not known
        self.classes = frozenset(() if isinstance(classes, Unknown) else classes)
        self.undefined: dict[str, None] = {}
        self.restrictions = self._all()

    def of(self, name: str) -> tuple[Restriction, ...] | Unknown:
        """One list's restrictions."""
        value = self._scope.lookup(name).value
        if isinstance(value, Unknown):
            return value
        if isinstance(self.restrictions, Unknown):
            return self.restrictions
        return tuple(r for r in self.restrictions if r.list == name)

    def _all(self) -> tuple[Restriction, ...] | Unknown:
        if self.doubt is not None:
            return self.doubt
        found: list[Restriction] = []
        for name in LISTS:
            setting = self._scope.lookup(name)
            if isinstance(setting.value, Unknown):
                return setting.value
            if isinstance(setting.value, tuple):
                try:
                    found += self._write_out(setting.value, name, name, _Place(), False, ())
                except _TooMany as error:
                    return Unknown(f"{name}: {error}")
        return tuple(found)

    def _write_out(
        self,
        tokens: Sequence[str],
        holder: str,
        list_name: ListName,
        place: _Place,
        is_warning: bool,
        above: tuple[str, ...],
    ) -> Iterator[Restriction]:
        """The restrictions of one list or class (`holder`), classes within it in their place."""
        warn_next = False
        for token, (name, argument, problem) in split(tokens, list_name, self.classes):
            place.words += 1
            self._configuration.words_written_out += 1
            if place.words > _MAX_WORDS:
                raise _TooMany(f"more than {_MAX_WORDS:,} words with its restriction classes written out")
            if self._configuration.words_written_out > _MAX_ALL:
                raise _TooMany(f"the lists of all services have more than {_MAX_ALL:,} words")
            if name == "warn_if_reject":
                warn_next = True
                continue
            warns = is_warning or warn_next
            warn_next = False
            if name in self.classes and name not in _PLAIN:
                yield from self._class(name, list_name, place, warns, above)
                continue
            place.position += 1
            yield Restriction(
                name=name,
                argument=argument,
                list=list_name,
                position=place.position,
                class_name=above[-1] if above else "",
                is_known=not problem,
                problem=problem,
                is_only_a_warning=warns,
                is_before_relay_check=not place.is_gated,
                is_after_permit=place.is_closed,
                origin=self.place(holder, argument if token == argument else token),
            )
            place.is_gated = place.is_gated or (name in GATES and not warns)
            place.is_closed = place.is_closed or name == "permit" or (name in {"reject", "defer"} and not warns)

    def _class(
        self, name: str, list_name: ListName, place: _Place, is_warning: bool, above: tuple[str, ...]
    ) -> Iterator[Restriction]:
        setting = self._scope.lookup(name)
        tokens = words(setting.text)
        if name not in self._scope or not tokens or name in above:
            self.undefined[name] = None
        if len(above) >= _MAX_LEVELS:
            raise _TooMany(f"restriction classes within classes, more than {_MAX_LEVELS} deep")
        if name not in above:
            yield from self._write_out(tokens, name, list_name, place, is_warning, (*above, name))

    def place(self, holder: str, word: str, depth: int = 0) -> Origin:
        """The physical line that a word of a setting is written on, `$name` followed; the setting's first line at worst."""
        origin = self._scope.origin(holder)
        assignment = self._configuration.assigned.get(holder)
        raw = self._scope.raw(holder)
        if origin.layer == "file" and assignment is not None:
            line = self._configuration.line_of(assignment, word)
            if line is not None:
                return Origin(file=origin.file, line=line)
        if isinstance(raw, str) and word not in raw and depth < 4:
            for reference in _REFERENCE.findall(raw):
                if reference in self._scope and self._configuration.names(self._scope.lookup(reference).text, word):
                    return self.place(reference, word, depth + 1)
        return origin

    def has_required(self, name: str) -> bool | Unknown:
        """smtpd's own test of one list: a word that rejects, with no `permit` before it."""
        value = self._scope.lookup(name).value
        if isinstance(value, Unknown):
            return value
        if self.doubt is not None:
            return self.doubt
        return isinstance(value, tuple) and self._has_required(value)

    def _has_required(self, tokens: Sequence[str]) -> bool:
        # A class that was looked through once without success need not be again: this stays linear, however classes are nested.
        seen: set[str] = set()
        open_lists = [iter(tokens)]
        while open_lists:
            token = next(open_lists[-1], None)
            name = "" if token is None else token.lower()
            if name in REQUIRED:
                return True
            if name == "warn_if_reject":
                next(open_lists[-1], None)
            elif token is None or name == "permit":
                open_lists.pop()
            elif token in self.classes and token not in seen:
                seen.add(token)
                open_lists.append(iter(words(self._scope.lookup(token).text)))
        return False


Outcome = Literal["reject", "continue", "ok"]
TableOutcome = Callable[[Restriction], "Outcome | Unknown"]
"""What a table lookup does to a stranger who chooses what he says: decided by the table's entries."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """A client somewhere on the Internet, without login and certificate, with clean DNS records, who says whatever helps him."""

    is_local_recipient: bool
    is_in_mynetworks: bool | Unknown
    offers_tls: bool | Unknown
    release: Release | Unknown
    look_up: TableOutcome

    def meets(self, restriction: Restriction) -> Outcome | Unknown:
        """What one restriction does to him."""
        name = restriction.name
        if restriction.is_known is not True:
            return "reject"
        if is_table_check(name):
            return self.look_up(restriction)
        if name == "check_policy_service":
            return Unknown(f"the policy service {restriction.argument} decides")
        if name in {"permit_dnswl_client", "permit_rhswl_client", "permit_mx_backup", "permit_tls_all_clientcerts"}:
            return self._conditional_permit(name)
        return self._plain(name)

    def _plain(self, name: str) -> Outcome | Unknown:
        if name in {"reject", "defer", "defer_if_permit"}:
            return "reject"
        if name == "permit":
            return "ok"
        if name == "permit_mynetworks" and self.is_in_mynetworks is not False:
            return self.is_in_mynetworks if isinstance(self.is_in_mynetworks, Unknown) else "ok"
        if name in {"reject_unauth_destination", "defer_unauth_destination"}:
            return "continue" if self.is_local_recipient else "reject"
        if name == "permit_auth_destination":
            return "ok" if self.is_local_recipient else "continue"
        if name in {"permit_naked_ip_address", "check_relay_domains", "reject_maps_rbl"}:
            return self._removed_in_3_9(name)
        if name == "reject_plaintext_session" and self.offers_tls is not True:
            return self.offers_tls or "reject"
        return "continue"

    def _conditional_permit(self, name: str) -> Outcome | Unknown:
        if name == "permit_tls_all_clientcerts":
            return Unknown("permit_tls_all_clientcerts: which certificates chain to a trusted authority is not known")
        if not self.is_local_recipient:
            # White lists never authorise a destination; a backup MX is one only for domains that name it.
            return "continue"
        return "ok" if name == "permit_mx_backup" else Unknown(f"{name} asks the DNS")

    def _removed_in_3_9(self, name: str) -> Outcome | Unknown:
        if isinstance(self.release, Unknown):
            return self.release
        if self.release.numbers >= (3, 9):
            return "reject"
        if name == "permit_naked_ip_address":
            return "ok"
        return "reject" if name == "check_relay_domains" and not self.is_local_recipient else "continue"


def outcome(restrictions: Sequence[Restriction], stranger: Stranger) -> Literal["reject", "accept"] | Unknown:
    """What one list does to a stranger: "accept" when it does not stop him."""
    doubt: Unknown | None = None
    for restriction in restrictions:
        met = stranger.meets(restriction)
        if met == "ok":
            return doubt or "accept"
        if met == "reject" and not restriction.is_only_a_warning:
            return doubt or "reject"
        if isinstance(met, Unknown) and doubt is None:
            doubt = met
    # Nothing but the doubtful lookup would stop him: a service or table may still refuse everybody.
    return doubt if doubt is not None and not doubt.reason.startswith("the policy service") else "accept"


def admits(lists: Lists, stranger: Stranger) -> bool | Unknown:
    """Whether every list lets the stranger through (smtpd accepts if none rejects)."""
    doubt: Unknown | None = None
    for name in LISTS:
        if name == "smtpd_etrn_restrictions":
            continue
        restrictions = lists.of(name)
        met = restrictions if isinstance(restrictions, Unknown) else outcome(restrictions, stranger)
        if met == "reject":
            return False
        if isinstance(met, Unknown):
            doubt = doubt or met
    return True if doubt is None else doubt
