"""The stages chained for one host and over the fleet. Everything up to `snapshots` is input and output; `judge` is pure."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from auditor import connectors, fleet, framing, resources, rulebook, shell
from auditor.errors import CollectionFailed, NoMailServer, Problem, UsageError
from auditor.interfaces import Platform, Script
from auditor.model.finding import Finding
from auditor.model.host import Command, Files, Host, HostVariables, Replay, Ssh
from auditor.model.run import Audited, HostReport
from auditor.model.snapshot import Missing, Snapshot
from auditor.platforms import PLATFORMS

DEFAULT_WORKERS = 20  # 20 to 30 threads saturate two cores; more only cost memory
NO_SITE_FACTS = "trusted_networks is not declared: loopback and the host's own addresses are trusted"

Observer = Callable[[fleet.Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """One mail server as the rules see it, with the site facts that hold for it."""

    platform: Platform[Any]
    instance: str
    model: Any
    variables: HostVariables


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesChecked:
    """What the examples of some rules came to. A warning does not make a rule unusable."""

    rules: int
    examples: int
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The stages for a set of platforms; the shipped one is `pipeline.SHIPPED`."""

    platforms: tuple[Platform[Any], ...] = PLATFORMS
    rules_folder: Path | None = None  # None: the shipped rules

    @property
    def registry(self) -> Mapping[str, Platform[Any]]:
        """The platforms by name."""
        return {platform.name: platform for platform in self.platforms}

    def load_rules(self, profile: str = "default", site: Sequence[Path] = ()) -> rulebook.Rulebook:
        """The shipped rules and those of the site's folders, checked and compiled. Raises InvalidFile with every problem."""
        shipped = self.rules_folder or resources.shipped("rules")
        return rulebook.load_rulebook([shipped], self.registry, profile=profile, site=site)

    def wanted(self, name: str) -> tuple[Platform[Any], ...]:
        """The platform of that name, or all for "auto". Raises UsageError for a name that we do not know."""
        if name == "auto":
            return self.platforms
        if name not in self.registry:
            raise UsageError(f"there is no platform {name!r}", f"known: auto, {', '.join(self.registry)}")
        return (self.registry[name],)

    def check(self, hosts: Iterable[Host]) -> None:
        """Refuse hosts whose platform nobody knows, before any is contacted. Raises UsageError with the place in the inventory."""
        for host in hosts:
            try:
                self.wanted(host.platform)
            except UsageError as error:
                origin = host.origins.get("platform")
                raise UsageError(
                    f"{f'{origin}: ' if origin else ''}{host.name}: {error.message}", error.advice
                ) from None

    def script(self, platform: str, *, privilege: str, sudo: str = "sudo") -> Script:
        """The whole collection script: prelude, settings, and each platform's collector behind its detection."""
        bodies = [(each.name, each.detect, each.collect) for each in self.wanted(platform)]
        return shell.compose(bodies, settings={"privilege": privilege, "sudo": sudo})

    def record(self, host: Host) -> bytes:
        """Run the collection on a host and return its output, byte for byte: the content of a snapshot file. Raises HostFailed."""
        if isinstance(host.connection, Files):
            raise CollectionFailed(host.name, "is a folder of files: there is nothing to collect", "scan it as it is")
        with connectors.open(host) as connector:
            output = connector.run(
                self.script(host.platform, privilege=host.privilege.mode, sudo=host.privilege.sudo),
                timeout=host.deadline,
            )
        if not output.stdout:
            said = output.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
            raise CollectionFailed(
                host.name,
                "the collection script answered nothing" + (f"; its shell said: {said[-1][:200]!r}" if said else ""),
                "check that the login shell can run a POSIX sh: `mailaudit collect --print-script auto` shows what is sent",
            )
        return output.stdout

    def snapshots(self, host: Host) -> tuple[Snapshot, ...]:
        """Read a host, whichever way its connection says; one snapshot per mail server found there. Raises HostFailed."""
        if isinstance(host.connection, Files):
            return tuple(self._snapshots_of_folder(host, host.connection))
        wanted = {platform.name for platform in self.wanted(host.platform)}
        found = tuple(each for each in framing.decode(host.name, self.record(host)) if each.platform in wanted)
        if not found:
            raise NoMailServer(
                host.name,
                f"none of {', '.join(sorted(wanted))} was found there",
                "is this the right host? `platform:` in the inventory says what to expect",
            )
        return found

    def _snapshots_of_folder(self, host: Host, connection: Files) -> Iterator[Snapshot]:
        contents = connectors.read_folder(Path(connection.folder))
        found = 0
        for platform in self.wanted(host.platform):
            for files in platform.recognise(contents.files):
                found += 1
                yield replace(platform.from_files(files, connection.release), host=host.name)
        if not found:
            unreadable = "; ".join(f"{path}: {reason}" for path, reason in list(contents.unreadable.items())[:3])
            raise NoMailServer(
                host.name,
                f"no configuration of {', '.join(p.name for p in self.wanted(host.platform))} in {connection.folder}"
                + (f" ({unreadable})" if unreadable else ""),
                "name the folder that holds main.cf, or one above it",
            )

    def parsed(self, found: Iterable[Snapshot], host: Host) -> Iterator[Parsed]:
        """Split snapshots into instances and parse them; fill in what holds when nobody declared site facts."""
        for snapshot in found:
            platform = self.registry[snapshot.platform]
            for instance in platform.instances(snapshot):
                model = platform.parse(instance)
                variables = host.variables.with_own_addresses(platform.addresses(model))
                yield Parsed(platform=platform, instance=instance.instance, model=model, variables=variables)

    def judge(self, found: Sequence[Snapshot], host: Host, rules: rulebook.Rulebook) -> HostReport:
        """Judge what was read of one host. Pure: the same snapshots give the same report."""
        findings: list[Finding] = []
        audited: list[Audited] = []
        for server in self.parsed(found, host):
            findings += rulebook.evaluate(rules, server.platform, server.model, server.variables, server.instance)
            audited.append(
                Audited(
                    platform=server.platform.name,
                    instance=server.instance,
                    release=server.platform.release(server.model),
                    problems=tuple(server.platform.problems(server.model)),
                )
            )
        return HostReport(
            host=host.name,
            state="ok",
            source=describe(host),
            groups=host.groups,
            audited=tuple(audited),
            findings=tuple(sorted(findings, key=order)),
            notes=(NO_SITE_FACTS,) if host.variables.trusted_networks is None else (),
            taken_at=max((s.taken_at for s in found if s.taken_at), default=None),
        )

    def audit(self, host: Host, rules: rulebook.Rulebook) -> HostReport:
        """Read and judge one host. Raises HostFailed."""
        started = time.monotonic()
        report = self.judge(self.snapshots(host), host, rules)
        return replace(report, seconds=round(time.monotonic() - started, 3))

    def scan(
        self,
        hosts: Sequence[Host],
        rules: rulebook.Rulebook,
        *,
        workers: int = DEFAULT_WORKERS,
        observer: Observer | None = None,
    ) -> Iterator[HostReport]:
        """Audit many hosts at once; the reports come in the order of the hosts. A host that fails is a report with its state."""
        self.check(hosts)
        results = fleet.run(
            hosts, lambda host: self.audit(host, rules), workers=workers, name=_name, limit=_limit, observer=observer
        )
        with _collected_seldom():
            for host, result in zip(hosts, results, strict=True):
                yield result.value if result.value is not None else _failed(host, result)

    def collect(
        self, hosts: Sequence[Host], *, workers: int = DEFAULT_WORKERS, observer: Observer | None = None
    ) -> Iterator[tuple[Host, fleet.Result[bytes]]]:
        """Collect from many hosts at once, without judging. What is not a snapshot is a failed result, never bytes to keep."""

        self.check(hosts)

        def checked(host: Host) -> bytes:
            data = self.record(host)
            for snapshot in framing.decode(host.name, data):
                for section in snapshot.sections.values():
                    if isinstance(section.content, Missing) and section.content.reason == framing.REFUSED:
                        raise CollectionFailed(
                            host.name,
                            f"{section.name} has the shape of a secret, so nothing was kept",
                            "scan the host directly: that section is unknown then and nothing of it is written",
                        )
            return data

        return zip(
            hosts, fleet.run(hosts, checked, workers=workers, name=_name, limit=_limit, observer=observer), strict=True
        )

    def explain(
        self, rule: str, hosts: Sequence[Host], rules: rulebook.Rulebook, *, workers: int = DEFAULT_WORKERS
    ) -> Iterator[fleet.Result[str]]:
        """What a rule says about each host, value by value, as text. A host that cannot be read is a failed result."""

        self.check(hosts)

        def explained(host: Host) -> str:
            servers = self.parsed(self.snapshots(host), host)
            texts = [rulebook.explain(rules.rule(rule), each.model, each.variables, each.instance) for each in servers]
            return f"{host.name} ({describe(host)})\n" + "\n".join(texts)

        return fleet.run(hosts, explained, workers=workers, name=_name, limit=_limit)

    def check_rules(self, folders: Sequence[Path]) -> RulesChecked:
        """Run the examples of the shipped rules, or of those in the folders. Raises InvalidFile."""
        book = self.load_rules(site=folders, profile=rulebook.ALL)
        chosen = [each for each in book.rules if not folders or any(Path(each.file).is_relative_to(f) for f in folders)]
        return RulesChecked(
            rules=len(chosen),
            examples=sum(len(each.examples) for each in chosen),
            problems=tuple(problem for each in chosen for problem in rulebook.check_examples(each, self.registry)),
            warnings=tuple(warning for each in chosen for warning in rulebook.warnings(each)),
        )

    def sudoers(self, host: Host, *, user: str) -> Iterator[str]:
        """The sudoers lines of the default privilege mode; of a snapshot, with the paths that its configuration names."""
        known: dict[str, Snapshot] = {}
        if isinstance(host.connection, Replay):
            known = {snapshot.platform: snapshot for snapshot in self.snapshots(host)}
        for platform in self.wanted(host.platform):
            for command in platform.privileged(known.get(platform.name)):
                yield f"{user} ALL=(root) NOPASSWD: {command}"


