/*
 * Admission: every command gets exactly one first answer here, and what is admitted takes effect.
 * Also the acks of a setpoint's later life, so that all of them are built in one place.
 */
#ifndef REBANK_CORE_COMMAND_H
#define REBANK_CORE_COMMAND_H

#include "core/dispatch.h"

/* Judges one command, answers it and, when admitted, lets it act on bank->dispatch. */
void command_take(struct bank *bank, const struct bank_inputs *in, struct bank_outputs *out,
		  const struct command *command);

/* Tells the source of a live setpoint its state; false when the list of acks is full: ask again. */
bool command_tell(struct bank_outputs *out, unsigned source,
		  const struct dispatch_setpoint *setpoint, enum ack_status status,
		  enum reason reason, double p_set_w);

/* Ends a live setpoint and says so; nothing if it is not live. */
void command_end(struct bank_outputs *out, unsigned source, struct dispatch_setpoint *setpoint,
		 enum ack_status status, enum reason reason);

#endif
