# Second stage of a host, in all its namespaces: the root filesystem and what makes this host itself, then the third stage.
set -eu
mount --make-rprivate /
UPPER=$FOLDER/upper WORK=$FOLDER/work ROOT=$FOLDER/root
mkdir "$UPPER" "$WORK" "$ROOT"
# shellcheck source=mounts.sh
. "$SCRIPTS/mounts.sh"
cd "$ROOT"
hostname "$FQDN"
echo "$FQDN" > etc/hostname
[ ! -d etc/postfix ] || {
  echo "$FQDN" > etc/mailname
  sed -i "s/build\.example\.org/$FQDN/g" etc/postfix/main.cf
  touch -d -9sec etc/postfix*/main.cf # Postfix sleeps until the file is two seconds old before it reads it
}
printf '127.0.0.1 localhost\n::1 localhost\n%s\n' "$HOSTS_FILE" > etc/hosts
rm -f etc/resolv.conf
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' > etc/resolv.conf # port closed: fails at once
mkdir -p run/sshd run/lock root/.ssh home/auditor/.ssh
chmod 700 root/.ssh home/auditor/.ssh
printf '%s\n' "$PUBLIC_KEY" | tee root/.ssh/authorized_keys > home/auditor/.ssh/authorized_keys
chmod 600 root/.ssh/authorized_keys home/auditor/.ssh/authorized_keys
chroot . chown -R auditor:auditor /home/auditor/.ssh
printf 'auditor:%s\n' "$PASSWORD" | chroot . chpasswd
[ -z "$SUDOERS" ] || {
  printf '%s\n' "$SUDOERS" > etc/sudoers.d/auditor
  chmod 440 etc/sudoers.d/auditor
}
chroot . ssh-keygen -q -t ed25519 -N '' -C '' -f /etc/ssh/ssh_host_ed25519_key
cat > etc/ssh/sshd_config.d/lab.conf <<END
$SSHD_OPTIONS
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
PermitRootLogin prohibit-password
PasswordAuthentication yes
MaxStartups 200:30:400
MaxSessions 50
END
printf '%s\n' "$SETUP" > run/setup
mkdir .old
pivot_root . .old
# shellcheck disable=SC2153 # from the environment
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
  NAME="$NAME" FQDN="$FQDN" ADDRESS="$ADDRESS" chroot . sh -c "$(cat ".old/$SCRIPTS/init.sh")" init
