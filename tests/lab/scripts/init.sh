# Third stage of a host, its PID 1: starts the daemons, runs the set-up script, says so on descriptor 9, reaps orphans.
umount -l /.old
rmdir /.old
busybox syslogd -n -O /var/log/syslog 9>&- &
/usr/sbin/sshd -D 9>&- > /var/log/sshd.start 2>&1 &
sh -eu /run/setup < /dev/null > /var/log/setup.log 2>&1 9>&-
status=$?
rm /run/setup
tries=0
until ss -ltn | grep -q ':22 ' || [ $tries -ge 250 ]; do
  tries=$((tries + 1))
  sleep 0.02
done
echo "$NAME $status $(cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)" >&9
exec 9>&-
while :; do
  sleep 3600 &
  wait $!
done
