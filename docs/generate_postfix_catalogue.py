"""Makes auditor/platforms/postfix/catalogue/parameters.tsv from real Postfix installations and the sources they were built from.

    python docs/generate_postfix_catalogue.py --source POSTFIX-3.10-SOURCE --source POSTFIX-3.7-SOURCE \
        --root 3.5=DIR --root 3.7=DIR --root 3.10=DIR --manual POSTCONF.5

A source is an unpacked upstream tree (newest first): its configuration tables say each parameter's type and which daemons read it.
A root is a file system with Postfix of that release in it (chroot as root): its `postconf -d` says which parameters exist and their
defaults. The manual is postconf(5) of the newest release: it says since when. What depends on the machine (host name, …) is left out.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "auditor/platforms/postfix/catalogue/parameters.tsv"
ABSENT = "\\N"
# Computed from the machine or the moment, not compiled in.
COMPUTED = {"myhostname", "mydomain", "mynetworks", "mail_version", "process_id", "config_directory"}
# Registered for every delivery transport in master.cf; the catalogue knows the pattern (catalogue/__init__.py), not each name.
PER_TRANSPORT = re.compile(
    r"_(time_limit|recipient_limit|extra_recipient_limit|recipient_refill_limit|recipient_refill_delay|delivery_slot_cost|"
    r"delivery_slot_loan|delivery_slot_discount|minimum_delivery_slots|initial_destination_concurrency|"
    r"destination_concurrency_limit|destination_recipient_limit|destination_concurrency_positive_feedback|"
    r"destination_concurrency_negative_feedback|destination_concurrency_failed_cohort_limit|destination_rate_delay|"
    r"transport_rate_delay)$"
)
TABLE = re.compile(r"CONFIG_([A-Z]+?)(?:_FN)?_TABLE\s+\w+\[\]\s*=\s*\{(.*?)\};", re.DOTALL)
ENTRY = re.compile(r"^\s*(VAR_\w+)\s*,", re.MULTILINE)
TYPES = {
    "BOOL": "boolean",
    "NBOOL": "boolean",
    "INT": "integer",
    "NINT": "integer",
    "LONG": "integer",
    "TIME": "time",
    "RAW": "raw",
}
# Text parameters that are lists of words, by name; the C tables call every text "STR".
LISTS = re.compile(
    r"_restrictions$|_maps$|_networks$|_domains$|_hosts$|_options$|_protocols$|_keywords$|_exceptions$|_clients$|_classes$|"
    r"_addresses$|_environment$|_milters$|_commands$|_users$|_files$|_interfaces$|_exclude_ciphers$|_database$|_sites$|"
    r"_checks$|_suffixes$|_exclusions$|_destinations$|_accounts$|_directories$|_identities$|_families$|_features$|"
    r"^mydestination$|^mynetworks$|^inet_protocols$|_limit_exceptions$|_agents$|_list$|_filter$|_curves$|_groups$|_events$|"
    r"^parent_domain_matches_subdomains$|^master_service_disable$|^defer_transports$|_permit_actions$|_macros$|_workarounds$|"
    r"^relay_clientcerts$|_recipients$|_lookup$|_verify_cert_match$|_cert_match$|_maps_exempt$|_ccerts$"
)
NOT_LISTS = re.compile(
    r"^content_filter$|_reply_filter$|_command_filter$|_proxy_filter$|_status_filter$|cipherlist$|^smtpd_policy|_expansion_filter$"
)
FOLDED_LISTS = re.compile(r"_sasl_(tls_|tls_verified_)?security_options$|_ehlo_keywords$|_protocols$|^tls_ssl_options$")
WORDS = re.compile(
    r"_security_level$|_tls_(mandatory_)?ciphers$|_fingerprint_digest$|^smtpd_forbid_bare_newline$|^mynetworks_style$|_sasl_type$|"
    r"_upstream_proxy_protocol$|_tls_loglevel$|_tempfail_action$|_eecdh_grade$|_dns_support_level$|^milter_default_action$|_insecure_mx_policy$"
)


def strings(header: str) -> dict[str, str]:
    """VAR_X → parameter name."""
    return dict(re.findall(r'^#define\s+(VAR_\w+)\s+"([^"]*)"', header, re.MULTILINE))


def read_source(tree: Path) -> tuple[dict[str, str], dict[str, set[str]]]:
    """Types and readers of all parameters of one source tree."""
    names = strings((tree / "src/global/mail_params.h").read_text())
    types: dict[str, str] = {}
    readers: dict[str, set[str]] = {}
    for file in sorted(tree.glob("src/*/*.c")):
        daemon = file.parent.name
        if daemon in {"postconf", "posttls-finger", "util"}:
            continue
        if daemon in {"global", "tls", "master", "milter"}:
            daemon = "all"
        if file.name == "lmtp_params.c":
            daemon = "lmtp"
        if daemon == "oqmgr":
            daemon = "qmgr"
        for kind, body in TABLE.findall(file.read_text(errors="replace")):
            for var in ENTRY.findall(body):
                if var in names:
                    types[names[var]] = TYPES.get(kind, "text")
                    readers.setdefault(names[var], set()).add(daemon)
    return types, readers


def refine(name: str, kind: str, defaults: list[str]) -> str:
    """The catalogue's type of a parameter: the C table's, made finer for texts, guessed from the defaults where no table has it."""
    if kind == "":
        values = [d for d in defaults if d != ABSENT]
        if all(v in ("yes", "no") for v in values):
            return "boolean"
        if all(re.fullmatch(r"\d+", v) for v in values):
            return "integer"
        if all(re.fullmatch(r"\d+[smhdw]", v) for v in values):
            return "time"
        kind = "text"
    if kind != "text":
        return kind
    if FOLDED_LISTS.search(name):
        return "folded"
    if WORDS.search(name):
        return "word"
    return "list" if LISTS.search(name) and not NOT_LISTS.search(name) else "text"


def since(manual: str) -> dict[str, str]:
    """Parameter → the releases that brought it, newest branch first: `3.9.0`, or `3.9 3.8.4 3.7.9` where it was back-ported."""
    text = re.sub(r"\\f[BIR]|\\&", "", manual).replace("\\-", "-").replace("\n", " ")
    found: dict[str, str] = {}
    for section in text.split(".SH ")[2:]:
        head, _, body = section.partition(" ")
        plain = re.sub(r"\s+", " ", body)
        match = re.search(
            r"(?:This (?:feature|parameter) is available (?:in|with)|available in) Postfix (?:versions? )?(?:>= )?"
            r"((?:\d+(?:\.\d+)+(?:,? ?(?:and )?)?)+)",
            plain,
        )
        if match:
            releases = re.findall(r"\d+(?:\.\d+)+", match.group(1))
            if releases:
                found[head.strip()] = " ".join(releases)
    return found


def contradicts(releases: str, version: str) -> bool:
    """Whether `since` says that a release lacks what it has: the manual spoke of something else there."""
    starts = [tuple(map(int, release.split("."))) for release in releases.split()]
    found = tuple(map(int, version.split(".")))
    branch = [start for start in starts if start[:2] == found[:2]]
    return bool(starts) and not (
        found >= branch[0] if branch else any(found >= start for start in starts if len(start) < 3)
    )


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", action="append", type=Path, required=True)
    parser.add_argument("--root", action="append", required=True, metavar="RELEASE=DIR")
    parser.add_argument("--manual", type=Path, required=True)
    arguments = parser.parse_args()
    types: dict[str, str] = {}
    readers: dict[str, set[str]] = {}
    for tree in arguments.source:
        more_types, more_readers = read_source(tree)
        types = {**more_types, **types}
        readers = {**more_readers, **readers}
    defaults: dict[str, dict[str, str]] = {}
    versions: dict[str, str] = {}
    releases = [root.partition("=")[0] for root in arguments.root]
    for root in arguments.root:
        release, _, folder = root.partition("=")
        listing = subprocess.run(
            ["chroot", folder, "postconf", "-d"], capture_output=True, text=True, check=True
        ).stdout
        for line in listing.splitlines():
            name, _, value = line.partition(" =")
            if name == "mail_version":
                versions[release] = value.strip()
            if name not in COMPUTED and not (
                PER_TRANSPORT.search(name) and name not in types and name != "command_time_limit"
            ):
                defaults.setdefault(name, {})[release] = value[1:]
    introduced = since(arguments.manual.read_text())
    for name, values in defaults.items():
        if any(contradicts(introduced.get(name, ""), versions[release]) for release in values):
            del introduced[name]
    lines = ["\t".join(["# name", "type", "read by", "since", *releases])]
    for name in sorted(defaults):
        row = [defaults[name].get(release, ABSENT) for release in releases]
        kind = refine(name, types.get(name, ""), row)
        lines.append("\t".join([name, kind, ",".join(sorted(readers.get(name, ()))), introduced.get(name, ""), *row]))
    for name in sorted(COMPUTED):
        kind = refine(name, types.get(name, "text"), [])
        lines.append("\t".join([name, kind, ",".join(sorted(readers.get(name, ()))), "", *["\\C"] * len(releases)]))
    OUT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
