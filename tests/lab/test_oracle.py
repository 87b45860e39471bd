"""The oracle answers as Postfix does, in order, and quickly."""

import time

from tests.lab.oracle import PX, N, P, PostfixOracle, X, smtpd_start

MAIN_CF = """\
compatibility_level = 3.6
myhostname = mx{number}.example.org
mynetworks_style = subnet
mua_client_restrictions = permit_sasl_authenticated, reject
"""
MASTER_CF = """\
smtp       inet  n  -  y  -  -  smtpd
submission inet  n  -  y  -  -  smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_client_restrictions=$mua_client_restrictions
"""


def test_the_release_is_the_promised_one(oracle: PostfixOracle) -> None:
    (answer,) = oracle.many([("", "")], ["postconf -dh mail_version"])
    assert answer["postconf -dh mail_version"].stdout.rpartition(".")[0] == oracle.version


def test_values_of_main_cf_and_of_services(oracle: PostfixOracle) -> None:
    (answer,) = oracle.many([(MAIN_CF.format(number=7), MASTER_CF)])
    assert answer[N].values == {
        "compatibility_level": "3.6",
        "myhostname": "mx7.example.org",
        "mynetworks_style": "subnet",
        "mua_client_restrictions": "permit_sasl_authenticated, reject",
    }
    assert answer[P].values == {
        "submission/inet/smtpd_tls_security_level": "encrypt",
        "submission/inet/smtpd_client_restrictions": "$mua_client_restrictions",
    }
    assert answer[PX].values["submission/inet/smtpd_client_restrictions"] == "permit_sasl_authenticated, reject"
    assert answer[X].values["mydomain"] == "example.org"
    assert answer[X].values["mynetworks"].split()[:2] == ["127.0.0.0/8", "203.0.113.0/24"]


def test_a_file_that_postfix_cannot_parse(oracle: PostfixOracle) -> None:
    (answer,) = oracle.many([("no equals sign\n", "")], [N])
    assert answer[N].status == 1
    assert "missing '=' after attribute name" in answer[N].stderr


def test_bytes_that_are_no_text_come_back_unchanged(oracle: PostfixOracle) -> None:
    (answer,) = oracle.many([("mail_name = \udcff\udc80\n", "")], [N])
    assert answer[N].values == {"mail_name": "\udcff\udc80"}


def test_a_start_of_smtpd_finds_what_it_would_die_of(oracle: PostfixOracle) -> None:
    commands = [smtpd_start("-o soft_bounce=perhaps"), smtpd_start()]
    (answer,) = oracle.many([(MAIN_CF.format(number=1), "")], commands)
    bad, good = (answer[command] for command in commands)
    assert "fatal: bad boolean configuration: soft_bounce = perhaps" in bad.stderr
    assert "fatal" not in good.stderr
    assert (bad.status, good.status) == (1, 0)


def test_many_answers_keep_the_order_of_the_configurations(oracle: PostfixOracle) -> None:
    started = time.monotonic()
    answers = oracle.many([(MAIN_CF.format(number=number), "") for number in range(200)], [N])
    names = [answer[N].values["myhostname"] for answer in answers]
    assert names == [f"mx{number}.example.org" for number in range(200)]
    assert time.monotonic() - started < 60  # a pause of two seconds for a young main.cf would take 200
