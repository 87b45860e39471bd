"""What services share: a setting of main.cf that rests on nothing of the service's own is the same object for all of them."""

from auditor.model.origin import Unknown
from auditor.model.snapshot import Section, Snapshot
from auditor.platforms.postfix.settings import Configuration, Scope

MASTER = """\
smtp inet n - y - - smtpd
submission inet n - y - - smtpd
  -o myhostname=mail.example.org
  -o mynetworks_style=host
"""


def scopes(main: str, defaults: str = "mail_version = 3.7.11\n") -> tuple[Scope, Scope, Scope]:
    """Main.cf's own scope, and those of smtp and submission."""
    texts = {"main.cf": main, "master.cf": MASTER, "postconf-d": defaults}
    sections = {name: Section(name=name, content=text.encode()) for name, text in texts.items()}
    configuration = Configuration(Snapshot(host="mx1", platform="postfix", sections=sections))
    smtp, submission = (Scope(configuration, entry) for entry in configuration.master.entries)
    return configuration.top, smtp, submission


def test_a_setting_is_worked_out_once_for_all_services_that_see_the_same() -> None:
    top, smtp, submission = scopes("alpha = $beta\nbeta = yes\n")
    assert top.lookup("alpha") is smtp.lookup("alpha") is submission.lookup("alpha")


def test_what_rests_on_an_override_is_the_services_own() -> None:
    _, smtp, submission = scopes("alpha = ${beta?{$myhostname}}\nbeta = yes\nmyhostname = mx1.example.org\n")
    assert ("mx1.example.org", "mail.example.org") == (smtp.lookup("alpha").text, submission.lookup("alpha").text)


def test_what_is_computed_from_an_override_is_the_services_own() -> None:
    _, smtp, submission = scopes("myhostname = mx1.example.net\n")
    assert ("example.net", "example.org") == (smtp.lookup("mydomain").text, submission.lookup("mydomain").text)


def test_networks_follow_the_style_that_a_service_overrides() -> None:
    _, smtp, submission = scopes("", "mail_version = 3.7.11\nmynetworks_style = subnet\n")
    assert isinstance(smtp.lookup("mynetworks").value, Unknown)
    assert ("127.0.0.0/8", "[::1]/128") == submission.lookup("mynetworks").value


def test_what_names_the_service_is_the_services_own() -> None:
    _, smtp, submission = scopes("alpha = postfix/$service_name\n")
    assert ("postfix/smtp", "postfix/submission") == (smtp.lookup("alpha").text, submission.lookup("alpha").text)


def test_hosts_with_one_build_keep_their_own_names() -> None:
    build = "mail_version = 3.7.11\nmyhostname = {}\nmyorigin = $myhostname\n"
    found = [
        scopes("", build.format(name))[0].lookup("myorigin").text for name in ("mx1.example.org", "mx2.example.org")
    ]
    assert ["mx1.example.org", "mx2.example.org"] == found


def test_a_host_name_and_a_domain_that_name_each_other_are_unknown() -> None:
    top, _, _ = scopes("myhostname = mail.$mydomain\n")
    assert isinstance(top.lookup("myhostname").value, Unknown)
    assert isinstance(top.lookup("mydomain").value, Unknown)
