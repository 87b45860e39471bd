"""What rules see of a Postfix instance: the vendor's parameters under the vendor's names, and facts derived from them once.

One thing, though long: the vocabulary of the rule language for Postfix. It has no behaviour. A class's docstring and the comment
of each field are the rule author's reference. How the facts are derived: `services.py`, `restrictions.py`, `tables.py`, `hosts.py`.

Three ways to be unknown: a list that could not be read is `Unknown` as a whole; a `Setting` or `Fact` has an `Unknown` value; a
parameter that this release does not have is a `Setting` whose value is `Unsupported`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from auditor.model.host import Release
from auditor.model.network import Networks
from auditor.model.origin import Fact, Origin, Setting, Unknown


@dataclass(frozen=True, slots=True)
class MainSettings:
    """Parameters of main.cf as the daemons without own `-o` see them. What smtpd, smtp and lmtp read is not here: an `-o` in
    master.cf would be overlooked. Read those through `service.settings`."""

    lookup: Callable[[str], Setting]


@dataclass(frozen=True, slots=True)
class SmtpdSettings:
    """Every parameter as one smtpd service sees it: its `-o` first, then main.cf, then the default; `$name` expanded with the
    service's overrides in force."""

    lookup: Callable[[str], Setting]


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Every parameter as one smtp or lmtp client service sees it."""

    lookup: Callable[[str], Setting]


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Every parameter as one service of master.cf sees it."""

    lookup: Callable[[str], Setting]


