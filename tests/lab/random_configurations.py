"""Random main.cf and master.cf pairs for the comparison with postconf: every form that Postfix reads, in every odd layout.

Deterministic: the same seed gives the same pair. Names are such that postconf itself survives most of the pairs.
"""

from __future__ import annotations

import random

_PARAMETERS = (
    "smtpd_banner", "smtpd_tls_security_level", "smtpd_tls_auth_only", "smtpd_sasl_auth_enable", "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions", "smtpd_client_restrictions", "mydestination", "relay_domains", "smtpd_etrn_restrictions",
    "smtpd_helo_required", "disable_vrfy_command", "message_size_limit", "mailbox_size_limit", "smtpd_timeout", "smtp_tls_security_level",
    "smtpd_sasl_security_options", "smtpd_tls_protocols", "smtpd_tls_mandatory_protocols", "smtpd_sender_login_maps", "myorigin",
    "virtual_alias_maps", "local_recipient_maps", "smtpd_client_connection_count_limit", "smtpd_hard_error_limit", "bounce_queue_lifetime",
    "relayhost", "alias_maps", "mynetworks", "smtpd_tls_cert_file", "smtpd_tls_key_file", "smtp_tls_policy_maps", "recipient_delimiter",
    "smtpd_discard_ehlo_keywords", "transport_maps", "relay_destination_rate_delay", "smtp_destination_recipient_limit", "notify_classes",
    "slow_destination_concurrency_limit", "slow_time_limit", "default_transport", "smtpd_data_restrictions", "syslog_name", "maillog_file",
)  # fmt: skip
_OWN = ("alpha", "beta_2", "empty", "mua_client_restrictions", "Level", "x", "gone")
_GIVEN = (
    "compatibility_level",
    "myhostname",
    "mydomain",
    "mail_name",
    "process_name",
    "undefined_one",
    "empty",
    "stress",
)
_WORDS = (
    "permit_mynetworks", "reject_unauth_destination", "permit_sasl_authenticated", "reject", "yes", "no", "YES", "encrypt", "10", "007",
    "hash:/etc/postfix/access", "check_client_access", "inline:{{a=b},{c = d e}}", "example.org", "10.0.0.0/8", "[::1]/128", "3.6", "2",
    "!SSLv2", ">=TLSv1.2", "a=b", "#no-comment", "1h", "x{y}z", "zwölf", ".", "-1", "'quoted text'", '"double"', "back\\slash", ":", "?",
)  # fmt: skip
_OPERATORS = ("==", "!=", "<", "<=", ">=", ">")
_COMMANDS = ("smtpd", "smtp", "lmtp", "cleanup", "pipe", "local", "/usr/lib/postfix/sbin/smtpd")


