#!/bin/sh
# Installs the Debian packages that the tests need, group by group, when it may: as root or with sudo that asks for no password.
# What cannot be installed is said in one line per group and is no failure, except in CI (CI=true). Quick when all is there.
set -eu

missing() {
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] || printf '%s ' "$package"
  done
}

if ! command -v apt-get > /dev/null; then
  reason="this is not Debian"
elif [ "$(id -u)" -eq 0 ]; then
  reason=
  as_root=
elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
  reason=
  as_root="sudo -n"
else
  reason="no root and no sudo without password"
fi

updated=
failed=0

# group TITLE PACKAGE…: installs what is missing of one group
group() {
  title=$1
  shift
  if ! command -v dpkg-query > /dev/null; then
    echo "left out: $title ($reason); needs: $*"
    return
  fi
  absent=$(missing "$@")
  [ -n "$absent" ] || return 0
  if [ -n "$reason" ]; then
    echo "left out: $title ($reason); missing: $absent"
    return
  fi
  log=$(mktemp)
  echo "installing for $title: $absent"
  # shellcheck disable=SC2086 # lists of words
  if { [ -n "$updated" ] || $as_root apt-get -q update; } > "$log" 2>&1 &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $absent >> "$log" 2>&1; then
    updated=yes
  else
    echo "left out: $title (apt-get failed: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log"))"
    failed=1
  fi
  rm -f "$log"
}

group "the shells that the shipped scripts run under" dash bash mksh busybox
group "the lab (real mail servers in network namespaces)" mmdebstrap util-linux iproute2 openssh-client procps zstd
if [ -d /run/systemd/system ] && [ -n "$(missing openssh-server)" ]; then
  # installing it would open port 22 of a machine that somebody works on
  echo "left out: SSH servers on loopback (systemd would start an SSH server on this machine); missing: openssh-server"
else
  group "SSH servers on loopback (doubles, benchmarks)" openssh-server openssh-client
fi
group "the browser tests of the HTML report" chromium fonts-dejavu-core

if [ "${CI:-}" = true ] && { [ "$failed" -ne 0 ] || [ -n "$reason" ]; }; then
  exit 1
fi