ListName = Literal[
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_data_restrictions",
    "smtpd_end_of_data_restrictions",
    "smtpd_etrn_restrictions",
]
"""smtpd's restriction lists. A class or a table's right-hand side is written out in the list that reaches it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """One restriction of one list of one smtpd service, restriction classes written out in place."""

    name: str  # lower case; a bare `type:table` has the name that smtpd gives it (check_recipient_access, …)
    argument: str  # what belongs to it: `hash:/etc/postfix/access`, `zen.example.org`, `inet:127.0.0.1:10023`; or empty
    list: ListName  # the list that it stands in
    position: int  # 1 for the first of its list, classes written out
    class_name: str  # the restriction class that it was written in, or empty
    is_known: bool | Unknown  # smtpd knows this word, its argument is there and has the right form
    problem: str  # what is wrong when is_known is false, or empty
    is_only_a_warning: bool  # `warn_if_reject` stands before it or before its class: it never rejects
    is_before_relay_check: (
        bool  # no reject_unauth_destination, defer_unauth_destination, reject or defer precedes it in this list
    )
    is_after_permit: bool  # an unconditional `permit`, `reject` or `defer` precedes it: it is never reached
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One `-o name=value` of a service."""

    name: str  # the parameter
    value: str  # as written
    is_duplicate: bool  # a later `-o` of the same entry sets it again: this one has no effect
    is_known: bool | Unknown  # the server has such a parameter, or the configuration uses `$name`
    has_effect: bool  # the service's daemon reads it (an address-class parameter such as relay_domains on smtpd is not read there)
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One entry of master.cf that is switched on."""

    name: str  # unique in the instance: the service name, `name/type` when several types share it
    service: str  # the first field, as written
    type: str  # inet, unix, fifo, pass, unix-dgram
    command: str  # the daemon: smtpd, smtp, qmqpd, pipe, …
    arguments: tuple[str, ...]  # the command's arguments without -o options
    is_public: bool | Unknown  # a network socket that not only the loopback interface reaches
    is_verbose: bool  # runs with -v
    is_chrooted: bool | Unknown  # field 5, and its default
    is_privileged: bool  # field 4 is `n`: runs as root
    process_limit: int | None  # field 7; None: default_process_limit
    overrides: tuple[Override, ...]
    settings: ServiceSettings
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate file that the configuration names, as openssl on the server read it."""

    name: str  # its path
    path: str
    role: Literal["server", "client"]
    services: tuple[str, ...]  # the services that use it
    is_readable: bool | Unknown  # the file is there and holds a certificate
    not_after: str | Unknown  # the end of its validity, ISO 8601, UTC
    days_left: int | Unknown  # whole days from the snapshot's own time; negative: expired
    names: tuple[str, ...] | Unknown  # DNS names (SAN, else the subject's CN), lower case
    matches_hostname: bool | Unknown  # one of the names covers $myhostname
    issuer: str | Unknown
    is_self_signed: bool | Unknown  # issuer and subject are the same
    key_type: str | Unknown  # "rsa", "ec", "ed25519", …
    key_bits: int | Unknown
    signature: str | Unknown  # signature algorithm, lower case: sha256withrsaencryption
    fits_key: bool | Unknown  # the private key beside it is its key
    origin: Origin  # where the configuration names it


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpdService:
    """An SMTP server: an entry of master.cf of type inet or pass whose command is smtpd."""

    name: str  # unique: `smtp`, `submission`, `127.0.0.1:10025`
    origin: Origin
    type: Literal["inet", "pass"]
    port: int | None  # TCP port; 25 for `pass` behind postscreen; None: a service name that nobody can resolve
    is_public: Fact[bool]  # hosts other than this one can reach it
    is_mx: bool  # port 25, or behind postscreen
    is_submission: bool  # port 587 or 465
    is_implicit_tls_port: bool  # port 465
    is_behind_postscreen: bool  # type pass
    is_special_port: bool  # neither 25 nor 587 nor 465: re-injection, a proxy, …
    is_verbose: bool  # -v: passwords reach the log
    stray_arguments: tuple[str, ...]  # words after the options that smtpd does not take: it dies of them
    overrides: tuple[Override, ...]
    settings: SmtpdSettings

    starts: Fact[bool]  # smtpd gets past its own checks (false: clients connect and get no banner)
    does_not_start_because: Fact[str]  # what it dies of, or empty

    # --- who may relay ---
    restrictions: tuple[Restriction, ...] | Unknown  # of all lists, in the order of smtpd's evaluation
    has_relay_gate: Fact[bool]  # a recipient-stage list holds what smtpd demands before it starts
    relay_gate_only_warns: Fact[bool]  # every relay gate is disarmed by warn_if_reject
    has_relay_restrictions: Fact[bool]  # smtpd_relay_restrictions is not empty
    relay_is_decided_by_recipient_list: Fact[bool]  # smtpd_recipient_restrictions alone has a gate
    relay_gate_is_default: Fact[bool]  # smtpd_relay_restrictions is not set, and the other list holds no gate
    rejects_relay_with: Fact[str]  # the first gate: reject_unauth_destination, reject, …
    relays_for_strangers: Fact[bool]  # some stranger, without login, may send to any domain; the simple cases only
    accepts_unauthenticated: Fact[bool]  # some stranger on the Internet, without login, may send to local recipients
    demands_login: Fact[bool]  # a list refuses everybody who has not logged in, clients in mynetworks too
    trusted_networks: Fact[Networks]  # mynetworks as addresses; unknown if it holds names
    trusts_by_style: Fact[bool]  # mynetworks is not set: mynetworks_style decides
    has_own_trust: bool  # an `-o` sets mynetworks or a restriction list: a re-injection or special port
    xclient_networks: Fact[Networks]  # who may change identity with XCLIENT
    xforward_networks: Fact[Networks]  # who may forge log data with XFORWARD
    reads_proxy_protocol: Fact[bool]  # believes a HAProxy header about who the client is
    delays_reject: Fact[bool]  # smtpd_delay_reject

    # --- recipients ---
    validates_local_recipients: Fact[bool]  # local_recipient_maps is set, or recipients are verified
    validates_relay_recipients: Fact[bool]  # as above for relay_domains; true when there are none
    validates_virtual_recipients: Fact[bool]  # as above for virtual_mailbox_domains; true when there are none
    rejects_unlisted_recipients: Fact[bool]  # smtpd_reject_unlisted_recipient, or the restriction of that name

    # --- TLS ---
    tls_level: Fact[str]  # the level in force: none, may, encrypt
    offers_tls: Fact[bool]  # STARTTLS or TLS from the first byte
    requires_tls: Fact[bool]  # no mail and no AUTH without TLS
    is_wrappermode: Fact[bool]  # TLS from the first byte
    has_certificate: Fact[bool]  # a certificate is configured
    has_usable_certificate: Fact[bool]  # … and its file is there, holds a certificate, and the key fits
    certificates: tuple[Certificate, ...] | Unknown
    tls_versions: Fact[tuple[str, ...]]  # those in force: of the mandatory list if TLS is required
    mandatory_tls_versions: Fact[tuple[str, ...]]  # what smtpd_tls_mandatory_protocols lets through: SSLv2 … TLSv1.3
    opportunistic_tls_versions: Fact[tuple[str, ...]]  # what smtpd_tls_protocols lets through
    allows_tls_below_1_2: Fact[bool]  # TLSv1, TLSv1.1 or an SSL version is among tls_versions
    allows_ssl: Fact[bool]  # SSLv2 or SSLv3 is among tls_versions
    lacks_newest_tls: Fact[bool]  # TLSv1.3 is not among tls_versions
    tls_protocols_problem: Fact[str]  # what is wrong with the list in force, or empty
    tls_cipher_grade: Fact[str]  # the one in force, lower case: mandatory if TLS is required

    # --- AUTH ---
    offers_auth: Fact[bool]  # SASL is on, and AUTH is not discarded
    offers_auth_without_tls: Fact[bool]  # AUTH works before STARTTLS
    accepts_passwords_in_clear: Fact[bool]  # … and PLAIN or LOGIN are not excluded there
    allows_anonymous_auth: Fact[bool]  # `noanonymous` is missing, in clear or under TLS
    permits_authenticated: Fact[bool]  # permit_sasl_authenticated stands before the gate of the relay stage
    lets_logins_relay_by_table: Fact[bool]  # check_sasl_access stands in a relay-stage list
    binds_senders_to_logins: Fact[bool]  # some list holds a reject_…_sender_login_mismatch
    sender_binding_is_bypassed: Fact[bool]  # … behind a permit for those who logged in
    sender_binding_rejects_everybody: Fact[bool]  # a strict binding without smtpd_sender_login_maps
    has_sender_login_maps: Fact[bool]
    sasl_backend_is_remote: Fact[bool]  # Dovecot over TCP to another host: passwords cross the network in clear
    sasl_backend_is_missing: Fact[bool]  # Dovecot's socket is not where smtpd looks for it

    # --- smuggling, leaks, limits ---
    forbids_bare_newline: Fact[bool]  # yes, normalize or reject; false also where the release lacks the parameter
    forbids_unauthorized_pipelining: Fact[bool]  # by parameter or in smtpd_data_restrictions
    bare_newline_exclusions: Fact[Networks]  # clients that may smuggle all the same
    banner_reveals_product: Fact[bool]  # the banner holds the product's name
    banner_reveals_version: Fact[bool]  # the banner holds Postfix's release or the operating system's name
    banner_starts_with_hostname: Fact[bool]  # RFC 5321 section 4.2
    answers_vrfy: Fact[bool]
    answers_etrn: Fact[bool]  # anybody may use ETRN, and there are domains to flush
    has_helo_checks: Fact[bool]  # smtpd_helo_restrictions, or a HELO restriction in another list
    checks_users_as_servers: Fact[bool]  # HELO, block list or DNS checks come before the login permit
    limits_auth_attempts: Fact[bool]  # smtpd_client_auth_rate_limit is not 0
    unlimited_clients: Fact[Networks]  # smtpd_client_event_limit_exceptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientService:
    """An SMTP or LMTP client: an entry of master.cf whose command is smtp or lmtp. Facts read the parameters of its protocol."""

    name: str  # unique: `smtp`, `relay`, `lmtp`, …
    protocol: Literal["smtp", "lmtp"]
    origin: Origin
    overrides: tuple[Override, ...]
    settings: ClientSettings
    is_default: bool | Unknown  # default_transport or relay_transport uses it
    has_fixed_next_hop: Fact[bool]  # relayhost is set: it speaks to a known server, not to the whole Internet
    tls_level: Fact[str]  # none, may, encrypt, dane, …, secure; before the policy per destination
    offers_tls: Fact[bool]  # uses STARTTLS where the server has it
    requires_tls: Fact[bool]  # no delivery without TLS
    verifies_certificate: Fact[bool]  # fingerprint, verify, secure or dane-only
    has_policy_per_destination: Fact[bool]  # …_tls_policy_maps is set and may change the level
    sends_passwords: Fact[bool]  # SASL is on and there is a password map
    sends_passwords_in_clear: Fact[bool]  # … and PLAIN may leave without TLS
    password_maps: tuple[str, ...] | Unknown  # `type:path` as configured; the text of static: and inline: is never kept
    has_password_in_configuration: Fact[bool]  # static:user:password or inline: in main.cf or master.cf
    tls_versions: Fact[tuple[str, ...]]  # the versions in force
    allows_tls_below_1_2: Fact[bool]
    tls_protocols_problem: Fact[str]  # as in SmtpdService
    has_trust_anchors: Fact[bool]  # CAfile, CApath or tls_append_default_CA


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A lookup table that the configuration names."""

    name: str  # `type:path`, as smtpd sees it; passwords in static: and inline: are not kept
    type: str  # hash, lmdb, cidr, regexp, mysql, …
    path: str  # the file, or what the type takes instead
    parameters: tuple[str, ...]  # the parameters that name it
    is_indexed: bool  # hash, btree, lmdb, cdb, dbm, sdbm: an index file is what daemons read
    has_source: bool | Unknown  # the text file is there
    has_index: bool | Unknown  # the index file is there (true for types without)
    is_stale: bool | Unknown  # the source is newer than the index: the daemons see other entries than the text shows
    is_missing: bool | Unknown  # nothing to read: every lookup fails
    holds_secrets: bool  # a password map, or the credentials of a database
    problems: tuple[str, ...]  # lines that the builder or the daemon cannot read
    origin: Origin  # the first place that names it


Action = Literal["ok", "dunno", "reject", "defer", "discard", "restrictions", "error"]
"""What smtpd does when a line of an access table matches. dunno: it goes on to the next restriction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEntry:
    """One line of an access table that a restriction list uses. A table whose lines nobody could read is one entry: what its lines
    would tell is unknown."""

    name: str  # `/etc/postfix/access:12 203.0.113` (file, line, key); the table's name when its lines could not be read
    table: str  # `type:path`
    key: str  # as written
    action: str  # the right-hand side, as written
    verdict: Action | Unknown  # what smtpd makes of the action
    keyed_by: Literal["client", "reverse client", "helo", "sender", "recipient", "login", "certificate", "etrn"]
    restriction: str  # check_client_access, …
    list: ListName  # the list that it is used in
    services: tuple[str, ...]  # the smtpd services that use it there
    clients: Networks | Unknown | None  # the addresses that the key covers; None: the key is a name
    is_before_relay_check: bool  # it is looked up before the gate of a relay-stage list
    opens_relay: bool | Unknown  # the verdict is ok before the gate, and no other list of that service stops the relay
    is_spoofable: bool  # the key is something that the client may say: HELO, sender
    matches_anything: bool | Unknown  # a pattern that every client, sender, … matches
    matches_nothing: bool | Unknown  # the key has a form that is never asked for: CIDR in a hash table, …
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockListUse:
    """A block list in the DNS that one restriction list of smtpd, or postscreen, asks about its clients."""

    name: str  # `reject_rbl_client zen.spamhaus.org`, `postscreen_dnsbl_sites zen.spamhaus.org`
    zone: str  # lower case
    answers: str  # the answers that count as listed, `127.0.0.[2..11]`; empty: any answer
    list: str  # the parameter that it stands in
    services: tuple[str, ...]  # the services that ask it there
    is_postscreen: bool
    refuses: bool | Unknown  # a listed client is refused, or (postscreen) comes nearer to it
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkEntry:
    """One entry of mynetworks, of main.cf or of a service's `-o`, `/file` entries written out."""

    name: str  # `mynetworks 10.0.0.0/8`, with the service's name when an `-o` sets it
    text: str  # as written, without the `!`
    services: tuple[str, ...]  # the smtpd services that trust it
    networks: Networks | Unknown  # the addresses that it covers; nobody for a host name
    is_public: bool | Unknown  # covers addresses that strangers can have
    is_everyone: bool | Unknown  # covers an IPv4 /7, an IPv6 /16, or more of the Internet
    is_private: bool | Unknown  # covers only private, link-local or shared address space (not loopback)
    is_loopback: bool | Unknown  # covers only loopback addresses
    is_negated: bool  # `!`
    is_host_name: bool  # trusts whoever has this name in the reverse zone
    is_table: bool  # `type:table`: any key matches, the right-hand side is ignored
    is_broken: bool | Unknown  # smtpd cannot read it: from here on every client gets 451
    is_inert: bool | Unknown  # readable, and matches nobody: `10.*`, `203.0.113`
    is_shadowed: bool | Unknown  # a negation after an entry that already covers it
    is_default: bool  # mynetworks is not set: Postfix computed it
    problem: str  # what is wrong with it, or empty
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEntry:
    """One entry of a list of domains that Postfix accepts mail for, `/file` entries written out."""

    name: str  # `relay_domains example.org`
    text: str  # as written, without the `!`
    list: Literal["mydestination", "relay_domains", "virtual_alias_domains", "virtual_mailbox_domains"]
    is_negated: bool
    is_table: bool
    is_default: bool  # the list is not set
    matches_any_domain: bool | Unknown  # static:, a catch-all pattern
    is_top_level_domain: bool  # a name without a dot that parent matching extends to all below (relay_domains only)
    matches_nothing: bool | Unknown  # `*`, a trailing dot, `.domain` where parents match by themselves
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchAll:
    """A line of virtual_alias_maps that stands for every address of a domain: smtpd accepts them all. A table whose lines nobody
    could read is one entry: what its lines would tell is unknown."""

    name: str  # `/etc/postfix/virtual:3 @example.org`; the table's name when its lines could not be read
    key: str  # as written
    targets: str  # the right-hand side, as written
    leaves: bool | Unknown  # a target is in no domain that this server receives mail for
    keeps_local_part: bool | Unknown  # a target is `@domain`: the address may not exist there
    origin: Origin


