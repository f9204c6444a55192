# without-proc.sh FOLDER COMMAND...: a machine without /proc, in a mount namespace of one's own
# (unshare --mount). ps is asked where there still is one.
set -e
folder=$(mktemp -d -p "$1")
shift
mkdir "$folder/root"
mount --bind / "$folder/root"
mount --bind /proc "$folder/root/proc"
printf '#!/bin/sh\nexec chroot %s/root /bin/ps "$@"\n' "$folder" >"$folder/ps"
chmod 755 "$folder/ps"
mount --bind "$folder/ps" "$(realpath /bin/ps)"
mount -t tmpfs none /proc
exec "$@"
