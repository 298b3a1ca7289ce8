/* Where the value of a signal stands in its message. */
#include "config/wire_signal.h"

static void register_read(const struct wire_reading *reading)
{
	static const char *const types[] = {"u16",         "s16",         "u32",       "s32",
					    "u32-swapped", "s32-swapped", "high-byte", "low-byte"};
	struct wire_bits *bits = &reading->signal->bits;
	const struct wire_place *place = reading->place;
	unsigned type = 0, address, bit = 0;
	bool single = false;
	const config_setting_t *given = config_setting_get_member(reading->setting, "type");

	if (!wire_count(reading->reader, reading->setting, reading->where, "register", 0, 65535,
			&address))
		return;
	if (given && config_setting_is_number(given))
		single = wire_count(reading->reader, reading->setting, reading->where, "type", 0,
				    15, &bit);
	else
		wire_word(reading->reader, reading->setting, reading->where, "type", types, 8,
			  &type);
	unsigned words = !single && type >= 2 && type <= 5 ? 2 : 1;

	if (address < place->address || 2 * (address - place->address + words) > place->length) {
		mistake_at(reading->reader->mistakes, reading->setting, reading->where,
			   "register %u is not within the block of %u registers at %u", address,
			   place->length / 2, place->address);
		return;
	}
	bits->first = (uint16_t)(2 * (address - place->address));
	bits->bytes = (uint8_t)(2 * words);
	bits->length = (uint8_t)(16 * words);
	bits->big_endian = true;
	bits->is_signed = !single && (type == 1 || type == 3 || type == 5);
	bits->word_swap = !single && type >= 4 && type <= 5;
	if (single) {
		bits->shift = (uint8_t)bit;
		bits->length = 1;
	} else if (type >= 6) {
		bits->first = (uint16_t)(bits->first + (type == 7));
		bits->bytes = 1;
		bits->length = 8;
	}
}

static void coil_read(const struct wire_reading *reading)
{
	const struct wire_place *place = reading->place;
	unsigned address;

	if (!wire_count(reading->reader, reading->setting, reading->where, "coil", 0, 65535,
			&address))
		return;
	if (address < place->address || address - place->address >= place->coils)
		mistake_at(reading->reader->mistakes, reading->setting, reading->where,
			   "coil %u is not within the block of %u coils at %u: check coil, or the "
			   "block's count",
			   address, place->coils, place->address);
	else
		wire_bits_compile(&reading->signal->bits, address - place->address, 1, false,
				  false);
}

static void ascii_read(const struct wire_reading *reading)
{
	struct wire_signal *signal = reading->signal;
	int64_t codes[2];
	uint8_t n;

	if (!wire_codes(reading->reader, reading->setting, reading->where, "ascii", 2, codes, &n))
		return;
	if (n != 2 || codes[0] < 0 || codes[1] < 1 || codes[1] > 64 ||
	    codes[0] + codes[1] > reading->place->length) {
		mistake_at(reading->reader->mistakes, reading->setting, reading->where,
			   "ascii must be [first byte, length] within the message of %u bytes",
			   reading->place->length);
		return;
	}
	signal->text = true;
	signal->bits.first = (uint16_t)codes[0];
	signal->bits.bytes = 1;
	signal->bits.length = 8;
	signal->text_length = (uint16_t)codes[1];
}

/* The last byte of a block of coils may be read in part only. */
static void coils_check(const struct wire_reading *reading)
{
	const struct wire_bits *bits = &reading->signal->bits;
	unsigned end = 8u * bits->first + bits->shift + bits->length;

	if (bits->bytes && end > reading->place->coils)
		mistake_at(
			reading->reader->mistakes, reading->setting, reading->where,
			"bits reach beyond the block of %u coils: check bits, or the block's count",
			reading->place->coils);
}

void wire_signal_bits(const struct wire_reading *reading)
{
	static const char *const ways[] = {"bits", "register", "coil", "ascii"};
	unsigned n = 0;

	for (unsigned i = 0; i < 4; i++)
		n += config_setting_get_member(reading->setting, ways[i]) != NULL;
	if (n != 1) {
		mistake_at(reading->reader->mistakes, reading->setting, reading->where,
			   "%s: give one of bits%s",
			   n ? "more than one place for its value" : "no place for its value",
			   reading->place->registers ? ", register"
			   : reading->place->coils   ? ", coil"
						     : ", or ascii for a serial number");
		return;
	}
	if (!reading->place->registers && config_setting_get_member(reading->setting, "register"))
		mistake_at(reading->reader->mistakes, reading->setting, reading->where,
			   "register is for Modbus blocks of function 3 or 4: give bits");
	else if (!reading->place->coils && config_setting_get_member(reading->setting, "coil"))
		mistake_at(reading->reader->mistakes, reading->setting, reading->where,
			   "coil is for Modbus blocks of function 1 or 2: give bits");
	wire_bits_read(reading->reader, reading->setting, reading->where, "bits",
		       reading->place->length, &reading->signal->bits);
	if (reading->place->registers)
		register_read(reading);
	if (reading->place->coils) {
		coils_check(reading);
		coil_read(reading);
	}
	ascii_read(reading);
}
