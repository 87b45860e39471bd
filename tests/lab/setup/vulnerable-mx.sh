# A mail exchanger on the Internet that grew for years: most of what the rules look for is here, and it runs.
authority=$(mktemp -d)
cat > "$authority/config" << END
[ca]
default_ca = this
[this]
database = $authority/index
serial = $authority/serial
new_certs_dir = $authority
default_md = sha1
policy = names
[names]
commonName = supplied
END
: > "$authority/index"
echo 01 > "$authority/serial"
openssl req -newkey rsa:1024 -nodes -keyout /etc/postfix/mail.key -subj "/CN=mail.old-name.example" \
  -out "$authority/request" 2> /dev/null
openssl ca -batch -notext -config "$authority/config" -selfsign -keyfile /etc/postfix/mail.key -in "$authority/request" \
  -startdate 20190301000000Z -enddate 20200301000000Z -out /etc/postfix/mail.pem 2> /dev/null
rm -rf "$authority"
chmod 644 /etc/postfix/mail.key
cat > /etc/postfix/main.cf << END
# migrated from the old server, do not touch!
compatibility_level = 2
myhostname = $FQDN
mydomain = example.net
myorigin = \$mydomain
mydestination = \$myhostname, example.net, localhost
# branch offices, added by request
mynetworks = 127.0.0.0/8, 10.0.0.0/8,
# home office (temporary)
    0.0.0.0/0
relay_domains = \$mydestination
alias_maps = hash:/etc/aliases
alias_database = hash:/etc/aliases
local_recipient_maps =
smtpd_banner = \$myhostname ESMTP \$mail_name \$mail_version (Debian/GNU)
soft_bounce = yes
message_size_limit = 0
mailbox_size_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_client_event_limit_exceptions = static:all

smtpd_tls_security_level = may
smtpd_tls_cert_file = /etc/postfix/mail.pem
smtpd_tls_key_file = /etc/postfix/mail.key
smtpd_tls_protocols = !SSLv2
smtpd_tls_mandatory_protocols = !SSLv2
smtpd_tls_ciphers = low
smtpd_tls_loglevel = 3
smtpd_tls_auth_onyl = yes

smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = \$myhostname
smtpd_sasl_security_options =
smtpd_sasl_authenticated_header = yes
broken_sasl_auth_clients = yes

smtpd_relay_restrictions =
smtpd_recipient_restrictions = permit_mynetworks, permit_sasl_authenticated,
    check_sender_access hash:/etc/postfix/partners, reject_unauth_destination, reject_rbl_client bl.example.org

relayhost = [smarthost.example.com]:587
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd
smtp_sasl_security_options = noanonymous
smtp_tls_security_level = may
END
chmod 666 /etc/postfix/main.cf
sed -i 's/^\(smtp  *inet.*\) smtpd$/\1 smtpd -v/' /etc/postfix/master.cf
cat >> /etc/postfix/master.cf << 'END'
submission inet n - n - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=may
  -o smtpd_tls_auth_only=no
  -o smtpd_relay_restrictions=permit_mynetworks,permit_sasl_authenticated,reject
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,permit
10025 inet n - n - - smtpd
  -o content_filter=
  -o smtpd_recipient_restrictions=permit_mynetworks,reject
END
cat > /etc/postfix/sasl/smtpd.conf << END
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN CRAM-MD5 DIGEST-MD5
END
sasl_user bob "canary-bob-7fK9"
chmod 644 /etc/sasldb2
cp -p /etc/sasldb2 /var/spool/postfix/etc/sasldb2
printf '[smarthost.example.com]:587 relay-user:canary-relay-3xQ1\n' > /etc/postfix/sasl_passwd
postmap /etc/postfix/sasl_passwd
chmod 644 /etc/postfix/sasl_passwd /etc/postfix/sasl_passwd.db
printf 'partner.example OK\nspam.example REJECT\n' > /etc/postfix/partners
postmap /etc/postfix/partners
touch -d -1hour /etc/postfix/partners.db # the text was edited since, and nobody ran postmap
printf 'new-partner.example OK\n' >> /etc/postfix/partners
start_postfix
