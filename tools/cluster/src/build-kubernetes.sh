#!/usr/bin/env bash
# build-kubernetes.sh VERSION TARGET COMPONENT...: builds Kubernetes' programs from Debian's source package.
#
# Debian ships the source of 1.20 but no server packages. Needs root for nothing but apt; works in a folder beside TARGET
# and puts the programs into TARGET when all are built, so that a build that was cut off leaves none behind.
set -euo pipefail

version=$1 target=$2
shift 2
work=$target.build
rm -rf "$work"
mkdir -p "$work/apt/lists/partial" "$work/bin" "$work/gopath/src/k8s.io"
trap 'rm -rf "$work"' EXIT

say() { echo "cluster: $*" >&2; }
# quietly COMMAND...: its output is shown only when it fails.
quietly() { "$@" >"$work/log" 2>&1 || { tail -40 "$work/log" >&2; say "failed: $*"; exit 1; }; }

# An apt view of its own with source packages in it; the machine's own lists stay as they are.
if [[ -e /etc/apt/sources.list.d/debian.sources ]]; then
  sed 's/^Types:.*/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >"$work/apt/source.sources"
else
  sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$work/apt/source.list"
fi
apt=(-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/apt" -o Dir::State::Lists="$work/apt/lists" -o APT::Sandbox::User=root)
say "fetching the source of Kubernetes $version"
quietly apt-get "${apt[@]}" -q update
cd "$work"
quietly apt-get "${apt[@]}" -q source "kubernetes"
# Debian numbers it otherwise: 1.20.5+really1.20.2.
mv kubernetes-*/ gopath/src/k8s.io/kubernetes
cd gopath/src/k8s.io/kubernetes

# The reflect2 in this release's vendor folder crashes when built by Go 1.18 or later; Debian's is mended.
rm -rf vendor/github.com/modern-go/reflect2
cp -r /usr/share/gocode/src/github.com/modern-go/reflect2 vendor/github.com/modern-go/

export CGO_ENABLED=0
say 'generating code'
quietly env -u GOPATH -u GO111MODULE nice make gen_openapi
package=k8s.io/kubernetes/vendor/k8s.io/component-base/version
minor=${version#*.}
flags="-s -w -X $package.gitVersion=v$version -X $package.gitMajor=${version%%.*} -X $package.gitMinor=${minor%%.*}"
for component; do
  say "building $component"
  GOPATH=$work/gopath GO111MODULE=off GOCACHE=$work/gocache GOFLAGS='' \
    quietly nice go build -o "$work/bin/$component" -ldflags "$flags" "k8s.io/kubernetes/cmd/$component"
done
rm -rf "$target"
mv "$work/bin" "$target"
