# Sourced by demo.sh and test.sh: brings a fresh Debian machine with Node and npm to where the project runs.
# Says what it installs and what it does without; nothing here fails for want of a package.

say() { printf '\n== %s\n' "$*"; }

# setup_packages PACKAGE ...: Debian packages, where apt is there and we are root.
setup_packages() {
  local missing=()
  local package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    say "not installed: ${missing[*]} (as root: apt-get install -y ${missing[*]})"
    return 0
  fi
  say "installing ${missing[*]} with apt-get"
  if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/tmp/isodex-apt.log 2>&1; then
    say "apt-get could not install ${missing[*]}; going on without (see /tmp/isodex-apt.log)"
  fi
}

# setup_node: the npm packages, with the Node 24 among them first on the PATH.
setup_node() {
  if [ ! -x node_modules/.bin/vite ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    say "installing npm packages (npm ci)"
    npm ci --no-fund --no-audit --loglevel=error
  fi
  PATH="$PWD/node_modules/.bin:$PATH"
  # Vulkan loaders complain on every start where this is missing
  export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}"
}
