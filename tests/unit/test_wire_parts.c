/* Bits and checksums of the pack wire, against bytes recorded on real buses. */
#include <CUnit/Basic.h>
#include <string.h>

#include "drivers/pack/wire.h"

static struct wire_bits bits_of(unsigned start, unsigned length, bool big_endian, bool is_signed)
{
	struct wire_bits bits;

	CU_ASSERT_TRUE_FATAL(wire_bits_compile(&bits, start, length, big_endian, is_signed));
	return bits;
}

static int64_t raw_of(struct wire_bits bits, const uint8_t *data, unsigned length)
{
	int64_t raw = INT64_MIN;

	CU_ASSERT_TRUE(wire_extract(&bits, data, length, &raw));
	return raw;
}

static void intel_bits_count_up_from_the_lowest(void)
{
	/* BMW i3, 0x112 of a recorded AC charge: 0x1FFA x 0.1 - 819.2 = -0.6 A, 0x0EC7 x 0.1 V. */
	const uint8_t i3[8] = {0xFA, 0x1F, 0xC7, 0x0E, 0x3A, 0x72, 0x85, 0x5F};

	CU_ASSERT_EQUAL(raw_of(bits_of(0, 16, false, false), i3, 8), 0x1FFA);
	CU_ASSERT_EQUAL(raw_of(bits_of(16, 16, false, false), i3, 8), 0x0EC7);
	CU_ASSERT_EQUAL(raw_of(bits_of(32, 12, false, false), i3, 8), 0x23A);
	CU_ASSERT_EQUAL(raw_of(bits_of(46, 2, false, false), i3, 8), 1);
	CU_ASSERT_EQUAL(raw_of(bits_of(56, 8, false, false), i3, 8), 0x5F);
}

static void motorola_bits_count_down_from_the_highest(void)
{
	/* Leaf 0x1DB, made by hand: current -10.5 A = -21 x 0.5 in 11 bits, 370.0 V = 740 x 0.5. */
	const uint8_t leaf[8] = {0xFD, 0x60, 0xB9, 0x2A, 0x00, 0x00, 0x00, 0x00};

	CU_ASSERT_EQUAL(raw_of(bits_of(7, 11, true, true), leaf, 8), -21);
	CU_ASSERT_EQUAL(raw_of(bits_of(23, 10, true, false), leaf, 8), 740);
	CU_ASSERT_EQUAL(raw_of(bits_of(29, 1, true, false), leaf, 8), 1);
	CU_ASSERT_EQUAL(raw_of(bits_of(28, 1, true, false), leaf, 8), 0);
	CU_ASSERT_EQUAL(raw_of(bits_of(27, 1, true, false), leaf, 8), 1);
}

static void bits_beyond_the_length_are_never_read(void)
{
	const uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct wire_bits bits = bits_of(56, 8, false, false);
	int64_t raw = 42;

	CU_ASSERT_FALSE(wire_extract(&bits, data, 7, &raw));
	CU_ASSERT_EQUAL(raw, 42);
	CU_ASSERT_TRUE(wire_extract(&bits, data, 8, &raw));
	memset(&bits, 0, sizeof bits);
	CU_ASSERT_FALSE(wire_extract(&bits, data, 8, &raw));
	CU_ASSERT_FALSE(wire_bits_compile(&bits, 0, 57, false, false));
	CU_ASSERT_FALSE(wire_bits_compile(&bits, 0, 0, false, false));
}

static void every_run_of_bits_reads_back_what_was_inserted(void)
{
	for (unsigned order = 0; order < 2; order++) {
		for (unsigned start = 0; start < 64; start++) {
			for (unsigned length = 1; length <= 32; length++) {
				uint8_t data[16];
				struct wire_bits bits = bits_of(start, length, order, false);
				uint64_t mask = (UINT64_C(1) << length) - 1;
				uint64_t value = UINT64_C(0xA5C3F00F96E1) & mask;

				memset(data, 0xff, sizeof data);
				wire_insert(&bits, data, value);
				CU_ASSERT_EQUAL(raw_of(bits, data, 16), (int64_t)value);
				wire_insert(&bits, data, mask);
				for (unsigned i = 0; i < sizeof data; i++)
					CU_ASSERT_EQUAL(data[i], 0xff);
			}
		}
	}
}

static void sum_vector(const struct wire_sum *sum, uint32_t id, const char *hex)
{
	uint8_t data[8], again[8];
	unsigned n = (unsigned)strlen(hex) / 2, byte;

	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT_EQUAL_FATAL(sscanf(hex + 2 * i, "%2x", &byte), 1);
		data[i] = (uint8_t)byte;
	}
	CU_ASSERT_TRUE(wire_sum_holds(sum, id, data, n));
	memcpy(again, data, sizeof again);
	again[sum->at] = 0;
	if (sum->kind == WIRE_SUM_NIBBLE)
		again[sum->at] = data[sum->at] & 0xf0;
	wire_sum_put(sum, id, again);
	CU_ASSERT_EQUAL(memcmp(again, data, n), 0);
	for (unsigned bit = 0; bit < 8 * n; bit++) {
		data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (bit / 8 >= sum->first && bit / 8 <= sum->last)
			CU_ASSERT_FALSE(wire_sum_holds(sum, id, data, n));
		data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	CU_ASSERT_FALSE(wire_sum_holds(sum, id, data, n - 1));
}

