#!/bin/sh
# Installs what the tests need from the system's packages: headless Chromium, for the tests of the
# report in a browser. Where it may not install, it says what is missing and ends well: the tests
# that need it are then left out by name. `make test` and CI run it.
set -u

for name in google-chrome chromium chromium-browser; do
    # A snap sees neither /tmp nor a checkout outside the home folder.
    path=$(command -v "$name") && case $(readlink -f "$path") in
        */snap) break ;;
        *) exit 0 ;;
    esac
done

missing() {
    echo "headless Chromium is not installed${1:+: $1}"
    echo "  install it:  ${2:-Chromium or Google Chrome, so that \`chromium\` or \`google-chrome\` runs}"
    echo "  left out:    the tests marked \`browser\` (tests/test_report_browser.py)"
    exit 0
}

distribution=$([ -r /etc/os-release ] && . /etc/os-release && echo "${ID:-}")
if [ "$distribution" = ubuntu ]; then
    missing "Ubuntu has it as a snap only, which can't read the tests' files" \
        "Google Chrome's package, so that \`google-chrome\` runs"
elif command -v apt-get >/dev/null; then
    install="apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y"
    install="$install --no-install-recommends chromium"
elif command -v dnf >/dev/null; then
    install="dnf install -q -y chromium"
elif command -v apk >/dev/null; then
    install="apk add --no-cache chromium font-dejavu"
elif command -v pacman >/dev/null; then
    install="pacman -S --noconfirm --needed chromium"
elif command -v brew >/dev/null; then
    install="brew install --cask chromium"
else
    missing "no package manager that this script knows"
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

echo "installing headless Chromium for the tests: $install"
$as_root sh -c "$install" >&2 ||
    missing "its installation failed" "${as_root:+sudo }sh -c '$install'"
