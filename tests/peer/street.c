// SPDX-License-Identifier: Apache-2.0

#include "tests/peer/street.h"
#include "base/memory.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Where in the file we are, for the complaint.
struct place {
    const char *file, *list;
    size_t index;
};

static bool complain(const struct place *place, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool complain(const struct place *place, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "%s: %s[%zu]: ", place->file, place->list, place->index);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    return false;
}

// Ids become topic levels, file names and words on the control socket.
static bool is_identifier(const char *text)
{
    size_t len = strlen(text);
    return len && len <= 64 && text[0] != '.' && text[0] != '-' && text[0] != '_'
           && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
                  == len;
}

static bool take_id(const struct place *place, const json_t *row, const char *key, const char **id)
{
    *id = json_string_value(json_object_get(row, key));
    if (!*id || !is_identifier(*id))
        return complain(place, "\"%s\" must be a name of letters, digits, '.', '_' and '-'", key);
    return true;
}

static bool take_phases(const struct place *place, const json_t *row, struct street_connection *c)
{
    const char *text = json_string_value(json_object_get(row, "phases"));
    bool seen[STREET_PHASES] = {false};
    size_t len = text ? strlen(text) : 0;
    for (size_t i = 0; i < len && len <= STREET_PHASES; i++) {
        int phase = text[i] - '1';
        if (phase < 0 || phase >= STREET_PHASES || seen[phase])
            len = 0;
        else
            seen[c->phases[i] = phase] = true;
    }
    c->phase_count = (int)len;
    if (!len || len > STREET_PHASES)
        return complain(place, "\"phases\" must name the grid phases behind L1, L2 and L3, "
                               "such as \"231\" or \"2\"");
    return true;
}

// Streets of a hundred thousand meters want an index of each list: name to place.
static size_t find(const json_t *index, const char *name, size_t count)
{
    const json_t *place = name ? json_object_get(index, name) : NULL;
    return place ? (size_t)json_integer_value(place) : count;
}

static void remember(json_t *index, const char *name, size_t place)
{
    json_object_set_new(index, name, json_integer((json_int_t)place));
}

static size_t find_connection(const struct street *street, const char *ean)
{
    return find(street->connection_index, ean, street->connection_count);
}

static bool take_connection(const struct street *street, const struct place *place,
                            const json_t *row, size_t *connection)
{
    const char *ean = json_string_value(json_object_get(row, "connection"));
    *connection = find_connection(street, ean);
    if (*connection == street->connection_count)
        return complain(place, "no connection \"%s\"", ean ? ean : "");
    return true;
}

static bool take_feeder_row(struct street *street, const struct place *place, const json_t *row)
{
    struct street_feeder *feeder = &street->feeders[street->feeder_count];
    if (!take_id(place, row, "id", &feeder->id)
        || !take_id(place, row, "transformer", &feeder->transformer))
        return false;
    if (street_find_feeder(street, feeder->id) < street->feeder_count)
        return complain(place, "feeder \"%s\" was there before", feeder->id);
    const json_t *transformer;
    size_t i;
    json_array_foreach(json_object_get(street->file, "transformers"), i, transformer)
    {
        const char *id = json_string_value(json_object_get(transformer, "id"));
        if (id && !strcmp(id, feeder->transformer)) {
            street->feeder_count++;
            return true;
        }
    }
    return complain(place, "no transformer \"%s\"", feeder->transformer);
}

static bool take_connection_row(struct street *street, const struct place *place, const json_t *row)
{
    struct street_connection *c = &street->connections[street->connection_count];
    if (!take_id(place, row, "ean", &c->ean) || !take_phases(place, row, c))
        return false;
    if (find_connection(street, c->ean) < street->connection_count)
        return complain(place, "connection \"%s\" was there before", c->ean);
    const char *feeder = json_string_value(json_object_get(row, "feeder"));
    c->feeder = street_find_feeder(street, feeder ? feeder : "");
    if (c->feeder == street->feeder_count)
        return complain(place, "no feeder \"%s\"", feeder ? feeder : "");
    remember(street->connection_index, c->ean, street->connection_count++);
    return true;
}

