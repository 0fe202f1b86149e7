// SPDX-License-Identifier: Apache-2.0
// The numbers and switches of a charger's type, over a link. Each call is one request.

#ifndef GATEWAY_CHARGER_WIRE_H
#define GATEWAY_CHARGER_WIRE_H

#include "gateway/charger_type.h"
#include "gateway/modbus_link.h"

#include <stdbool.h>
#include <stdint.h>

// value: see registers_unpack(); untouched on error.
modbus_error charger_wire_read(struct modbus_link *link, int unit,
                               const struct charger_number *number, int64_t *value);
modbus_error charger_wire_write(struct modbus_link *link, int unit,
                                const struct charger_number *number, int64_t value);
modbus_error charger_wire_switch(struct modbus_link *link, int unit,
                                 const struct charger_switch *to, bool on);

#endif