@contextmanager
def _collected_seldom() -> Iterator[None]:
    """A host's model is thousands of small objects, gone together: looking for cycles after every 700 costs a tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(20_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def describe(host: Host) -> str:
    """How a host is read, for people: "ssh root@192.0.2.1:22", "snapshot mx1.snap"."""
    match host.connection:
        case Ssh() as ssh:
            user = f"{ssh.user}@" if ssh.user else ""
            address = f"[{ssh.address}]" if ":" in ssh.address else ssh.address
            return f"ssh {user}{address}" + (f":{ssh.port}" if ssh.port else "")
        case Command() as command:
            return "command " + " ".join(command.argv)
        case Files() as files:
            return f"files {files.folder}"
        case Replay() as recorded:
            return f"snapshot {Path(recorded.path).name}"


def order(finding: Finding) -> tuple[int, str, str, str, str]:
    """The order of findings everywhere: worst first, then rule, platform, instance, subject."""
    return (-finding.severity.rank, finding.rule_id, finding.platform, finding.instance, finding.subject)


def _name(host: Host) -> str:
    return host.name


def _limit(host: Host) -> float:
    # The connectors keep the deadline; this is for one that does not. Judging a large host may take seconds.
    return (host.connect_timeout + host.deadline).total_seconds() + 60


def _failed(host: Host, result: fleet.Result[Any]) -> HostReport:
    return HostReport(
        host=host.name,
        state=result.state,
        source=describe(host),
        groups=host.groups,
        error=result.message,
        advice=result.advice,
        seconds=round(result.seconds, 3),
    )
