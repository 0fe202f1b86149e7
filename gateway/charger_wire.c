// SPDX-License-Identifier: Apache-2.0

#include "gateway/charger_wire.h"

modbus_error charger_wire_read(struct modbus_link *link, int unit,
                               const struct charger_number *number, int64_t *value)
{
    uint16_t words[REGISTERS_MAX] = {0};
    modbus_error error = modbus_link_read(link, unit, (int)number->function, (int)number->address,
                                          words, registers_count(number->type));
    if (!error)
        *value = registers_unpack(number->type, number->low_word_first, number->step_micro, words);
    return error;
}

modbus_error charger_wire_write(struct modbus_link *link, int unit,
                                const struct charger_number *number, int64_t value)
{
    uint16_t words[REGISTERS_MAX] = {0};
    registers_pack(number->type, number->low_word_first, value, number->step_micro, words);
    return modbus_link_write(link, unit, (int)number->function, (int)number->address, words,
                             registers_count(number->type));
}

modbus_error charger_wire_switch(struct modbus_link *link, int unit,
                                 const struct charger_switch *to, bool on)
{
    uint16_t word = (uint16_t)(on ? to->on : to->off);
    return modbus_link_write(link, unit, (int)to->function, (int)to->address, &word, 1);
}
