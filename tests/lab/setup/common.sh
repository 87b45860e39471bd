# Shared by the set-up scripts of the hosts; prepended to each.
# shellcheck shell=sh

# The certificate of a private authority: good_certificate CERTIFICATE KEY
good_certificate() {
  work=$(mktemp -d)
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" \
    -days 3650 -subj "/O=Example Org/CN=Example Org Root CA" 2> /dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$2" -out "$work/request" \
    -subj "/CN=$FQDN" 2> /dev/null
  printf 'subjectAltName=DNS:%s\nbasicConstraints=CA:FALSE\n' "$FQDN" > "$work/extensions"
  openssl x509 -req -in "$work/request" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 365 \
    -extfile "$work/extensions" -out "$1" 2> /dev/null
  cp "$work/ca.pem" /etc/ssl/certs/example-org-root.pem
  chmod 600 "$2"
  rm -rf "$work"
}

# A login of the SASL database: sasl_user NAME PASSWORD
sasl_user() {
  printf "%s" "$2" | saslpasswd2 -p -c -u "$FQDN" "$1"
}

# Postfix sleeps until main.cf is two seconds old before it reads it: back-date what was just written.
start_postfix() {
  touch -d -9sec /etc/postfix/main.cf
  postfix start
}

# What every well-kept server of the lab has in its main.cf.
sound_main_cf() {
  cat << END
# Example Org mail platform - managed file, see the runbook
compatibility_level = 3.7
myhostname = $FQDN
mydomain = example.org
myorigin = \$mydomain
mydestination = \$myhostname, localhost.\$mydomain, localhost
mynetworks = 127.0.0.0/8 [::1]/128
relay_domains =
alias_maps = hash:/etc/aliases
alias_database = hash:/etc/aliases
biff = no
append_dot_mydomain = no
readme_directory = no
recipient_delimiter = +

# limits
message_size_limit = 52428800
mailbox_size_limit = 0
queue_minfree = 104857600
smtpd_client_connection_rate_limit = 60
smtpd_client_auth_rate_limit = 10

# what strangers may learn and do
smtpd_banner = \$myhostname ESMTP
disable_vrfy_command = yes
smtpd_etrn_restrictions = permit_mynetworks, reject
smtpd_helo_required = yes
smtpd_helo_restrictions = permit_mynetworks, reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname
smtpd_forbid_bare_newline = normalize
smtpd_forbid_bare_newline_exclusions =
smtpd_forbid_unauth_pipelining = yes
smtpd_data_restrictions = reject_unauth_pipelining
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = permit_mynetworks, reject_non_fqdn_recipient, reject_unlisted_recipient

# TLS
smtpd_tls_cert_file = /etc/ssl/certs/mail.pem
smtpd_tls_key_file = /etc/ssl/private/mail.key
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_protocols = >=TLSv1.2
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_tls_mandatory_ciphers = high
smtpd_tls_loglevel = 1
smtpd_tls_received_header = yes
smtp_tls_security_level = may
smtp_tls_CApath = /etc/ssl/certs
smtp_tls_loglevel = 1
tls_ssl_options = NO_RENEGOTIATION
END
}

# Authenticated services on 587 and 465, for which SASL is on and every sender is bound to a login.
sasl_settings() {
  cat << END

# logins, on the submission services only (master.cf)
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = \$myhostname
smtpd_sasl_security_options = noanonymous
smtpd_sender_login_maps = hash:/etc/postfix/sender_logins
mua_sender_restrictions = reject_sender_login_mismatch, permit_sasl_authenticated, reject
END
}

sasl_services() {
  for service in "submission:submission:smtpd_tls_security_level=encrypt" "submissions:smtps:smtpd_tls_wrappermode=yes"; do
    rest=${service#*:}
    cat << END
${service%%:*} inet n - n - - smtpd
  -o syslog_name=postfix/${rest%%:*}
  -o ${rest#*:}
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
  -o smtpd_helo_restrictions=
  -o smtpd_sender_restrictions=\$mua_sender_restrictions
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
  -o smtpd_data_restrictions=
END
  done
}

sasl_users() {
  cat > /etc/postfix/sasl/smtpd.conf << END
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN
END
  chmod 640 /etc/postfix/sasl/smtpd.conf
  sasl_user alice "canary-alice-5dD2"
  chown root:sasl /etc/sasldb2
  chmod 640 /etc/sasldb2
  usermod -a -G sasl postfix
  printf 'alice@example.org alice@%s\n' "$FQDN" > /etc/postfix/sender_logins
  postmap /etc/postfix/sender_logins
}
