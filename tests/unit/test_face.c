#include "core/face.h"
#include "hand_bank.h"

static const struct bank_face *face = &out.face;

static void look(void)
{
	memset(&out, 0, sizeof out);
	out.pcs_enable = true;
	out.bus_dis_max_a = 80.;
	out.bus_cha_max_a = 40.;
	out.bus_min_v = 330.;
	out.bus_max_v = 395.;
	face_step(&bank, &out);
}

/* Two of three packs on the bus, well and at rest. */
static void begin(void)
{
	hand_init(3);
	bank.now.bus_v = 374.4;
	bank.limits.soc = 0.7;
	bank.limits.soh = 0.8;
	bank.limits.set.known = bank.limits.set.consistent = true;
	for (unsigned k = 0; k < 2; k++) {
		bank.contactor[k].connected = true;
		bank.contactor[k].state = CONTACTOR_CLOSED;
		bank.now.pack[k].current_a = 10. + k;
	}
	bank.now.pack[0].cell_min_v = 3.8;
	bank.now.pack[1].cell_max_v = 4.0;
	bank.now.pack[1].temp_max_c = 31.;
	bank.now.pack[2].cell_min_v = 3.0; /* of the open pack: nobody's business */
	bank.now.pack[2].temp_max_c = 60.;
	bank.life[0].wh_dis = 1000.;
	bank.life[2].wh_dis = 2000.; /* energies are those of all */
	bank.life[1].wh_cha = 1200.;
	look();
}

static void activate(const struct rule *rule, struct rule_result *result, unsigned n,
		     enum reason reason)
{
	for (unsigned r = 0; r < n; r++)
		if (rule[r].reason == reason)
			result[r].active = true;
}

static void activate_pack(unsigned k, enum reason reason)
{
	activate(pack_rules, bank.protect.pack[k].rule, n_pack_rules, reason);
	protect_restored(&bank.protect.pack[k]);
}

