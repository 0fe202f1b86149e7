// SPDX-License-Identifier: Apache-2.0
// The page of the operator: files of services/audit/page as they were when the program was built.

#ifndef AUDIT_ASSET_H
#define AUDIT_ASSET_H

struct asset {
    const char *name; // without folders: "app.js"
    const unsigned char *octets;
    int len;
};

extern const struct asset assets_built_in[]; // ends with {0}

// NULL when there is no such file.
const struct asset *asset_find(const char *name);

// The media type that the ending of name stands for.
const char *asset_type(const char *name);

#endif
