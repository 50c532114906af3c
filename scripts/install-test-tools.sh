#!/usr/bin/env bash
# Installs with apt the programs that only tests need, if they are missing: the real Prometheus,
# Alertmanager and Redis. Debian and Ubuntu; needs root, or sudo that asks for no password.
#
# The packages would start services that hold ports 9090, 9093 and 6379. A policy-rc.d forbids it while
# they are installed; one that was there before is put back.
set -euo pipefail

declare -A package_of=(
  [prometheus]=prometheus
  [prometheus-alertmanager]=prometheus-alertmanager
  [redis-server]=redis-server
)

missing=()
for program in "${!package_of[@]}"; do
  command -v "$program" >/dev/null || missing+=("${package_of[$program]}")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo 'test tools: all there'
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "test tools: missing ${missing[*]}, and there is no apt-get: install them by hand" >&2
  exit 2
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
    echo "test tools: missing ${missing[*]}; run as root: scripts/install-test-tools.sh" >&2
    exit 2
  fi
  as_root=(sudo)
fi

policy=/usr/sbin/policy-rc.d
saved=''
restore() {
  "${as_root[@]}" rm -f "$policy"
  if [ -n "$saved" ]; then "${as_root[@]}" mv "$saved" "$policy"; fi
}
if [ -e "$policy" ]; then
  saved="$policy.before-quell-tests"
  "${as_root[@]}" mv "$policy" "$saved"
fi
trap restore EXIT
printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
"${as_root[@]}" chmod 755 "$policy"

echo "test tools: installing ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}"
