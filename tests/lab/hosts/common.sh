# Shared by the set-up scripts of the hosts; prepended to each.

# A self-signed certificate: certificate CERT KEY DAYS [BITS]
certificate() {
  openssl req -x509 -newkey rsa:"${4:-2048}" -nodes -keyout "$2" -out "$1" -days "$3" -subj "/CN=$FQDN" \
    -addext "subjectAltName=DNS:$FQDN" 2> /dev/null
  chmod 600 "$2"
}

# Postfix sleeps until main.cf is two seconds old before it reads it: back-date what was just written.
start_postfix() {
  touch -d -9sec /etc/postfix*/main.cf
  postfix start
}
