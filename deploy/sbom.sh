#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sbom.sh VERSION PROGRAM...: what a package is made of, as SPDX 2.3 JSON on standard output:
# ourselves, what travels inside, and each library that the programs are linked with, by the
# Debian package that it was built against. The same input gives the same octets.
set -eu
version=$1
shift
created=$(date -u -d "@${SOURCE_DATE_EPOCH:-0}" +%Y-%m-%dT%H:%M:%SZ)
arch=${DEB_HOST_ARCH:-$(dpkg --print-architecture)}

# package, version; in another architecture's tree (SYSROOT of sysroot.sh), or on this machine
package_of() {
    if [ -n "${SYSROOT:-}" ]; then
        awk -F '\t' -v name="$1" '$1 == name { print $2 "\t" $3; exit }' "$SYSROOT/libraries"
    else
        package=$(dpkg-query -S "*/$1" 2>/dev/null | grep -m1 ":$arch" | cut -d: -f1)
        # shellcheck disable=SC2016 # dpkg's variables
        [ -z "$package" ] || dpkg-query -W -f '${Package}\t${Version}\n' "$package:$arch"
    fi
}

libraries() {
    for program; do
        readelf -dW "$program" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p'
    done | sort -u | while read -r soname; do
        package_of "$soname"
    done | sort -u
}

libraries "$@" | jq -Rn --arg version "$version" --arg created "$created" --arg arch "$arch" '
    def id: gsub("[^A-Za-z0-9.]"; "-");
    [inputs | split("\t") | {
        SPDXID: "SPDXRef-\(.[0] | id)", name: .[0], versionInfo: .[1],
        supplier: "Organization: Debian", downloadLocation: "NOASSERTION", filesAnalyzed: false,
        externalRefs: [{referenceCategory: "PACKAGE-MANAGER", referenceType: "purl",
            referenceLocator: "pkg:deb/debian/\(.[0])@\(.[1] | @uri)?arch=\($arch)&distro=bookworm"}]
    }] as $libraries
    | {SPDXID: "SPDXRef-socmod", name: "socmod", versionInfo: $version, downloadLocation: "NOASSERTION",
       filesAnalyzed: false, licenseDeclared: "Apache-2.0"} as $us
    | {SPDXID: "SPDXRef-uplot", name: "uPlot", downloadLocation: "NOASSERTION", filesAnalyzed: false,
       licenseDeclared: "MIT", comment: "travels inside socmod-audit"} as $uplot
    | {spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT",
       name: "socmod-\($version)-\($arch)", documentNamespace: "https://spdx.org/spdxdocs/socmod-\($version)-\($arch)",
       creationInfo: {created: $created, creators: ["Tool: sbom.sh"]},
       packages: ([$us, $uplot] + $libraries),
       relationships: ([{spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES", relatedSpdxElement: "SPDXRef-socmod"},
           {spdxElementId: "SPDXRef-socmod", relationshipType: "CONTAINS", relatedSpdxElement: "SPDXRef-uplot"}]
           + [$libraries[] | {spdxElementId: "SPDXRef-socmod", relationshipType: "DYNAMIC_LINK", relatedSpdxElement: .SPDXID}])}'
