/*
 * Does the kernel keep outputs driven after the process that drove them has ended? Raspberry Pi
 * kernels do by default: a killed daemon would leave contactors closed.
 */
#ifndef REBANK_DRIVERS_GPIO_PERSIST_H
#define REBANK_DRIVERS_GPIO_PERSIST_H

#include "drivers/gpio/board.h"

/*
 * True when a chip that carries one of our outputs belongs to a driver whose parameter
 * persist_gpio_outputs is on; `module` is then its name. Where the driver of a chip cannot be told,
 * any such parameter counts. `sysfs` is "/sys".
 */
bool gpio_outputs_persist(struct gpio_board *board, const char *sysfs, char *module, size_t size);

#endif
