/* The commissioning record: what it is bound to, and what ends it. */
#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/commission.h"

static struct config config;
static struct commission commission;
static char directory[] = "/tmp/rebank-commission-XXXXXX";
static char path[512];

static void site(void)
{
	memset(&config, 0, sizeof config);
	snprintf(config.site.id, sizeof config.site.id, "north");
	snprintf(config.state_dir, sizeof config.state_dir, "%s", directory);
	snprintf(config.digest, sizeof config.digest, "%064d", 7);
	config.site.real_contactors = true;
	config.site.n_packs = 2;
	for (unsigned k = 0; k < 2; k++) {
		snprintf(config.site.pack[k].id, ID_SIZE, "leaf-%u", k);
		config.site.pack[k].model.chemistry = CHEMISTRY_LMO;
		snprintf(config.pack[k].passport.serial, TEXT_SIZE, "S%u", k);
	}
	commission_path(&config, path, sizeof path);
}

static bool holds(void)
{
	commission_load(&config, false, &commission);
	return commission.holds;
}

static void without_a_record_real_contactors_are_not_commissioned(void)
{
	site();
	CU_ASSERT_FALSE(holds());
	CU_ASSERT(commission.needed && strstr(commission.text, "never commissioned"));
	config.site.real_contactors = false;
	CU_ASSERT(holds() && !commission.needed);
}

static void a_record_holds_for_what_it_was_made_for(void)
{
	site();
	CU_ASSERT_EQUAL(commission_write(&config, 1790000000000), 0);
	CU_ASSERT_TRUE(holds());
	CU_ASSERT_PTR_NOT_NULL(strstr(commission.text, "commissioned on 2026-09-21"));
}

static void a_changed_configuration_serial_or_chemistry_ends_it_with_its_reason(void)
{
	site();
	commission_write(&config, 1790000000000);
	config.digest[63] = '8';
	CU_ASSERT_FALSE(holds());
	CU_ASSERT_PTR_NOT_NULL(strstr(commission.text, "configuration changed"));
	site();
	snprintf(config.pack[1].passport.serial, TEXT_SIZE, "S9");
	CU_ASSERT_FALSE(holds());
	CU_ASSERT_PTR_NOT_NULL(strstr(commission.text, "leaf-1"));
	site();
	config.site.pack[0].model.chemistry = CHEMISTRY_LFP;
	CU_ASSERT_FALSE(holds());
	CU_ASSERT_PTR_NOT_NULL(strstr(commission.text, "leaf-0"));
	site();
	config.site.n_packs = 1;
	CU_ASSERT_FALSE(holds());
	site();
	CU_ASSERT_TRUE(holds());
}

static void what_was_ended_does_not_come_back_when_the_change_is_undone(void)
{
	site();
	commission_write(&config, 1790000000000);
	config.digest[63] = '8';
	commission_load(&config, true, &commission);
	CU_ASSERT_FALSE(commission.holds);
	site();
	CU_ASSERT_FALSE(holds());
	CU_ASSERT_PTR_NOT_NULL(strstr(commission.text, "never"));
}

static void a_torn_or_foreign_record_is_none(void)
{
	FILE *file;

	site();
	commission_write(&config, 1790000000000);
	CU_ASSERT_EQUAL(truncate(path, 40), 0);
	CU_ASSERT_FALSE(holds());
	CU_ASSERT_PTR_NOT_NULL(strstr(commission.text, "cannot be read"));
	file = fopen(path, "w");
	fputs("{\"version\": 1, \"bank\": \"south\"}", file);
	fclose(file);
	CU_ASSERT_FALSE(holds());
	CU_ASSERT_PTR_NOT_NULL(strstr(commission.text, "not a record of this bank"));
	unlink(path);
	CU_ASSERT_EQUAL(mkdir(path, 0755), 0);
	CU_ASSERT_FALSE(holds());
	rmdir(path);
}

int main(void)
{
	CU_TestInfo tests[] = {
#define T(name) {#name, name}
		T(without_a_record_real_contactors_are_not_commissioned),
		T(a_record_holds_for_what_it_was_made_for),
		T(a_changed_configuration_serial_or_chemistry_ends_it_with_its_reason),
		T(what_was_ended_does_not_come_back_when_the_change_is_undone),
		T(a_torn_or_foreign_record_is_none),
#undef T
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"commission", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	char old[sizeof path + 8];
	unsigned failures;

	if (!mkdtemp(directory) || CU_initialize_registry() != CUE_SUCCESS ||
	    CU_register_suites(suites) != CUE_SUCCESS)
		return 1;
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	unlink(path);
	snprintf(old, sizeof old, "%s.old", path);
	unlink(old);
	rmdir(directory);
	return failures != 0;
}