static bool take_meter_row(struct street *street, const struct place *place, const json_t *row)
{
    struct street_meter *meter = &street->meters[street->meter_count];
    if (!take_id(place, row, "equipment_id", &meter->equipment_id)
        || !take_connection(street, place, row, &meter->connection))
        return false;
    if (street_find_meter(street, meter->equipment_id) < street->meter_count)
        return complain(place, "meter \"%s\" was there before", meter->equipment_id);
    struct street_connection *connection = &street->connections[meter->connection];
    if (connection->has_meter)
        return complain(place, "its connection has a meter already");
    connection->has_meter = true;
    const char *route = json_string_value(json_object_get(row, "route"));
    if (route && !strcmp(route, "head-end") && !take_id(place, row, "head_end", &meter->head_end))
        return false;
    const json_t *dsmr = json_object_get(row, "dsmr");
    const char *version = dsmr ? json_string_value(dsmr) : "5";
    if (!version || (strcmp(version, "4") && strcmp(version, "5")))
        return complain(place, "\"dsmr\" must be \"4\" or \"5\"");
    meter->dsmr4 = !strcmp(version, "4");
    remember(street->meter_index, meter->equipment_id, street->meter_count++);
    return true;
}

static bool take_charger_row(struct street *street, const struct place *place, const json_t *row)
{
    struct street_charger *charger = &street->chargers[street->charger_count];
    if (!take_id(place, row, "id", &charger->id)
        || !take_connection(street, place, row, &charger->connection))
        return false;
    if (street_find_charger(street, charger->id) < street->charger_count)
        return complain(place, "charger \"%s\" was there before", charger->id);
    double max_a = json_number_value(json_object_get(row, "max_a"));
    if (!(max_a >= 6 && max_a <= 1000))
        return complain(place, "\"max_a\" must be a current of 6 to 1000 A");
    charger->max_ma = llround(max_a * 1000);
    street->charger_count++;
    return true;
}

// Give each row of a list to take.
static bool take_list(struct street *street, const char *file, const char *list,
                      bool (*take)(struct street *, const struct place *, const json_t *))
{
    const json_t *array = json_object_get(street->file, list), *row;
    if (!json_is_array(array)) {
        fprintf(stderr, "%s: \"%s\" must be a list\n", file, list);
        return false;
    }
    struct place place = {.file = file, .list = list};
    json_array_foreach(array, place.index, row)
    {
        if (!take(street, &place, row))
            return false;
    }
    return true;
}

static void *room_for(const struct street *street, const char *list, size_t size)
{
    return memory_new(json_array_size(json_object_get(street->file, list)), size);
}

struct street *street_parse(const char *name, const char *text, size_t len)
{
    json_error_t error;
    json_t *file = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!file) {
        fprintf(stderr, "%s:%d:%d: %s\n", name, error.line, error.column, error.text);
        return NULL;
    }
    struct street *street = memory_new(1, sizeof *street);
    street->file = file;
    street->connection_index = json_object();
    street->meter_index = json_object();
    street->feeders = room_for(street, "feeders", sizeof *street->feeders);
    street->connections = room_for(street, "connections", sizeof *street->connections);
    street->meters = room_for(street, "meters", sizeof *street->meters);
    street->chargers = room_for(street, "chargers", sizeof *street->chargers);
    if (take_list(street, name, "feeders", take_feeder_row)
        && take_list(street, name, "connections", take_connection_row)
        && take_list(street, name, "meters", take_meter_row)
        && take_list(street, name, "chargers", take_charger_row))
        return street;
    street_free(street);
    return NULL;
}

struct street *street_read(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;
    ssize_t len = file ? getdelim(&text, &size, '\0', file) : -1;
    struct street *street = NULL;
    if (!file || ferror(file))
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    else
        street = street_parse(path, text ? text : "", len < 0 ? 0 : (size_t)len);
    free(text);
    if (file)
        fclose(file);
    return street;
}

void street_free(struct street *street)
{
    if (!street)
        return;
    free(street->feeders);
    free(street->connections);
    free(street->meters);
    free(street->chargers);
    json_decref(street->file);
    json_decref(street->connection_index);
    json_decref(street->meter_index);
    free(street);
}

size_t street_find_charger(const struct street *street, const char *id)
{
    size_t i = 0;
    while (i < street->charger_count && strcmp(street->chargers[i].id, id))
        i++;
    return i;
}

size_t street_find_feeder(const struct street *street, const char *id)
{
    size_t i = 0;
    while (i < street->feeder_count && strcmp(street->feeders[i].id, id))
        i++;
    return i;
}

size_t street_find_meter(const struct street *street, const char *equipment_id)
{
    return find(street->meter_index, equipment_id, street->meter_count);
}
