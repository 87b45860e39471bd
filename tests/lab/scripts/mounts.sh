# Mounts one root filesystem at $ROOT: the layers $LOWER (overlay syntax) under the writable $UPPER, with /proc, /sys and /dev.
# /run and /tmp stay in the overlay, so that whatever a scan might write there is seen in $UPPER.
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$UPPER,workdir=$WORK" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount -t sysfs -o ro sysfs "$ROOT/sys"
mount -t tmpfs -o mode=755 tmpfs "$ROOT/dev"
# where mknod is refused (a container), the machine's own node is bound there
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
  name=${node%%:*} numbers=${node#*:}
  mknod -m 666 "$ROOT/dev/$name" c "${numbers%:*}" "${numbers#*:}" 2>/dev/null || {
    : > "$ROOT/dev/$name"
    mount --bind "/dev/$name" "$ROOT/dev/$name"
  }
done
mkdir "$ROOT/dev/pts" "$ROOT/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$ROOT/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$ROOT/dev/shm"
ln -s pts/ptmx "$ROOT/dev/ptmx"
ln -s /proc/self/fd "$ROOT/dev/fd"
ln -s /proc/self/fd/0 "$ROOT/dev/stdin"
ln -s /proc/self/fd/1 "$ROOT/dev/stdout"
ln -s /proc/self/fd/2 "$ROOT/dev/stderr"
