/*
 * Whether a command may act: each check returns OK or the reason of the refusal. They only look;
 * command.c asks them in the order in which they stand here, and acts. The source must exist.
 */
#ifndef REBANK_CORE_ADMIT_H
#define REBANK_CORE_ADMIT_H

#include "core/dispatch.h"

struct bank;

bool admit_is_local(const struct command *command);

/* The source has the right to this kind of command. */
enum reason admit_right(const struct bank *bank, const struct command *command);

/* By the wall clock, negative: issued in the future. It may be any number. */
double admit_age_s(const struct bank_inputs *in, const struct command *command);

/* The message is a new one: session, sequence number, boot nonce and age. What asks for less power
 * than its source has in command may be of any age. */
enum reason admit_message(const struct bank *bank, const struct bank_inputs *in,
			  const struct command *command);

/* The setpoint's values, then locks, shutdown and trips. Limits are not a matter of admission. */
enum reason admit_setpoint(const struct bank *bank, const struct bank_inputs *in,
			   const struct command *command);

/* Locks, and shutdown where it matters, for everything that is no setpoint and no release. */
enum reason admit_operation(const struct bank *bank, const struct bank_inputs *in,
			    const struct command *command);

#endif
