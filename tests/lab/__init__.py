"""Real mail servers in network namespaces for the tests.

In a test of this folder (all of them get the marker `lab`; they need root, and in CI they fail rather than skip):

    def test_the_default_banner_names_debian(lab: Lab) -> None:      # while the test runs, its thread is in the lab's network
        host = lab.host("debian-default")                            # booted on first use, shared by the whole session
        with smtplib.SMTP(host.address, timeout=10) as client: ...
        host.run("postconf -n")                                      # as root inside the host, without SSH
        host.path("/etc/postfix/main.cf").read_text()                # its files, from here
        host.write_sudoers("auditor ALL=(root) NOPASSWD: /usr/sbin/postconf")
        before = host.upper_files()                                  # all that the host has written; compare later

    def test_something_that_changes_a_host(lab: Lab) -> None:
        with lab.fresh("debian-default") as host:                    # a private copy, 0.5 s
            host.load_postfix(main_cf, master_cf)                    # writes, restarts; raises LabError when refused

    def test_postfix_itself_says(oracle: PostfixOracle) -> None:     # once per release: real postconf, no host; see oracle.py
        (answer,) = oracle.many([(main_cf, master_cf)])

SSH: port 22 of `host.address`; users `root` (key) and `auditor` (key or password, sudo with the same password); the private
key is `lab.key`, the host keys are `lab.known_hosts` (or `host.host_key`), the password is `lab.password`. `behind-jump` is
reached through `jump` only. Session fixtures that connect use `with lab.network():`; threads made inside inherit it.

By hand, as root: `python -m tests.lab up debian-default jump behind-jump` prints addresses and keys as JSON and waits;
`nsenter -t PID -n mailaudit scan …` from another terminal (PID is in the output) runs a command in the lab's network.
`python -m tests.lab build` fills the cache, `hosts` lists the hosts. More: README.md beside this file.
"""
