# The long-lived shell of an oracle, in its own namespaces: reads the names of batches on stdin, runs each batch's script on
# its configuration directories, and answers with the name. Ends when stdin closes.
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$SCRATCH"
UPPER=$SCRATCH/upper WORK=$SCRATCH/work ROOT=$SCRATCH/root
mkdir "$UPPER" "$WORK" "$ROOT"
# shellcheck source=mounts.sh
. "$MOUNTS"
ip link set lo up
ip addr add 203.0.113.10/24 dev lo # mynetworks is computed from the interfaces
hostname oracle.example.org
mkdir "$ROOT/oracle"
printf 'QUIT\r\n' > "$ROOT/oracle/quit"
# shellcheck disable=SC2016 # expanded by the inner shell
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postfix/sbin LC_ALL=C JOBS="$JOBS" \
  chroot "$ROOT" sh -euc '
    echo ready
    while read -r batch; do
      find "/oracle/$batch" -mindepth 1 -maxdepth 1 -type d -print0 | xargs -0 -r -n 8 -P "$JOBS" sh "/oracle/$batch/script" || :
      echo "$batch"
    done'
