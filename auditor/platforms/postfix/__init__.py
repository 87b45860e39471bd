"""Postfix: what is read on the server, what it means, and the words that rules have for it."""

from __future__ import annotations

from auditor.interfaces import Platform
from auditor.model.host import Shell
from auditor.platforms.postfix import catalogue, collect, files, parse
from auditor.platforms.postfix.model import ClientSettings, MainSettings, Postfix, ServiceSettings, SmtpdSettings

_EVERY_PARAMETER = catalogue.Names(per_service=True)

POSTFIX: Platform[Postfix] = Platform(
    name="postfix",
    shell=Shell.SH,
    model=Postfix,
    namespaces={
        MainSettings: catalogue.Names(per_service=False),
        SmtpdSettings: _EVERY_PARAMETER,
        ClientSettings: _EVERY_PARAMETER,
        ServiceSettings: _EVERY_PARAMETER,
    },
    detect=collect.DETECT,
    collect=collect.body(),
    privileged=collect.privileged,
    instances=collect.instances,
    recognise=files.recognise,
    from_files=files.from_files,
    parse=parse.parse,
    release=parse.release,
    addresses=parse.addresses,
    problems=parse.problems,
)
