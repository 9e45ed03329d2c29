#!/usr/bin/env bash
# A Raspberry Pi's stand-in for tests/test_aarch64.py: an arm64 Debian tree with Python, numpy and both runtimes, and the
# files by which a Pi 5 tells what it is. Needs mmdebstrap, and apt's own sources of a Debian that has arm64 too.
#   tests/aarch64_tree.sh [FOLDER] [PYTHON]    FOLDER: $LUTRA_AARCH64 or .venv/aarch64; PYTHON: one with pip
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-${LUTRA_AARCH64:-.venv/aarch64}}
python=${2:-.venv/bin/python}
[ -e "$folder/ready" ] && exit
work=$folder.new
rm -rf "$work" "$folder"
mkdir -p "$work"
sources=$(apt-get indextargets --no-release-info --format '$(SITE) $(RELEASE)' 'Created-By: Packages')
read -r mirror suite < <(grep -E '/debian/? ' <<<"$sources") || { echo 'apt has no source of Debian' >&2; exit 2; }
mmdebstrap --quiet --variant=extract --arch=arm64 --include=python3,libstdc++6,libgcc-s1 "$suite" "$work/root" "$mirror"
[ -e "$work/root/lib" ] || ln -s usr/lib "$work/root/lib" # a package's own files leave the merged /usr out
version=$(basename "$(readlink "$work/root/usr/bin/python3")")
"$python" -m pip install --quiet --target "$work/site" --only-binary=:all: --python-version "${version#python}" \
  --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64 numpy onnxruntime ai-edge-litert
mkdir -p "$work/root/proc/device-tree"
# without this file, qemu shows the host's, and on qemu 7.2 onnxruntime dies of it
for core in 0 1 2 3; do
  printf '%s\t: %s\n' processor $core BogoMIPS 108.00 \
    Features 'fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp' \
    'CPU implementer' 0x41 'CPU architecture' 8 'CPU variant' 0x4 'CPU part' 0xd0b 'CPU revision' 1
  echo
done >"$work/root/proc/cpuinfo"
printf 'Revision\t: c04170\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n' >>"$work/root/proc/cpuinfo"
printf 'Raspberry Pi 5 Model B Rev 1.0\0' >"$work/root/proc/device-tree/model"
touch "$work/ready"
mv "$work" "$folder"
