# SSH servers with the algorithms of old and of narrow ones, on ports of their own: OpenSSH 9.2 can still speak them.
cd /etc/ssh || exit
ssh-keygen -q -t rsa -b 2048 -N '' -C '' -f old_rsa
ssh-keygen -q -t dsa -N '' -C '' -f old_dsa
ssh-keygen -q -t ecdsa -N '' -C '' -f old_ecdsa

# server PORT KEX HOST_KEY_ALGORITHMS CIPHERS MACS USER_KEY_ALGORITHMS
server() {
  cat > "old_$1.conf" << END
Port $1
HostKey /etc/ssh/old_rsa
HostKey /etc/ssh/old_dsa
HostKey /etc/ssh/old_ecdsa
HostKey /etc/ssh/ssh_host_ed25519_key
KexAlgorithms $2
HostKeyAlgorithms $3
Ciphers $4
MACs $5
PubkeyAcceptedAlgorithms $6
UsePAM yes
UseDNS no
PermitRootLogin prohibit-password
PidFile none
END
  /usr/sbin/sshd -f "/etc/ssh/old_$1.conf"
}

sha1=diffie-hellman-group14-sha1,diffie-hellman-group1-sha1
modern=curve25519-sha256,curve25519-sha256@libssh.org
server 2205 "diffie-hellman-group-exchange-sha1,$sha1" ssh-rsa,ssh-dss aes128-ctr,aes128-cbc,3des-cbc hmac-sha1,hmac-md5 ssh-rsa,ssh-dss
server 2206 "diffie-hellman-group-exchange-sha256,$sha1" ssh-rsa,ssh-dss aes128-ctr,aes256-ctr,aes128-cbc hmac-sha1 ssh-rsa,ssh-dss
server 2207 "$modern,ecdh-sha2-nistp256" ssh-ed25519,ecdsa-sha2-nistp256 aes128-ctr hmac-sha2-256,hmac-sha1 ssh-rsa,rsa-sha2-256,ssh-ed25519
server 2212 ecdh-sha2-nistp256 ecdsa-sha2-nistp256,ssh-rsa aes128-ctr hmac-sha2-256 ssh-rsa,ecdsa-sha2-nistp256
server 2221 diffie-hellman-group14-sha256 ssh-dss aes128-cbc hmac-sha1 ssh-rsa,ssh-dss
server 2222 "$modern" ssh-ed25519 chacha20-poly1305@openssh.com hmac-sha2-256-etm@openssh.com ssh-ed25519
server 2223 sntrup761x25519-sha512@openssh.com ssh-ed25519 aes128-ctr hmac-sha2-256 ssh-ed25519
