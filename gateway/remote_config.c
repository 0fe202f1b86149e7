// SPDX-License-Identifier: Apache-2.0

#include "gateway/remote_config.h"
#include "base/log.h"
#include "base/memory.h"
#include "io/durable_file.h"
#include "io/mqtt.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void answer_json(struct http_request *request, int status, json_t *root)
{
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!text) {
        http_problem(request, 500, "internal", "the settings cannot be told");
        return;
    }
    http_add_header(request, "Cache-Control", "no-store");
    http_answer(request, status, "application/json", text, strlen(text));
}

static json_t *shown(const struct remote_config *config, const struct settings_patch *patch)
{
    json_t *root = settings_patch_json(patch);
    json_t *fixed = json_pack("{s:{s:I, s:I, s:I, s:b, s:s}}", "Fixed", "contract_w",
                              (json_int_t)config->contract_w, "safe_w", (json_int_t)config->safe_w,
                              "hold_s", (json_int_t)config->hold_s, "sealed", config->is_sealed,
                              "charger", config->charger);
    if (fixed)
        json_object_update(root, fixed);
    json_decref(fixed);
    return root;
}

void remote_config_get(const struct remote_config *config, struct http_request *request)
{
    answer_json(request, 200, shown(config, &config->now));
}

// ---- who may

// A page of somebody else's may make a browser send its user's password along, but not hide
// where it comes from.
static bool is_from_elsewhere(const struct http_request *request)
{
    const char *origin = http_header(request, "Origin"), *host = http_header(request, "Host");
    const char *rest = origin ? strstr(origin, "://") : NULL;
    return origin && (!rest || !host || strcasecmp(rest + 3, host) != 0);
}

static bool may_change(const struct remote_config *config, struct http_request *request)
{
    const char *why = !config->has_password        ? "only where [http] password_file is set"
                      : is_from_elsewhere(request) ? "only from a page of the gateway itself"
                                                   : NULL;
    if (why)
        http_problem(request, 403, "forbidden", why);
    return !why;
}

// ---- changing

static bool is_json(const struct http_request *request)
{
    const char *type = http_header(request, "Content-Type");
    size_t len = type ? strcspn(type, "; ") : 0;
    static const char plain[] = "application/json", merge[] = "application/merge-patch+json";
    return (len == sizeof plain - 1 && !strncasecmp(type, plain, len))
           || (len == sizeof merge - 1 && !strncasecmp(type, merge, len));
}

// What the other settings, files and the network library have to say.
static const char *fault_of(const struct remote_config *config, const struct settings_patch *after)
{
    const char *fault = settings_patch_fault(&config->now, after, &config->bounds);
    if (!fault && *after->meter_type && strcmp(after->meter_type, config->now.meter_type) != 0
        && !config->is_meter(after->meter_type))
        fault = "MeterType: there is no such meter, see --meters";
    if (!fault && *after->broker && !mqtt_check_broker(after->broker))
        fault = "MQTT.Broker: not like mqtt://host:port or mqtts://host:port";
    return fault;
}

// Keep the password beside the patch, and let the patch name it.
static enum err keep_password(const struct remote_config *config, const char *password,
                              struct settings_patch *patch, char why[static DURABLE_FILE_REASON])
{
    free(patch->password_file);
    patch->password_file =
        *password ? memory_format("%s.password", config->patch_file) : memory_text("");
    char *line = memory_format("%s\n", password);
    enum err err =
        *password ? durable_file_write(patch->password_file, line, strlen(line), why) : ERR_NONE;
    memory_wipe(line, strlen(line));
    free(line);
    return err;
}

// Over what was changed before.
static enum err keep(const struct remote_config *config, const struct settings_patch *patch)
{
    char why[DURABLE_FILE_REASON] = "cannot be read";
    struct settings_patch all = {0};
    enum err err = settings_patch_load(config->patch_file, &all);
    if (!err) {
        settings_patch_merge(&all, patch);
        char *text = settings_patch_text(&all);
        err = durable_file_write(config->patch_file, text, strlen(text), why);
        free(text);
    }
    settings_patch_clear(&all);
    if (err)
        log_error("config.not_kept", F("path", config->patch_file), F("why", why));
    return err;
}

// after: all settings with the patch.
static void change(const struct remote_config *config, struct http_request *request,
                   struct settings_patch *patch, const char *password)
{
    struct settings_patch after = {0};
    char why[DURABLE_FILE_REASON];
    settings_patch_merge(&after, &config->now);
    settings_patch_merge(&after, patch);
    const char *fault = fault_of(config, &after);
    bool is_same = !password && settings_patch_equal(&after, &config->now);
    if (fault)
        http_problem(request, 422, "value", fault);
    else if (is_same)
        answer_json(request, 200, shown(config, &after));
    else if ((password && keep_password(config, password, patch, why)) || keep(config, patch))
        http_problem(request, 500, "not-kept", "the patch file cannot be written: see the log");
    else {
        log_info("config.changed", F("by", http_client(request)));
        answer_json(request, 202, shown(config, &after));
        config->restart();
    }
    settings_patch_clear(&after);
}

void remote_config_patch(const struct remote_config *config, struct http_request *request)
{
    if (!may_change(config, request))
        return;
    if (!*config->patch_file) {
        http_problem(request, 403, "forbidden", "only where [http] patch_file is set");
        return;
    }
    if (!is_json(request)) {
        http_problem(request, 415, "type", "send application/json");
        return;
    }
    size_t len;
    const char *body = http_body(request, &len);
    struct settings_patch patch = {0};
    char *password = NULL, why[SETTINGS_PATCH_WHY];
    enum err err = settings_patch_read(body, len, &patch, &password, why);
    if (err)
        http_problem(request, err == ERR_SYNTAX ? 400 : 422, err == ERR_SYNTAX ? "syntax" : "value",
                     why);
    else
        change(config, request, &patch, password);
    if (password)
        memory_wipe(password, strlen(password));
    free(password);
    settings_patch_clear(&patch);
}

void remote_config_reset(const struct remote_config *config, struct http_request *request)
{
    if (!may_change(config, request))
        return;
    log_info("program.reset", F("by", http_client(request)));
    answer_json(request, 202, json_pack("{s:s}", "status", "starts anew"));
    config->restart();
}