static void connected_packs_are_one_battery(void)
{
	begin();
	CU_ASSERT(face->known && face->charge_ok && face->discharge_ok);
	CU_ASSERT_EQUAL(face->v, 374.4);
	CU_ASSERT_DOUBLE_EQUAL(face->a, 21., 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(face->capacity_ah, 104., 1e-9);
	CU_ASSERT(face->soc == 0.7 && face->soh == 0.8);
	CU_ASSERT(face->cell_min_v == 3.8 && face->cell_max_v == 4.0);
	CU_ASSERT(face->temp_min_c == 25. && face->temp_max_c == 31.);
	CU_ASSERT(face->cell_min_pack == 1 && face->cell_max_pack == 2);
	CU_ASSERT(face->temp_min_pack == 1 && face->temp_max_pack == 2);
	CU_ASSERT(face->pack_min_pack == 1 && face->pack_min_v == face->pack_max_v);
	CU_ASSERT(face->wh_dis == 3000. && face->wh_cha == 1200.);
	CU_ASSERT(face->packs_online == 2 && face->packs_offline == 1);
	CU_ASSERT(face->packs_no_charge == 0 && face->packs_no_discharge == 0);
	CU_ASSERT(face->alarms == 0 && face->warnings == 0);
}

static void inhibited_packs_are_counted_by_direction(void)
{
	begin();
	bank.protect.pack[0].permit.cha_a = 0.;
	bank.protect.pack[1].permit.cha_a = NAN;
	bank.protect.pack[1].permit.dis_a = 0.;
	bank.protect.pack[2].permit.dis_a = 0.;
	look();
	CU_ASSERT(face->packs_no_charge == 2 && face->packs_no_discharge == 1);
}

static void any_unknown_reading_of_a_connected_pack_hides_the_face(void)
{
	double *const spoil[] = {
		&bank.now.bus_v,
		&bank.now.pack[1].current_a,
		&bank.now.pack[1].cell_min_v,
		&bank.now.pack[1].cell_max_v,
		&bank.now.pack[1].temp_min_c,
		&bank.now.pack[1].temp_max_c,
		&bank.limits.soc,
		&bank.estimate[1].capacity_ah,
	};

	for (unsigned i = 0; i < sizeof spoil / sizeof spoil[0]; i++) {
		begin();
		*spoil[i] = NAN;
		look();
		CU_ASSERT_FALSE(face->known || face->charge_ok || face->discharge_ok);
		CU_ASSERT(isnan(face->v) && isnan(face->a) && isnan(face->soc));
		CU_ASSERT(isnan(face->cell_min_v) && isnan(face->temp_max_c));
		CU_ASSERT_EQUAL(face->packs_online, 2);
	}
	begin();
	bank.limits.set.known = false;
	look();
	CU_ASSERT_FALSE(face->known);
	begin();
	bank.now.pack[2].current_a = bank.now.pack[2].cell_min_v = NAN; /* open */
	look();
	CU_ASSERT_TRUE(face->known);
}

static void what_a_profile_does_not_have_is_no_unknown(void)
{
	begin();
	bank.site.pack[1].cells_required = bank.site.pack[1].temps_required = false;
	bank.now.pack[1].cell_min_v = bank.now.pack[1].cell_max_v = NAN;
	bank.now.pack[1].temp_min_c = bank.now.pack[1].temp_max_c = NAN;
	look();
	CU_ASSERT_TRUE(face->known);
	CU_ASSERT(face->cell_min_v == 3.8 && face->temp_max_c == 25.);
	bank.site.pack[0].cells_required = bank.site.pack[0].temps_required = false;
	bank.now.pack[0].cell_min_v = bank.now.pack[0].cell_max_v = NAN;
	look();
	CU_ASSERT(face->known && isnan(face->cell_min_v) && isnan(face->cell_max_v));
}

static void empty_bus_has_no_face(void)
{
	begin();
	bank.contactor[0].connected = bank.contactor[1].connected = false;
	look();
	CU_ASSERT_FALSE(face->known);
	CU_ASSERT(face->packs_online == 0 && face->packs_offline == 3 && isnan(face->a));
}

static void fallen_enable_takes_the_limits_back(void)
{
	begin();
	memset(&out, 0, sizeof out);
	out.bus_dis_max_a = out.bus_cha_max_a = out.bus_min_v = out.bus_max_v = 300.;
	face_step(&bank, &out);
	CU_ASSERT(out.bus_dis_max_a == 0. && out.bus_cha_max_a == 0.);
	CU_ASSERT(out.bus_min_v == 0. && out.bus_max_v == 0.);
	CU_ASSERT(face->known && !face->charge_ok && !face->discharge_ok);
}

static void faults_are_sunspec_bits_by_severity(void)
{
	begin();
	activate_pack(0, REASON_CELL_OVERVOLTAGE);
	activate_pack(1, REASON_CELL_HIGH);
	activate(bank_rules, bank.protect.rule, n_bank_rules, REASON_DOOR);
	look();
	CU_ASSERT_EQUAL(face->alarms, 1u << EVT1_OVER_VOLT_ALARM | 1u << EVT1_OPEN_DOOR);
	CU_ASSERT_EQUAL(face->warnings, 1u << EVT1_OVER_VOLT_WARNING);
}

static void faults_of_open_packs_and_converters_are_warnings(void)
{
	begin();
	activate_pack(2, REASON_CELL_OVERVOLTAGE);
	activate(pcs_rules, bank.protect.pcs[0].rule, n_pcs_rules, REASON_PCS_LOST);
	look();
	CU_ASSERT_EQUAL(face->alarms, 0);
	CU_ASSERT_EQUAL(face->warnings, 1u << EVT1_OVER_VOLT_ALARM | 1u << EVT1_COMMUNICATION);
	bank.now.bus_v = NAN;
	look();
	CU_ASSERT(!face->known && face->warnings != 0); /* told even then */
}

static void set_without_safe_power_is_an_alarm(void)
{
	begin();
	bank.limits.set.consistent = false;
	look();
	CU_ASSERT_EQUAL(face->alarms, 1u << EVT1_CURRENT_IMBALANCE);
}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(connected_packs_are_one_battery),
		TEST(inhibited_packs_are_counted_by_direction),
		TEST(any_unknown_reading_of_a_connected_pack_hides_the_face),
		TEST(what_a_profile_does_not_have_is_no_unknown),
		TEST(empty_bus_has_no_face),
		TEST(fallen_enable_takes_the_limits_back),
		TEST(faults_are_sunspec_bits_by_severity),
		TEST(faults_of_open_packs_and_converters_are_warnings),
		TEST(set_without_safe_power_is_an_alarm),
		CU_TEST_INFO_NULL,
	};

	return hand_run("face", tests);
}
