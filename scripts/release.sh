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
# What runs is what is listed. Where development dependencies are installed as well, `npm sbom --omit=dev` leaves out
# what they share with those that run; and what it is made of is named as its folder is.
bare=$(mktemp -d)
trap 'rm -rf "$bare"' EXIT
mkdir "$bare/quell"
cp -r package.json package-lock.json .npmrc node_modules "$bare/quell"
(
  cd "$bare/quell"
  npm prune --omit=dev --ignore-scripts
  rm package-lock.json
  npm pkg delete devDependencies
) >&2
sbom="$PWD/release/quell-$version.cdx.json"
(cd "$bare/quell" && npm sbom --sbom-format=cyclonedx --sbom-type=application) > "$sbom"
node -e '
  const listed = require(process.argv[1]).components.map(({ "bom-ref": ref }) => ref);
  const { dependencies } = require("./package.json");
  const missing = Object.entries(dependencies).filter(([name, version]) => !listed.includes(`${name}@${version}`));
  if (missing.length > 0) throw new Error(`the SBOM lacks ${missing}`);
' "$sbom"
(cd release && sha256sum -- * > SHA256SUMS)
ls -l release
