#!/usr/bin/env bash
# Makes what a release consists of, in release/: the package, what is in it (SBOM, CycloneDX), checksums.
# Publishes nothing. Run it from a clean checkout of the tag, after .ci/run was green.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(node -p 'require("./package.json").version')
if [ -n "$(git status --porcelain)" ]; then
  echo "the checkout has changes: commit them, or start from a fresh clone" >&2
  exit 2
fi
if ! grep -q "^## $version\$" CHANGELOG.md; then
  echo "CHANGELOG.md has no section $version: write it, or change the version in package.json" >&2
  exit 2
fi

npm ci
rm -rf release
mkdir release
npm pack --pack-destination release
# Without development dependencies: what runs is what is listed.
npm sbom --sbom-format=cyclonedx --omit=dev > "release/quell-$version.cdx.json"
(cd release && sha256sum -- * > SHA256SUMS)
ls -l release