Purpose = Literal[
    "configuration",
    "configuration directory",
    "private key",
    "certificate",
    "password map",
    "table",
    "database credentials",
    "sasl database",
    "sasl configuration",
    "sasl socket",
    "setgid program",
    "daemon directory",
    "queue directory",
    "data directory",
    "other",
]
"""What a file is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """Owner, group and permissions of a file or directory that matters; of a link, those of what it points at.

    Of a file that the collecting user may not look at, all but its path and purpose is unknown.
    """

    name: str  # its path
    path: str
    purpose: Purpose
    kind: Literal["file", "directory", "socket", "other"] | Unknown
    owner: str | Unknown  # name, or the number where there is no name
    group: str | Unknown
    mode: str | Unknown  # four octal digits: "0644"
    is_owned_by_root: bool | Unknown
    is_group_writable: bool | Unknown
    is_group_readable: bool | Unknown
    is_world_writable: bool | Unknown
    is_world_readable: bool | Unknown
    is_writable_by_others: bool | Unknown  # by somebody but the owner and root
    is_readable_by_others: bool | Unknown  # by group (other than root's) or world
    is_setgid: bool | Unknown
    is_link: bool | Unknown  # the path is a symbolic link
    origin: Origin | None  # where the configuration names it; None: nowhere, it belongs to Postfix


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationWarning:
    """Something that Postfix's own tools complain about in main.cf or master.cf."""

    name: str  # `unused parameter smtpd_tls_auth_onyl`
    kind: Literal[
        "unused parameter",
        "overridden earlier",
        "undefined parameter",
        "deprecated",
        "malformed line",
        "bad value",
        "other",
    ]
    parameter: str  # or empty
    text: str  # as Postfix says it
    suggestion: str  # the parameter that was probably meant, or empty
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Sasl:
    """How smtpd checks passwords, as set up on the host."""

    implementation: str  # cyrus or dovecot
    mechanisms: tuple[str, ...] | Unknown  # upper case, Cyrus' mech_list; empty: all that are installed
    password_check: str | Unknown  # Cyrus' pwcheck_method


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningSocket:
    """A TCP socket in state LISTEN."""

    name: str  # `0.0.0.0:25`
    address: str  # `*`, `0.0.0.0`, `::`, `127.0.0.1`, …
    port: int
    program: str  # or empty when the collecting user may not see it
    is_loopback: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Postfix:
    """One Postfix instance."""

    release: Release | Unknown  # mail_version
    instance: str  # multi_instance_name, or the configuration directory; empty for the only instance
    config_directory: str
    compatibility_level: Fact[Release]  # 0 when not set: the old defaults are in force
    main: MainSettings
    services: tuple[Service, ...] | Unknown  # all of master.cf
    qmqpd_services: tuple[Service, ...] | Unknown
    cleanup_services: tuple[Service, ...] | Unknown
    smtpd_services: tuple[SmtpdService, ...] | Unknown
    smtp_clients: tuple[ClientService, ...] | Unknown
    tables: tuple[Table, ...] | Unknown
    access_entries: tuple[AccessEntry, ...] | Unknown
    unreadable_access_tables: tuple[str, ...] | Unknown  # `type:path` of access tables whose lines nobody could read
    block_lists: tuple[BlockListUse, ...] | Unknown
    trusted_network_entries: tuple[NetworkEntry, ...] | Unknown
    domain_entries: tuple[DomainEntry, ...] | Unknown
    catch_alls: tuple[CatchAll, ...] | Unknown
    files: tuple[FileState, ...] | Unknown
    configuration_files: (
        tuple[FileState, ...] | Unknown
    )  # main.cf, master.cf, tables, their directories, the programs' directories
    private_keys: tuple[FileState, ...] | Unknown
    password_maps: tuple[FileState, ...] | Unknown  # sources and indexes
    database_credentials: tuple[FileState, ...] | Unknown  # ldap, mysql, … configurations that hold a password
    sasl_databases: tuple[FileState, ...] | Unknown
    setgid_programs: tuple[FileState, ...] | Unknown  # postdrop, postqueue
    own_directories: tuple[FileState, ...] | Unknown  # of the queue and of the data
    certificates: tuple[Certificate, ...] | Unknown
    warnings: tuple[ConfigurationWarning, ...] | Unknown
    sasl: Sasl
    listening: tuple[ListeningSocket, ...] | Unknown
    addresses: Networks | Unknown  # the host's own
    is_container: bool | Unknown  # Docker, Podman, LXC …: strangers may show up with the bridge's address
    has_postscreen: bool | Unknown  # a postscreen service in front of port 25
    is_null_client: Fact[bool]  # receives nothing from the network and has a relayhost
    runs_commands_as_privileged: Fact[bool]  # default_privs is root, the mail owner, or in their groups
    message_exceeds_mailbox: Fact[bool]  # message_size_limit is larger than mailbox_size_limit
    problems: tuple[str, ...]  # notes of the parser that no rule judges
