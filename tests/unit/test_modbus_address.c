#include <CUnit/Basic.h>

#include <string.h>

#include "drivers/modbus/address.h"
#include "drivers/modbus/number.h"

static void a_tcp_address_has_host_port_and_unit(void)
{
	struct modbus_address at;

	CU_ASSERT_PTR_NULL(modbus_address_parse(&at, "tcp://192.0.2.10:1502/126"));
	CU_ASSERT_TRUE(at.tcp);
	CU_ASSERT_STRING_EQUAL(at.host, "192.0.2.10");
	CU_ASSERT_EQUAL(at.port, 1502);
	CU_ASSERT_EQUAL(at.unit, 126);
	CU_ASSERT_PTR_NULL(modbus_address_parse(&at, "tcp://inverter.local"));
	CU_ASSERT_EQUAL(at.port, 502);
	CU_ASSERT_EQUAL(at.unit, MODBUS_UNIT_NONE);
	CU_ASSERT_PTR_NULL(modbus_address_parse(&at, "tcp://[fe80::1]:503/255"));
	CU_ASSERT_STRING_EQUAL(at.host, "fe80::1");
	CU_ASSERT_EQUAL(at.port, 503);
	CU_ASSERT_EQUAL(at.unit, 255);
}

static void a_serial_address_has_line_and_parameters(void)
{
	struct modbus_address at;

	CU_ASSERT_PTR_NULL(modbus_address_parse(&at, "rtu:///dev/ttyUSB0"));
	CU_ASSERT_FALSE(at.tcp);
	CU_ASSERT_STRING_EQUAL(at.host, "/dev/ttyUSB0");
	CU_ASSERT_EQUAL(at.baud, 9600);
	CU_ASSERT_EQUAL(at.parity, 'N');
	CU_ASSERT_EQUAL(at.stop_bits, 1);
	CU_ASSERT_PTR_NULL(modbus_address_parse(
		&at, "rtu:///dev/ttyS1?baud=19200&parity=even&stop=2&unit=247"));
	CU_ASSERT_EQUAL(at.baud, 19200);
	CU_ASSERT_EQUAL(at.parity, 'E');
	CU_ASSERT_EQUAL(at.stop_bits, 2);
	CU_ASSERT_EQUAL(at.unit, 247);
}

static void what_does_not_hold_is_said(void)
{
	static const char *const bad[] = {
		"",
		"http://x",
		"tcp://",
		"tcp://:502",
		"tcp://host:0",
		"tcp://host:65536",
		"tcp://host:5x",
		"tcp://host/248",
		"tcp://host/-1",
		"tcp://host:502/",
		"tcp://[::1",
		"tcp://[::1]x",
		"rtu://",
		"rtu:///",
		"rtu://ttyUSB0",
		"rtu:///dev/ttyUSB0?",
		"rtu:///dev/ttyUSB0?baud",
		"rtu:///dev/ttyUSB0?baud=100",
		"rtu:///dev/ttyUSB0?parity=mark",
		"rtu:///dev/ttyUSB0?stop=3",
		"rtu:///dev/ttyUSB0?unit=0",
		"rtu:///dev/ttyUSB0?unit=248",
		"rtu:///dev/ttyUSB0?bits=7",
	};
	struct modbus_address at;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (!modbus_address_parse(&at, bad[i]))
			CU_FAIL(bad[i]);
}

static void one_wire_is_one_bus(void)
{
	struct modbus_address a, b;

	modbus_address_parse(&a, "tcp://10.0.0.1/1");
	modbus_address_parse(&b, "tcp://10.0.0.1:502/7");
	CU_ASSERT_TRUE(modbus_address_shares_bus(&a, &b));
	modbus_address_parse(&b, "tcp://10.0.0.1:503/1");
	CU_ASSERT_FALSE(modbus_address_shares_bus(&a, &b));
	modbus_address_parse(&a, "rtu:///dev/ttyUSB0?unit=1");
	modbus_address_parse(&b, "rtu:///dev/ttyUSB0?unit=2");
	CU_ASSERT_TRUE(modbus_address_shares_bus(&a, &b));
}

static void registers_become_numbers_and_text(void)
{
	const uint16_t one_and_a_half[] = {0x3fc0, 0}, text[] = {0x4142, 0x4320, 0x2000, 0x4444};
	const uint16_t wide[] = {1, 2, 3, 4}, minus_two[] = {0xffff, 0xfffe};
	char out[16], tight[3];

	CU_ASSERT_EQUAL(modbus_u32(wide), 0x10002u);
	CU_ASSERT_EQUAL(modbus_u64(wide), 0x0001000200030004u);
	CU_ASSERT_EQUAL(modbus_s16(0xffff), -1);
	CU_ASSERT_EQUAL(modbus_s32(minus_two), -2);
	CU_ASSERT_EQUAL(modbus_f32(one_and_a_half), 1.5);
	modbus_text(text, 4, out, sizeof out);
	CU_ASSERT_STRING_EQUAL(out, "ABC");
	modbus_text(text, 4, tight, sizeof tight);
	CU_ASSERT_STRING_EQUAL(tight, "AB");
}

int main(void)
{
	CU_pSuite suite;

	CU_initialize_registry();
	suite = CU_add_suite("modbus_address", NULL, NULL);
	CU_ADD_TEST(suite, a_tcp_address_has_host_port_and_unit);
	CU_ADD_TEST(suite, a_serial_address_has_line_and_parameters);
	CU_ADD_TEST(suite, what_does_not_hold_is_said);
	CU_ADD_TEST(suite, one_wire_is_one_bus);
	CU_ADD_TEST(suite, registers_become_numbers_and_text);
	CU_basic_run_tests();
	unsigned failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}