class Configurations:
    """A stream of pairs."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._rank = 0

    def pair(self) -> tuple[str, str]:
        """main.cf and master.cf."""
        return self.main_cf(), self.master_cf()

    # --- values ---

    def _chance(self, percent: float) -> bool:
        return self._random.random() * 100 < percent

    def _name(self) -> str:
        """A name to refer to: one earlier in the order, so that few texts refer to themselves and none explodes."""
        pick = self._random
        if self._chance(0.3):
            return pick.choice(_OWN)
        earlier = _OWN[: self._rank]
        if earlier and self._chance(60):
            return pick.choice(earlier)
        return pick.choice(
            (
                "compatibility_level",
                "myhostname",
                "mydomain",
                "mail_name",
                "process_name",
                "undefined_one",
                "empty",
                "stress",
            )
        )

    def _value(self, depth: int = 0) -> str:
        parts = [self._part(depth) for _ in range(self._random.choice((0, 1, 1, 2, 3, 5)) if depth < 3 else 1)]
        return self._random.choice((" ", ", ", "\t", "  ", "", ",")).join(parts)

    def _part(self, depth: int) -> str:
        if depth > 3 or self._chance(50):
            return self._random.choice(_WORDS[: -5 if depth else None])
        return self._expression(depth + 1)

    def _expression(self, depth: int) -> str:
        pick, name = self._random, self._name()
        blank = pick.choice(("", "", " "))
        forms = (
            lambda: f"${name}",
            lambda: f"${{{blank}{name}{blank}}}",
            lambda: f"$({name})",
            lambda: f"${name}.x",
            lambda: "$$literal",
            lambda: f"${{{name}?{self._simple(depth)}}}",
            lambda: f"${{{name}:{self._simple(depth)}}}",
            lambda: f"${{{name}{blank}?{blank}{{{self._value(depth)}}}{blank}:{blank}{{{self._value(depth)}}}}}",
            lambda: f"${{{name}?{{{self._value(depth)}}}}}",
            lambda: self._relation(depth),
        )
        return pick.choice(forms)()

    def _simple(self, depth: int) -> str:
        """A result without braces around it."""
        if self._chance(2):
            return self._value(depth).replace("}", "")
        return self._random.choice(
            ("", "plain", "two words", f"${self._name()}", f"${{{self._name()}}}", self._value(depth))
        )

    def _relation(self, depth: int) -> str:
        pick = self._random
        blank = pick.choice(("", " "))
        level = "level" if self._chance(15) else ""
        left = "$compatibility_level" if level else self._value(depth)
        right = pick.choice(("1", "2", "3.6", "3.10")) if level else self._value(depth)
        tail = pick.choice(("?{{{a}}}:{{{b}}}", "{s}?{s}{{{a}}}{s}:{s}{{{b}}}", "?{{{a}}}", ":{{{b}}}", ""))
        results = tail.format(a=self._value(depth), b=self._value(depth), s=blank)
        return f"${{{blank}{{{left}}}{blank}{pick.choice(_OPERATORS)}{level}{blank}{{{right}}}{results}}}"

    # --- main.cf ---

    def main_cf(self) -> str:
        """Assignments in every layout, with comments, duplicates, and now and then a line that nobody can read."""
        pick = self._random
        lines: list[str] = []
        if self._chance(80):
            lines.append(f"compatibility_level = {pick.choice(('0', '1', '2', '3.6', '3.10', '9999'))}")
        if self._chance(90):
            lines.append("myhostname = mx.example.org")
        if self._chance(30):
            lines.append("smtpd_restriction_classes = alpha, beta_2")
        for _ in range(pick.randint(2, 18)):
            lines += self._laid_out(*self._assignment())
        if self._chance(2):
            lines.append(pick.choice(("weird name = x", "= x", "no_equals_sign", "name\t other = y")))
        if self._chance(3):
            lines.insert(0, "   leading = continuation")
        return "\n".join(lines) + pick.choice(("\n", "", "\n\n", "\n   \n"))

    def _assignment(self) -> tuple[str, str]:
        name = self._random.choice(_OWN if self._chance(45) else _PARAMETERS)
        self._rank = _OWN.index(name) if name in _OWN else len(_OWN)
        return name, "" if name == "empty" else self._value()

    def _laid_out(self, name: str, value: str) -> list[str]:
        pick = self._random
        equals = pick.choice((" = ", "=", " =", "= ", "\t=\t", "   =   "))
        words = value.split(" ")
        lines = [f"{name}{equals}{words[0]}"]
        for word in words[1:]:
            if self._chance(25):
                lines += self._noise()
                lines.append(pick.choice((" ", "    ", "\t", " \t ")) + word)
            else:
                lines[-1] += " " + word
        lines[-1] += pick.choice(("", "", "", " ", "\t", "  \t"))
        return [*lines, *self._noise()]

    def _noise(self) -> list[str]:
        return [
            self._random.choice(("", "   ", "# a comment", "   # an indented comment", "#\tx = y", "\t"))
            for _ in range(self._random.choice((0, 0, 0, 1, 2)))
        ]

    # --- master.cf ---

    def master_cf(self) -> str:
        """Services with `-o` in every form; `smtp inet` and what postconf needs are always there."""
        pick = self._random
        lines = [
            "smtp unix - - n - - smtp",
            "relay unix - - n - - smtp",
            "slow\tunix -\t- n - - pipe",
            "  flags=R user=nobody argv=/bin/true",
        ]
        names = ["smtp", "submission", "smtps", "127.0.0.1:10025", "[::1]:2525", "2500"]
        pick.shuffle(names)
        for name in names[: pick.randint(1, 5)]:
            lines += self._service(name)
        if self._chance(2):
            lines.append(
                pick.choice(
                    (
                        "short inet n - n",
                        "bad type n - n - - smtpd",
                        "odd inet x - n - - smtpd",
                        "odd inet n - n x - smtpd",
                    )
                )
            )
        return "\n".join(lines) + "\n"

    def _service(self, name: str) -> list[str]:
        pick = self._random
        blank = pick.choice((" ", "\t", "    "))
        lines = [
            blank.join(
                (name, "inet", "n", "-", pick.choice("yn-"), "-", pick.choice(("-", "10")), pick.choice(_COMMANDS))
            )
        ]
        for _ in range(pick.choice((0, 1, 2, 4, 7))):
            option = self._option()
            lines += self._noise()
            if self._chance(80):
                lines.append(pick.choice((" ", "  ", "\t")) + option)
            else:
                lines[-1] += " " + option if not lines[-1].lstrip().startswith("#") and lines[-1].strip() else ""
        return [*lines, *self._noise()]

    def _option(self) -> str:
        pick = self._random
        name, value = self._assignment()
        if value.count("{") != value.count("}"):
            value = value.replace("$", "").replace("{", "").replace("}", "")
        if self._chance(45):
            # postconf takes a second `o` in `-oname=value` for another option; the daemons do not.
            attached = "-o" if "o" not in f"{name}={value}" else "-o "
            return pick.choice(("-o ", "-o ", attached, "-v -o ")) + f"{name}={''.join(value.split())}"
        return f"-o {{ {name} {pick.choice(('=', ' = ', '= '))} {value} }}"
