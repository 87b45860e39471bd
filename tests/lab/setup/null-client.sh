# Sends its own mail through a relay and takes none from the network (STANDARD_CONFIGURATION_README).
cat > /etc/postfix/main.cf << END
compatibility_level = 3.7
myhostname = $FQDN
myorigin = example.org
relayhost = [hardened-mx.example.org]
inet_interfaces = loopback-only
mydestination =
alias_maps = hash:/etc/aliases
alias_database = hash:/etc/aliases
mynetworks = 127.0.0.0/8 [::1]/128
smtp_tls_security_level = may
smtp_tls_CApath = /etc/ssl/certs
END
start_postfix
