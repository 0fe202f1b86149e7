// SPDX-License-Identifier: Apache-2.0
// Keys that socmod-admin has imported come out of the tables as they were, or not at all; and leave
// nothing behind.

#include "base/memory.h"
#include "base/secret.h"
#include "services/p3/key_table.h"
#include "tests/unit/private_server.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <netinet/in.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char folder[] = "/tmp/socmod_keys.XXXXXX";

static void shell(const char *command)
{
    setenv("FOLDER", folder, 1);
    setenv("PGUSER", "socmod", 1);
    cr_assert_eq(system(command), 0, "%s", command); // NOLINT: texts of this file
}

static void sql(const char *text)
{
    setenv("SQL", text, 1);
    shell("psql -qX -v ON_ERROR_STOP=1 -c \"$SQL\" socmod");
}

static void start(void)
{
    server_start("socmod");
    cr_assert(mkdtemp(folder), "no folder");
    sql("insert into grid.meter (equipment_id, route, head_end, address, cell, type)"
        " select 'E' || n, case n when 4 then 'head-end' else 'dlms' end, 'HE1',"
        "  case n when 3 then '[2001:db8::3]:1234' when 6 then 'meter.example:4059'"
        "   else '127.0.0.' || n end, case n when 2 then 'BTS-7' end,"
        "  case n when 2 then 'dsmr42' when 7 then 'smr6' else 'smr5' end"
        " from generate_series(1, 7) n order by n");
    shell("umask 077; cd \"$FOLDER\" && \"$BIN/socmod-admin\" keys new-master first >said"
          " && \"$BIN/socmod-admin\" keys new-master second >>said"
          " && { echo equipment_id,encryption_key,authentication_key,client_title,meter_title,"
          "client_sap,server_sap; for n in 1 2 3 6 7; do"
          " echo E$n,0011223344556677889900aabbccdde$n,d0d1d2d3d4d5d6d7d8d9dadbdcddded$n,"
          "4d4d4d0000bc614e,$([ $n = 2 ] && echo 4d45540000000002,3,4 || echo ,,); done; } >keys"
          " && \"$BIN/socmod-admin\" keys import --master first keys >>said");
}

static void stop(void)
{
    server_stop();
    shell("rm -r \"$FOLDER\"");
}

TestSuite(key_table, .init = start, .fini = stop, .timeout = 60);

static struct meter_types types;

static struct master_key *read_master(const char *name)
{
    struct master_key *key = NULL;
    char why[MASTER_KEY_REASON], *path = memory_format("%s/%s", folder, name);
    cr_assert_eq(master_key_read(path, &key, why), ERR_NONE, "%s", why);
    free(path);
    return key;
}

#ifdef __SANITIZE_ADDRESS__
static int copies_of(const uint8_t *octets, size_t len)
{
    (void)octets, (void)len;
    return 1; // a sanitizer keeps what was freed, and books that must not be read
}
#else
// Memory of this process that could be read holds these octets so often.
static int copies_of(const uint8_t *octets, size_t len)
{
    char line[512], flags[5];
    uintptr_t from, to;
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %4s", &from, &to, flags) != 3 || flags[0] != 'r'
            || flags[1] != 'w' || strstr(line, "[v"))
            continue;
        const uint8_t *at = (const uint8_t *)from; // NOLINT: what the kernel says
        const uint8_t *end = (const uint8_t *)to;  // NOLINT
        while ((at = memmem(at, (size_t)(end - at), octets, len))) {
            found++;
            at += len;
        }
    }
    fclose(maps);
    return found;
}
#endif

Test(key_table, loads_what_was_imported)
{
    enum { METERS = 8 };
    static const char *const faults[METERS] = {
        NULL,      NULL,          NULL,           "unknown-meter",
        "no-keys", "bad-address", "unknown-type", "unknown-meter"};
    struct db *db = db_new("dbname=socmod user=socmod_p3", "test_key_table");
    types = (struct meter_types){meter_type_smr5, meter_type_dsmr42};
    struct master_key *masters[] = {read_master("second"), read_master("first")};
    struct key_table *table = key_table_new(db, &types, masters, 2);
    struct secret_pool *pool = secret_pool_new(sizeof(struct meter_access));
    struct meter_access *wanted[METERS];
    for (int i = 0; i < METERS; i++) {
        wanted[i] = secret_pool_take(pool);
        wanted[i]->meter = i + 1;
    }
    cr_assert_eq(key_table_load(table, wanted, METERS), ERR_NONE);
    for (int i = 0; i < METERS; i++)
        cr_expect_str_eq(wanted[i]->fault ? wanted[i]->fault : "", faults[i] ? faults[i] : "",
                         "meter %d: %s", i + 1, wanted[i]->fault);

    const struct meter_access *one = wanted[0], *two = wanted[1], *three = wanted[2];
    static const uint8_t key[CIPHER_KEY_LEN] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                                0x88, 0x99, 0x00, 0xaa, 0xbb, 0xcc, 0xdd, 0xe1};
    cr_expect_eq(memcmp(one->keys.encryption, key, sizeof key), 0);
    cr_expect_eq(one->keys.authentication[15], 0xd1);
    cr_expect_eq(memcmp(one->client_title,
                        "MMM\0\0\xbc"
                        "aN",
                        CIPHER_TITLE_LEN),
                 0);
    cr_expect_not(one->knows_meter_title);
    cr_expect_eq(one->type.client_sap, meter_type_smr5.client_sap);
    cr_expect_eq(one->least_meter_counter, 0);
    cr_expect_str_eq(one->cell, "");
    const struct sockaddr_in *v4 = (const void *)&one->address.socket;
    cr_expect_eq(ntohs(v4->sin_port), 4059);

    cr_expect(two->knows_meter_title && two->meter_title[7] == 2);
    cr_expect_eq(two->type.token_rule, METER_TOKEN_RANGE);
    cr_expect_eq(two->type.client_sap, 3);
    cr_expect_eq(two->type.server_sap, 4);
    cr_expect_str_eq(two->cell, "BTS-7");
    const struct sockaddr_in6 *v6 = (const void *)&three->address.socket;
    cr_expect_eq(v6->sin6_family, AF_INET6);
    cr_expect_eq(ntohs(v6->sin6_port), 1234);

    struct key_use use = key_use_of(one->keys.encryption, one->client_title);
    cr_expect_eq(memcmp(&use, &one->use, sizeof use), 0);
    uint8_t needle[CIPHER_KEY_LEN];
    for (int i = 0; i < CIPHER_KEY_LEN; i++) // not as a whole: the needle must not be found
        needle[i] = (uint8_t)(one->keys.encryption[i] ^ 0xff);
    for (int i = 0; i < METERS; i++)
        secret_pool_give(pool, wanted[i]);
    for (int i = 0; i < CIPHER_KEY_LEN; i++)
        needle[i] ^= 0xff;
    cr_expect_eq(copies_of(needle, sizeof needle), 1, "it stands elsewhere than in this test");
    secret_pool_free(pool);
    key_table_free(table);
    db_free(db);
    master_key_free(masters[0]);
    master_key_free(masters[1]);
}

