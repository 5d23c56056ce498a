#!/bin/sh
# Installs a package of the system that a check needs, if it is not there:
#
#     sh tests/system_packages.sh chromium    headless Chromium, for the tests of the report
#     sh tests/system_packages.sh valgrind    for the count of work
#
# Where it may not install, it says what is missing and ends well: what needs it is then left out
# by name, or fails by itself. `make test`, `make count-work` and CI run it.
set -u

package=$1
case $package in
    chromium)
        name="headless Chromium"
        commands="google-chrome chromium chromium-browser"
        remedy="Chromium or Google Chrome, so that \`chromium\` or \`google-chrome\` runs"
        needs_it="the tests marked \`browser\` (tests/test_report_browser.py)"
        ;;
    valgrind)
        name="valgrind"
        commands="valgrind"
        remedy="valgrind, from https://valgrind.org"
        needs_it="\`make count-work\`"
        ;;
    *)
        echo "$0: no package $package: chromium or valgrind" >&2
        exit 2
        ;;
esac

for command in $commands; do
    # A snap sees neither /tmp nor a checkout outside the home folder.
    path=$(command -v "$command") && case $(readlink -f "$path") in
        */snap) break ;;
        *) exit 0 ;;
    esac
done

missing() {
    echo "$name is not installed${1:+: $1}"
    echo "  install it:  ${2:-$remedy}"
    echo "  left out:    $needs_it"
    exit 0
}

distribution=$([ -r /etc/os-release ] && . /etc/os-release && echo "${ID:-}")
if [ "$distribution $package" = "ubuntu chromium" ]; then
    missing "Ubuntu has it as a snap only, which can't read the tests' files" \
        "Google Chrome's package, so that \`google-chrome\` runs"
elif command -v apt-get >/dev/null; then
    install="apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y"
    install="$install --no-install-recommends $package"
elif command -v dnf >/dev/null; then
    install="dnf install -q -y $package"
elif command -v apk >/dev/null; then
    install="apk add --no-cache $package"
    [ "$package" = chromium ] && install="$install font-dejavu"
elif command -v pacman >/dev/null; then
    install="pacman -S --noconfirm --needed $package"
elif command -v brew >/dev/null && [ "$package" = chromium ]; then
    install="brew install --cask chromium"
else
    missing "no package manager that this script knows has it"
fi

as_root=
case $install in
    brew*) ;;
    *)
        if [ "$(id -u)" -ne 0 ]; then
            as_root="sudo -n"
            sudo -n true >/dev/null 2>&1 || missing "installing it takes root" "sudo sh -c '$install'"
        fi
        ;;
esac

echo "installing $name: $install"
$as_root sh -c "$install" >&2 ||
    missing "its installation failed" "${as_root:+sudo }sh -c '$install'"
