/* What the value of a signal means: a number within bounds, or codes. */
#include <math.h>

#include "config/wire_signal.h"

static void valid_read(const struct wire_reading *reading)
{
	const config_setting_t *list = config_setting_get_member(reading->setting, "valid");
	struct wire_signal *signal = reading->signal;
	double bound[2] = {NAN, NAN};

	if (!list)
		return;
	for (unsigned i = 0; i < 2; i++) {
		const config_setting_t *one =
			config_setting_length(list) == 2 ? config_setting_get_elem(list, i) : NULL;

		if (one && config_setting_type(one) == CONFIG_TYPE_FLOAT)
			bound[i] = config_setting_get_float(one);
		else if (one && config_setting_is_number(one))
			bound[i] = (double)config_setting_get_int64(one);
	}
	if (!(bound[0] < bound[1])) {
		mistake_at(reading->reader->mistakes, list, reading->where,
			   "valid must be [low, high]: [2.0, 4.5]");
		return;
	}
	/* What a profile believes cannot widen what is possible at all. */
	if (bound[0] > signal->low)
		signal->low = bound[0];
	if (bound[1] < signal->high)
		signal->high = bound[1];
}

static void codes_check(const struct wire_reading *reading, const char *key, const int64_t *codes,
			unsigned n)
{
	const struct wire_bits *bits = &reading->signal->bits;
	unsigned length = bits->length;
	int64_t low, high;

	if (length == 0)
		return;
	low = bits->is_signed ? -(INT64_C(1) << (length - 1)) : 0;
	high = bits->is_signed ? (INT64_C(1) << (length - 1)) - 1 : (INT64_C(1) << length) - 1;
	for (unsigned i = 0; i < n; i++)
		if (codes[i] < low || codes[i] > high)
			mistake_at(reading->reader->mistakes, reading->setting, reading->where,
				   "%s %lld never occurs in %u %s bits", key, (long long)codes[i],
				   length, bits->is_signed ? "signed" : "unsigned");
}

static void codes_read(const struct wire_reading *reading, const char *key, int64_t *codes,
		       uint8_t *n)
{
	if (wire_codes(reading->reader, reading->setting, reading->where, key, WIRE_CODES, codes,
		       n))
		codes_check(reading, key, codes, *n);
}

void wire_signal_meaning(const struct wire_reading *reading)
{
	struct wire_signal *signal = reading->signal;
	struct wire_reader *reader = reading->reader;
	const config_setting_t *setting = reading->setting;
	bool flag = signal->target == WIRE_TO_FLAG, contact = signal->target == WIRE_TO_CONTACT;

	wire_number(reader, setting, reading->where, "scale", -1e9, 1e9, &signal->scale);
	wire_number(reader, setting, reading->where, "offset", -1e9, 1e9, &signal->offset);
	if (!(signal->scale < 0.0 || signal->scale > 0.0))
		mistake_at(reader->mistakes, setting, reading->where, "scale 0 says nothing");
	if (!flag && !contact)
		valid_read(reading);
	codes_read(reading, "invalid", signal->invalid, &signal->n_invalid);
	if (flag) {
		const char *codes =
			config_setting_get_member(setting, "faulty") ? "faulty" : "healthy";

		signal->faulty_codes = *codes == 'f';
		codes_read(reading, codes, signal->code, &signal->n_codes);
		if (signal->faulty_codes && config_setting_get_member(setting, "healthy"))
			mistake_at(reader->mistakes, setting, reading->where,
				   "healthy and faulty: keep one, all other codes are the other");
	}
	if (contact) {
		codes_read(reading, "closed", signal->code, &signal->n_codes);
		codes_read(reading, "open", signal->open, &signal->n_open);
	}
	if (flag && signal->n_codes == 0)
		mistake_at(reader->mistakes, setting, reading->where,
			   "healthy or faulty is missing: name the codes that do not raise "
			   "the flag, or those that do");
	if (contact && (signal->n_codes == 0 || signal->n_open == 0))
		mistake_at(reader->mistakes, setting, reading->where,
			   "closed and open are needed: name the codes of each");
	for (unsigned i = 0; contact && i < signal->n_codes; i++)
		for (unsigned j = 0; j < signal->n_open; j++)
			if (signal->code[i] == signal->open[j])
				mistake_at(reader->mistakes, setting, reading->where,
					   "code %lld is both closed and open",
					   (long long)signal->code[i]);
}