static const char *fault_of(struct key_table *table, int meter)
{
    struct meter_access access = {.meter = meter}, *wanted = &access;
    cr_assert_eq(key_table_load(table, &wanted, 1), ERR_NONE);
    return access.fault ? access.fault : "";
}

Test(key_table, follows_a_rotation_and_refuses_what_was_swapped)
{
    struct db *db = db_new("dbname=socmod user=socmod_p3", "test_key_table");
    types = (struct meter_types){meter_type_smr5, meter_type_dsmr42};
    struct master_key *masters[] = {read_master("first"), read_master("second")};
    struct key_table *both = key_table_new(db, &types, masters, 2);
    struct key_table *first = key_table_new(db, &types, masters, 1);
    cr_expect_str_eq(fault_of(first, 1), "");
    shell("cd \"$FOLDER\" && \"$BIN/socmod-admin\" keys rotate --master second --former first"
          " >>said");
    cr_expect_str_eq(fault_of(first, 1), "no-master-key");
    cr_expect_str_eq(fault_of(both, 1), "");
    sql("update keys.counter set meter_counter = 41, meter_title = 'METER001' where meter = 1");
    struct meter_access access = {.meter = 1}, *wanted = &access;
    cr_assert_eq(key_table_load(both, &wanted, 1), ERR_NONE);
    cr_expect_eq(access.least_meter_counter, 42);
    cr_expect(access.knows_meter_title && !memcmp(access.meter_title, "METER001", 8));

    sql("update keys.meter m set encryption = o.encryption from keys.meter o"
        " where m.meter = 1 and o.meter = 2");
    cr_expect_str_eq(fault_of(both, 1), "keys-damaged", "another meter's key");
    sql("update keys.meter set authentication = encryption where meter = 2");
    cr_expect_str_eq(fault_of(both, 2), "keys-damaged", "a key for another purpose");
    sql("insert into keys.counter (key, meter, next) values (repeat('x', 16)::bytea, 3, 0);"
        "update keys.meter set counter = repeat('x', 16)::bytea where meter = 3");
    cr_expect_str_eq(fault_of(both, 3), "keys-damaged", "a counter that begins anew");
    key_table_free(both);
    key_table_free(first);
    db_free(db);
    master_key_free(masters[0]);
    master_key_free(masters[1]);
}

struct address {
    char text[80];
    char host[64]; // "": none
    int port;
};

ParameterizedTestParameters(key_address, is_read)
{
    static struct address cases[] = {
        {"192.0.2.7:4059", "192.0.2.7", 4059},
        {"192.0.2.7", "192.0.2.7", 4059},
        {"[2001:db8::7]:1", "2001:db8::7", 1},
        {"[2001:db8::7]", "2001:db8::7", 4059},
        {"2001:db8::7", "2001:db8::7", 4059},
        {"192.0.2.7:", "", 0},
        {"192.0.2.7:0", "", 0},
        {"192.0.2.7:65536", "", 0},
        {"192.0.2.7:80x", "", 0},
        {"192.0.2.7:-1", "", 0},
        {"[2001:db8::7", "", 0},
        {"[2001:db8::7]x", "", 0},
        {"meter.example:4059", "", 0},
        {"", "", 0},
        {"1111111111111111111111111111111111111111111111111111111111111111111111", "", 0},
    };
    return cr_make_param_array(struct address, cases, COUNT(cases));
}

ParameterizedTest(struct address *c, key_address, is_read)
{
    struct dlms_address address;
    char host[INET6_ADDRSTRLEN] = "";
    enum err err = key_table_address(c->text, &address);
    cr_assert_eq(!err, !!*c->host, "%s: %s", c->text, err_name(err));
    if (err)
        return;
    const struct sockaddr_in *v4 = (const void *)&address.socket;
    const struct sockaddr_in6 *v6 = (const void *)&address.socket;
    bool is_v4 = address.socket.ss_family == AF_INET;
    inet_ntop(address.socket.ss_family, is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr, host,
              sizeof host);
    cr_expect_str_eq(host, c->host);
    cr_expect_eq(ntohs(is_v4 ? v4->sin_port : v6->sin6_port), c->port, "%s", c->text);
}
