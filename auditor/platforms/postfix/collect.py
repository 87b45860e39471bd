"""What the collection of a Postfix host brings: the contract between collect.sh and the parser.

On the wire every section is named `host/NAME` (the machine), `postfix/NAME` (the installation) or `postfix[DIRECTORY]/NAME` (one instance).
`instances` turns a host's snapshot into one snapshot per instance, whose sections are called NAME alone and `host/NAME`:

    directory           the configuration directory, one line: /etc/postfix
    main.cf master.cf   the files; every physical line keeps its number. Secrets read `[redacted]`, comments are emptied to `#`
    postconf-n          explicit settings, `name = value` per line; stderr: Postfix's own warnings
    postconf-x          all settings, expanded ($name resolved, mynetworks computed); status 1 when one of them cannot be expanded
    postconf-M          services, one per line
    postconf-P -Px      `service/type/name = value` per `-o`, literal and expanded
    tables              lookup tables that the settings name, one `TYPE PATH` per line (`file PATH` for a list's /file entry)
    file PATH           the text of such a table's source (comments emptied), of a /file entry, of a Cyrus SASL smtpd.conf
    index TYPE:PATH     `postmap -s`: what an indexed table really answers, `key TAB value`; only when it is stale or its source is missing
    files               one `MODE/UID/USER/GID/GROUP/SIZE/MTIME/PATH` per line (MODE: st_mode in hex, symbolic links followed);
                        stderr: `PATH: reason` for each that is absent or cannot be seen
    certificate PATH    `openssl x509 -text -fingerprint -sha256 -pubkey` of the first certificate in PATH
    public-key PATH     the public half (PEM) of the private key in PATH, to compare with the certificate's

and, the same for all instances of a host:

    instances           `postmulti -l`: name, group, enabled, directory
    postconf-d          defaults of this build, unexpanded, `name = value`: a name that is absent here is not supported
    postconf-m -a -A    table types, SASL server types, SASL client types, one per line
    package             the distribution's package and revision: `postfix 3.7.11-0+deb12u1`
    privileges          `plain|sudo|refused COMMAND` per command that may need root: how it was run
    host/system         `key=value` lines: system, release, machine, os, hostname, user, uid, container
    host/platforms      `postfix found` or `postfix absent` per platform looked for
    host/listening      first line `# COMMAND`, then its answer (ss, netstat or /proc/net/tcp)
    host/addresses      the same of `ip -o addr`, or ifconfig
    host/routes         the same of `ip route show default`, or /proc/net/route

A file's section carries the file's path as `Section.name` (sections["main.cf"].name == "/etc/postfix/main.cf",
sections["file /etc/postfix/access"].name == "/etc/postfix/access"): that is what an origin shows.
A folder of files (`from_files`) has `directory`, `main.cf`, `master.cf` and `file PATH` with PATH as the settings name it and the folder's own path as
`Section.name`; everything else is `Missing("only a running server could tell")`.
The readers of these formats are in readings.py.
"""

from __future__ import annotations
