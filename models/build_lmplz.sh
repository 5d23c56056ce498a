#!/bin/sh
# Builds KenLM's `lmplz` and `build_binary` into a folder, from the source distribution on PyPI:
# its wheel has neither. Takes about a minute and a half of CPU; what is there stays.
#
#     sh models/build_lmplz.sh .venv/bin
set -eu

into=$1
version=0.3.0
digest=c4628bb9fb63c8a6f9240035b8b037385cfc404cb72e933cf48878291edac1e8
if [ -x "$into/lmplz" ] && [ -x "$into/build_binary" ]; then
    exit 0
fi

boost="libboost-program-options-dev libboost-system-dev libboost-test-dev libboost-thread-dev"
packages="cmake g++ make $boost libbz2-dev liblzma-dev zlib1g-dev"
missing=
for package in $packages; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
if [ -n "$missing" ] && command -v apt-get >/dev/null; then
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root="sudo -n"
    echo "installing what lmplz is built with:$missing"
    $as_root apt-get update -q >&2 &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
            --no-install-recommends $missing >&2 || {
        echo "make lmplz: install these packages first:$missing" >&2
        exit 1
    }
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python="$into/python"
[ -x "$python" ] || python=python3
# Its own build tools may come as wheels; kenlm itself must not.
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary kenlm \
    --dest "$work" "kenlm==$version"
echo "$digest  $work/kenlm-$version.tar.gz" | sha256sum --check --quiet
tar -xzf "$work/kenlm-$version.tar.gz" -C "$work"
# Boost is linked in, so that the two programs run where only KenLM's wheel is.
echo "building lmplz and build_binary from kenlm $version"
cmake -S "$work/kenlm-$version" -B "$work/build" -DCMAKE_BUILD_TYPE=Release \
    -DBoost_USE_STATIC_LIBS=ON >"$work/log" 2>&1 &&
    make -C "$work/build" -j "$(nproc 2>/dev/null || echo 2)" lmplz build_binary \
        >>"$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    echo "make lmplz: the build failed; it needs: $packages" >&2
    exit 1
}
mkdir -p "$into"
cp "$work/build/bin/lmplz" "$work/build/bin/build_binary" "$into/"
