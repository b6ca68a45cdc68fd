#!/bin/sh
# The test cases of cgroups below a kernel of Debian that has all controllers in version 2, in an emulated machine: hosts
# and containers often have some in version 1, or keep them to themselves. Not part of CI. About a minute, no root needed
# where the packages are installed.
#   sh test/vm/run.sh [BUILD]     build/dev, which has to be built
# Ends with the programs' own summaries; 1 if a case failed.
set -eu

cd "$(dirname "$0")/../.."
. cmake/setup.sh
build=$(realpath "${1:-build/dev}")
gv_need vm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The kernel, which is not installed here.
(
  cd "$work"
  package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: *\(linux-image-[0-9][^ ]*\).*/\1/p' | head -n 1)
  apt-get download -qq "$package" 2>/dev/null
  dpkg -x ./*.deb kernel
)
kernel=$(ls "$work"/kernel/boot/vmlinuz-*)

# put FILE...: into the machine at the same path, with the libraries that it needs.
root=$work/root
put() {
  for file in "$@"; do
    for part in "$file" $(ldd "$file" 2>/dev/null | grep -o '/[^ ]*' || true); do
      [ -e "$root$part" ] && continue
      mkdir -p "$root$(dirname "$part")"
      cp -L "$part" "$root$part"
    done
  done
}
mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/run" "$root/etc"
put "$build/apps/gracevisord/gracevisord" "$build/apps/gracevisord/gv-exec" "$build/apps/gracevisord/gv-keeper" \
  "$build/apps/gvctl/gvctl" "$build/test/integration/integration" "$build/test/unit_process" \
  /bin/sh /bin/sleep /bin/true /bin/dd /bin/rm /usr/bin/env /usr/bin/setsid
cp /bin/busybox "$root/bin/busybox"
printf 'root:x:0:0:root:/:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\n' >"$root/etc/group"
cat >"$root/init" <<END
#!/bin/busybox sh
export PATH=/bin:/usr/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
busybox mount -t tmpfs tmp /tmp
busybox mount -t cgroup2 cgroup /sys/fs/cgroup
busybox ip link set lo up
busybox cat /sys/fs/cgroup/cgroup.controllers
for program in "$build/test/unit_process" "$build/test/integration/integration"; do
  "\$program" --test-case='cgroup*' && echo "PASSED \$program" || echo "FAILED \$program"
done
busybox poweroff -f
END
chmod +x "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/initrd"

timeout 600 qemu-system-x86_64 -accel tcg,thread=multi -smp 2 -m 1536 -nographic -no-reboot \
  -kernel "$kernel" -initrd "$work/initrd" -append "console=ttyS0 quiet panic=-1" </dev/null | tee "$work/log"
[ "$(grep -c '^PASSED ' "$work/log")" -eq 2 ]
