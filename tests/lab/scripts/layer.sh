# Installs $PACKAGES and runs $SCRIPT in an overlay over $LOWER; what changed is left in $UPPER. Runs in its own namespaces.
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs "$SCRATCH"
ROOT=$SCRATCH/root
mkdir "$ROOT"
# shellcheck source=mounts.sh
. "$MOUNTS"
hostname build.example.org # the packages' set-up asks for a full name
printf '127.0.0.1 localhost\n127.0.1.1 build.example.org build\n' > "$ROOT/etc/hosts"
printf '#!/bin/sh\nexit 101\n' > "$ROOT/usr/sbin/policy-rc.d" # no daemons while building
chmod 755 "$ROOT/usr/sbin/policy-rc.d"
rm -f "$ROOT/etc/resolv.conf"
cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
if [ -n "$PACKAGES" ]; then
  printf '%s\n' "$DEBCONF" | chroot "$ROOT" debconf-set-selections
  # shellcheck disable=SC2086 # a list of packages
  chroot "$ROOT" apt-get -q -o Acquire::Languages=none install -y --no-install-recommends $PACKAGES
  chroot "$ROOT" apt-get clean
fi
chroot "$ROOT" sh -euc "$SCRIPT"
rm -f "$ROOT/usr/sbin/policy-rc.d"