static void nissan_crc_holds_for_recorded_frames(void)
{
	const struct wire_sum eight = {WIRE_SUM_CRC8, 0x85, 0, 0, 0, 6, 7};
	const struct wire_sum six = {WIRE_SUM_CRC8, 0x85, 0, 0, 0, 4, 5};

	sum_vector(&eight, 0x1D4, "6E6E00040746E012");
	sum_vector(&eight, 0x1D4, "6E6E00044746E0D5");
	sum_vector(&eight, 0x1D4, "6E6E00048746E019");
	sum_vector(&eight, 0x1D4, "6E6E0004C746E0DE");
	sum_vector(&six, 0x50C, "000000005DC8");
	sum_vector(&six, 0x50C, "00000001B231");
	sum_vector(&six, 0x50C, "000000025D63");
	sum_vector(&six, 0x50C, "00000003B29A");
}

static void nissan_nibble_sum_holds_for_recorded_frames(void)
{
	const struct wire_sum sum = {WIRE_SUM_NIBBLE, 0, 0, 0, 0, 7, 7};

	sum_vector(&sum, 0x1F2, "106400B0001E008F");
	sum_vector(&sum, 0x1F2, "106400B0001E0180");
	sum_vector(&sum, 0x1F2, "106400B4001E0184");
	sum_vector(&sum, 0x1F2, "106400B4001E0083");
}

static void bmw_crc_holds_for_recorded_frames_and_for_their_id_only(void)
{
	const struct wire_sum sum = {WIRE_SUM_CRC8, 0x1D, 0x60, 0, 1, 7, 0};
	const struct wire_sum of_10b = {WIRE_SUM_CRC8, 0x1D, 0x3F, 0, 1, 7, 0};
	const uint8_t data[8] = {0x09, 0x23, 0x86, 0x1C, 0xF1, 0x31, 0x30, 0x00};

	sum_vector(&sum, 0x12F, "0923861CF1313000");
	sum_vector(&sum, 0x12F, "8724861CF1313000");
	sum_vector(&sum, 0x12F, "3B26861CF1353000");
	CU_ASSERT_FALSE(wire_sum_holds(&of_10b, 0x12F, data, 8));
}

static void renault_crc_holds_for_recorded_frames(void)
{
	const struct wire_sum sum = {WIRE_SUM_CRC8, 0x1D, 0, 0xAC, 0, 6, 7};

	sum_vector(&sum, 0x0EE, "320320AA00000C93");
}

static void tesla_sum_holds_for_recorded_frames(void)
{
	const struct wire_sum last = {WIRE_SUM_BYTES, 0, 0, 0, 0, 7, 7};
	const struct wire_sum first = {WIRE_SUM_BYTES, 0, 0, 0, 0, 7, 0};

	sum_vector(&last, 0x221, "605555155451F1D8");
	sum_vector(&first, 0x118, "AB602A0000080000");
}

static void a_serial_number_has_one_digest(void)
{
	CU_ASSERT_EQUAL(wire_serial_digest("", 0), 0);
	CU_ASSERT_NOT_EQUAL(wire_serial_digest("1", 1), 0);
	CU_ASSERT_NOT_EQUAL(wire_serial_digest("1", 1), wire_serial_digest("2", 1));
}

int main(void)
{
	CU_initialize_registry();
	CU_pSuite suite = CU_add_suite("wire parts", NULL, NULL);

	CU_ADD_TEST(suite, intel_bits_count_up_from_the_lowest);
	CU_ADD_TEST(suite, motorola_bits_count_down_from_the_highest);
	CU_ADD_TEST(suite, bits_beyond_the_length_are_never_read);
	CU_ADD_TEST(suite, every_run_of_bits_reads_back_what_was_inserted);
	CU_ADD_TEST(suite, nissan_crc_holds_for_recorded_frames);
	CU_ADD_TEST(suite, nissan_nibble_sum_holds_for_recorded_frames);
	CU_ADD_TEST(suite, bmw_crc_holds_for_recorded_frames_and_for_their_id_only);
	CU_ADD_TEST(suite, renault_crc_holds_for_recorded_frames);
	CU_ADD_TEST(suite, tesla_sum_holds_for_recorded_frames);
	CU_ADD_TEST(suite, a_serial_number_has_one_digest);
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	unsigned failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}
