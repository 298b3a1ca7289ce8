#include <CUnit/Basic.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plant/bus_voltage.h"
#include "plant/can.h"

static struct config *config;
static struct bank_inputs in;

static int load(void)
{
	config = calloc(1, sizeof *config);
	return !config ||
	       config_load("tests/config/good/can.conf", "config/packs", config, stderr) != 0;
}

static int unload(void)
{
	config_free(config);
	free(config);
	return 0;
}

static void the_bus_has_the_voltage_and_the_age_of_the_pack_that_measures_it(void)
{
	struct driver driver;

	CU_ASSERT_TRUE_FATAL(plant_bus_voltage_needed(config));
	CU_ASSERT_TRUE_FATAL(plant_bus_voltage_open(&driver, config, 1000));
	in.pack[0].link_v = 372.0;
	in.pack[0].link_ms = 5000;
	driver.gather(driver.self, &in);
	CU_ASSERT_DOUBLE_EQUAL(in.bus.v, 372.0, 0.0);
	CU_ASSERT_EQUAL(in.bus.stamp_ms, 5000);
	in.pack[0].link_v = NAN; /* an invalid code is unknown, not the last value */
	in.pack[0].link_ms = 5010;
	driver.gather(driver.self, &in);
	CU_ASSERT_TRUE(isnan(in.bus.v));
	driver.close(driver.self);
}

static void only_the_named_pack_is_the_source(void)
{
	char kept[LINE_SIZE];

	memcpy(kept, config->sensor.bus_voltage, sizeof kept);
	CU_ASSERT_EQUAL(config_voltage_pack(config), 0);
	strcpy(config->sensor.bus_voltage, "pack:leaf-a");
	CU_ASSERT_EQUAL(config_voltage_pack(config), 1);
	strcpy(config->sensor.bus_voltage, "meter:dc");
	CU_ASSERT_FALSE(plant_bus_voltage_needed(config));
	memcpy(config->sensor.bus_voltage, kept, sizeof kept);
}

static void packs_on_interfaces_need_the_driver_and_others_do_not(void)
{
	CU_ASSERT_TRUE(plant_can_needed(config));
	CU_ASSERT_TRUE(driver_is_can("can0"));
	CU_ASSERT_TRUE(driver_is_can("vcan3"));
	CU_ASSERT_FALSE(driver_is_can("sim"));
	CU_ASSERT_FALSE(driver_is_can("tcp://192.0.2.20:502"));
}

/* Wherever this runs: without CAN, without the interfaces, without ISO-TP. */
static void a_machine_without_the_buses_still_starts_and_knows_nothing(void)
{
	struct driver driver;

	CU_ASSERT_TRUE_FATAL(plant_can_open(&driver, config, 1000));
	in.now_ms = 1000;
	driver.gather(driver.self, &in);
	for (unsigned k = 0; k < 2; k++) {
		CU_ASSERT_EQUAL(in.pack[k].electrical_ms, 0);
		CU_ASSERT_TRUE(isnan(in.pack[k].pack_v));
		CU_ASSERT_TRUE(in.pack[k].link == LINK_GONE || in.pack[k].link == LINK_OFF);
	}
	driver.close(driver.self);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(the_bus_has_the_voltage_and_the_age_of_the_pack_that_measures_it),
		TEST(only_the_named_pack_is_the_source),
		TEST(packs_on_interfaces_need_the_driver_and_others_do_not),
		TEST(a_machine_without_the_buses_still_starts_and_knows_nothing),
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"plant can", load, unload, NULL, NULL, tests},
				 CU_SUITE_INFO_NULL};
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
