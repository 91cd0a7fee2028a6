# Sourced by demo.sh and test.sh: brings a fresh Debian machine with Node and npm to where the project runs.
# Says what it installs and what it does without; a package that cannot be had is never a failure here.

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
say() { printf '  %s\n' "$*"; }

# setup_packages PACKAGE ...: Debian packages, where apt is there and we are root.
setup_packages() {
  local missing=() package log
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if ! command -v apt-get >/dev/null || [[ $(id -u) != 0 ]]; then
    say "not installed, and not ours to install: ${missing[*]} (as root: apt-get install -y ${missing[*]})"
    return 0
  fi
  say "apt-get install ${missing[*]}"
  log=$(mktemp)
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 ||
    say "apt-get could not install them; going on without: $(tail -n 1 "$log")"
  rm -f "$log"
}

# setup_node: the npm packages, with the Node 24 among them first on the PATH.
setup_node() {
  export PATH="$PWD/node_modules/.bin:$PATH"
  # Vulkan loaders complain at every start where this is missing
  export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}"
  # Not the folder alone: an install that was cut off leaves it incomplete.
  if [[ -x node_modules/.bin/vite && -d node_modules/commander && ! package-lock.json -nt node_modules/.package-lock.json ]]; then return 0; fi
  say 'npm ci'
  # A registry that lacks packages of other platforms leaves a lock file that npm ci calls incomplete; npm install does not mind.
  npm ci --no-fund --no-audit --loglevel=silent || { say 'npm install'; npm install --no-save --no-fund --no-audit --loglevel=error; }
}
