# First stage of a host, in its own network namespace: one interface per "BRIDGE=ADDRESS" in $LINKS, then the second stage.
set -eu
ip link set lo up
number=0
for link in $LINKS; do
  nsenter -t 1 -n ip link del "v$INDEX.$number" 2> /dev/null || : # of a host stopped a moment ago
  ip link add "eth$number" type veth peer name "v$INDEX.$number" netns 1 # PID 1 of the lab's PID namespace
  nsenter -t 1 -n ip link set "v$INDEX.$number" master "${link%%=*}" up
  ip addr add "${link#*=}/24" dev "eth$number"
  ip link set "eth$number" up
  number=$((number + 1))
done
exec unshare --mount --uts --ipc --pid --fork --kill-child sh "$SCRIPTS/boot.sh"
