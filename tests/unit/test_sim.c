/* The words for faults and the control socket of the simulated driver. */
#include <CUnit/Basic.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "drivers/sim/control.h"
#include "drivers/sim/sim.h"
#include "tests/twin_site.h"

static void every_fault_has_a_word_of_its_own(void)
{
	enum twin_fault_kind kind;
	enum pole pole;
	enum input_id input;

	for (int i = TWIN_NONE + 1; i < TWIN_FAULT_COUNT; i++) {
		kind = TWIN_NONE;
		CU_ASSERT_TRUE(
			twin_fault_kind_parse(twin_fault_word((enum twin_fault_kind)i), &kind));
		CU_ASSERT_EQUAL((int)kind, i);
	}
	CU_ASSERT_FALSE(twin_fault_kind_parse("none", &kind));
	CU_ASSERT_FALSE(twin_fault_kind_parse("Weld", &kind));
	CU_ASSERT_FALSE(twin_fault_kind_parse("", &kind));
	CU_ASSERT_TRUE(twin_pole_parse("precharge", &pole) && pole == POLE_PRECHARGE);
	CU_ASSERT_FALSE(twin_pole_parse("neutral", &pole));
	CU_ASSERT_TRUE(twin_input_parse("mains", &input) && input == INPUT_MAINS);
	CU_ASSERT_FALSE(twin_input_parse("sprinkler", &input));
}

static void control_lines_are_understood_or_refused_with_the_remedy(void)
{
	static const struct {
		const char *line, *answer;
	} bad[] = {
		{"", "error: unknown fault \"\""},
		{"melt", "error: unknown fault \"melt\""},
		{"clear all", "error: unknown fault \"clear\""},
		{"weld pack=pack-0", "error: weld needs pole="},
		{"weld pack=pack-9 pole=positive", "error: pack=pack-9 is not known"},
		{"weld pole=middle", "error: pole=middle is not known"},
		{"weld pole", "error: \"pole\": write it as key=value"},
		{"weld colour=red pole=positive", "error: unknown key \"colour\""},
		{"hot pack=pack-0", "error: hot needs value=NUMBER"},
		{"hot pack=pack-0 value=nan", "error: value=nan"},
		{"hot pack=pack-0 value=12x", "error: value=12x"},
		{"hot value=1e999", "error: value=1e999"},
		{"input", "error: input needs input="},
		{"estop for=-1", "error: for=-1"},
		{"estop after=1e300", "error: after=1e300"},
		{"pcs_deaf pcs=pcs2", "error: pcs=pcs2"},
		{"broker_loss", "error: broker_loss cannot be injected"},
	};
	struct rig *rig = rig_new(2, CHEMISTRY_NMC);
	char answer[CONTROL_ANSWER_MAX], longer[CONTROL_LINE_MAX + 1];
	struct sim_control control;
	struct twin_fault fault;
	bool clear;

	CU_ASSERT_TRUE_FATAL(sim_control_open(&control, &rig->site, 1000, NULL));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_FALSE(
			sim_control_parse(&control, bad[i].line, 5000, &fault, &clear, answer));
		CU_ASSERT_EQUAL(strncmp(answer, bad[i].answer, strlen(bad[i].answer)), 0);
	}
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	CU_ASSERT_FALSE(sim_control_parse(&control, longer, 5000, &fault, &clear, answer));
	CU_ASSERT_TRUE(sim_control_parse(&control, "clear\n", 5000, &fault, &clear, answer) &&
		       clear);
	CU_ASSERT_TRUE_FATAL(sim_control_parse(&control,
					       "weld pack=pack-1 pole=positive after=2 for=0.5",
					       5000, &fault, &clear, answer));
	CU_ASSERT_FALSE(clear);
	CU_ASSERT_EQUAL(fault.kind, TWIN_WELD);
	CU_ASSERT_EQUAL(fault.pack, 1);
	CU_ASSERT_EQUAL(fault.pole, POLE_POSITIVE);
	CU_ASSERT_EQUAL(fault.at_ms, 6000);
	CU_ASSERT_EQUAL(fault.until_ms, 6500);
	free(rig);
}

static int client_open(const char *own, const char *server)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", own);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", server);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Says a line, lets the driver gather once, returns the answer. */
static const char *client_ask(int fd, struct driver *driver, struct bank_inputs *in,
			      const char *line, char *answer, size_t size)
{
	ssize_t n;

	CU_ASSERT_EQUAL(send(fd, line, strlen(line), 0), (ssize_t)strlen(line));
	in->now_ms += 100;
	driver->gather(driver->self, in);
	n = recv(fd, answer, size - 1, MSG_DONTWAIT);
	answer[n > 0 ? n : 0] = '\0';
	return answer;
}

static void the_control_socket_breaks_the_plant_and_answers(void)
{
	struct rig *rig = rig_new(2, CHEMISTRY_NMC);
	char dir[] = "/tmp/rebank-twin-XXXXXX", path[64], own[64], answer[CONTROL_ANSWER_MAX];
	struct driver driver, second;
	int fd;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sim", dir);
	snprintf(own, sizeof(own), "%s/client", dir);
	CU_ASSERT_TRUE_FATAL(sim_open(&driver, &rig->site, &rig->config, 1000, path));
	CU_ASSERT_TRUE(driver.urgent_fd >= 0);
	CU_ASSERT_FALSE(sim_open(&second, &rig->site, &rig->config, 1000, path));
	CU_ASSERT_EQUAL(errno, EADDRINUSE);
	fd = client_open(own, path);
	rig->in.now_ms = 1000;
	CU_ASSERT_STRING_EQUAL(client_ask(fd, &driver, &rig->in, "estop\n", answer, sizeof(answer)),
			       "ok\n");
	CU_ASSERT_EQUAL(rig->in.input[INPUT_ESTOP].level, LEVEL_TRIPPED);
	client_ask(fd, &driver, &rig->in, "nonsense", answer, sizeof(answer));
	CU_ASSERT_EQUAL(strncmp(answer, "error: ", 7), 0);
	CU_ASSERT_STRING_EQUAL(client_ask(fd, &driver, &rig->in, "clear", answer, sizeof(answer)),
			       "ok\n");
	CU_ASSERT_EQUAL(rig->in.input[INPUT_ESTOP].level, LEVEL_OK);
	driver.apply(driver.self, rig->in.now_ms, &rig->out);
	driver.close(driver.self);
	CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
	close(fd);
	unlink(own);
	rmdir(dir);
	free(rig);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
#define T(name) {#name, name}
		T(every_fault_has_a_word_of_its_own),
		T(control_lines_are_understood_or_refused_with_the_remedy),
		T(the_control_socket_breaks_the_plant_and_answers),
#undef T
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"sim", NULL, NULL, NULL, NULL, NULL}, CU_SUITE_INFO_NULL};
	unsigned failed;

	suites[0].pTests = (CU_TestInfo *)(uintptr_t)tests;
	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
