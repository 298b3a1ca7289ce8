/*
 * The closed vocabulary: every limit, refusal, join, leave and trip carries one of these, and MQTT,
 * CLI, log and ledger all print it from this one table (reason.c).
 */
#ifndef REBANK_CORE_REASON_H
#define REBANK_CORE_REASON_H

#include <stdint.h>
#include <stddef.h>

enum severity {
	SEVERITY_INFO = 0, /* normal operation */
	SEVERITY_WARNING,  /* look at it */
	SEVERITY_DERATE,   /* power is reduced */
	SEVERITY_TRIP,     /* something opened */
	SEVERITY_ALARM,    /* people must act: alarm relay */
};

/* SunSpec model 802 Evt1 bits; EVT1_NONE where none fits. */
enum evt1 {
	EVT1_COMMUNICATION = 0,
	EVT1_OVER_TEMP_ALARM,
	EVT1_OVER_TEMP_WARNING,
	EVT1_UNDER_TEMP_ALARM,
	EVT1_UNDER_TEMP_WARNING,
	EVT1_OVER_CHARGE_CURRENT_ALARM,
	EVT1_OVER_CHARGE_CURRENT_WARNING,
	EVT1_OVER_DISCHARGE_CURRENT_ALARM,
	EVT1_OVER_DISCHARGE_CURRENT_WARNING,
	EVT1_OVER_VOLT_ALARM,
	EVT1_OVER_VOLT_WARNING,
	EVT1_UNDER_VOLT_ALARM,
	EVT1_UNDER_VOLT_WARNING,
	EVT1_UNDER_SOC_ALARM,
	EVT1_UNDER_SOC_WARNING,
	EVT1_OVER_SOC_ALARM,
	EVT1_OVER_SOC_WARNING,
	EVT1_VOLTAGE_IMBALANCE,
	EVT1_TEMPERATURE_IMBALANCE_ALARM,
	EVT1_TEMPERATURE_IMBALANCE_WARNING,
	EVT1_CONTACTOR,
	EVT1_FAN,
	EVT1_GROUND_FAULT,
	EVT1_OPEN_DOOR,
	EVT1_CURRENT_IMBALANCE,
	EVT1_OTHER_ALARM,
	EVT1_OTHER_WARNING,
	EVT1_CONFIGURATION_ALARM = 28,
	EVT1_CONFIGURATION_WARNING,
	EVT1_NONE = 255,
};

/*
 * REASON(name, word, severity, evt1, sentence, unit)
 * `word` is what MQTT, JSON and the CLI show; `sentence` is what people read; `unit` is that of the
 * event's value and threshold ("" for none). Order is free: codes never leave the process by number.
 */
#define REASON_TABLE(REASON)                                                                       \
	/* acks and normal operation */                                                            \
	REASON(OK, "ok", INFO, NONE, "all is well", "")                                            \
	REASON(CLAMPED_DISCHARGE, "clamped_discharge_limit", INFO, NONE,                           \
	       "setpoint reduced to the discharge limit", "W")                                     \
	REASON(CLAMPED_CHARGE, "clamped_charge_limit", INFO, NONE,                                 \
	       "setpoint reduced to the charge limit", "W")                                        \
	REASON(CLAMPED_RAMP, "clamped_ramp", INFO, NONE, "requested ramp is outside the bounds",   \
	       "W/s")                                                                              \
	REASON(MALFORMED, "malformed", WARNING, NONE, "message is not valid JSON", "")             \
	REASON(SCHEMA, "schema", WARNING, NONE, "message does not follow the schema", "")          \
	REASON(VERSION, "version", WARNING, NONE, "protocol version is not supported", "")         \
	REASON(STALE_BOOT, "stale_boot", WARNING, NONE, "command was meant for an earlier start",  \
	       "")                                                                                 \
	REASON(UNKNOWN_SOURCE, "unknown_source", WARNING, NONE, "source is not configured", "")    \
	REASON(RETAINED, "retained", WARNING, NONE, "retained command ignored", "")                \
	REASON(DUPLICATE, "duplicate", INFO, NONE, "command was received before", "")              \
	REASON(REPLAY, "replay", WARNING, NONE, "sequence number was used before", "")             \
	REASON(STALE, "stale", WARNING, NONE, "command is too old", "s")                           \
	REASON(FUTURE, "future", WARNING, NONE, "command is dated in the future", "s")             \
	REASON(CLOCK_UNSYNCED, "clock_unsynced", WARNING, NONE,                                    \
	       "clock of the bank is not synchronised", "")                                        \
	REASON(VALID_TOO_LONG, "valid_too_long", INFO, NONE,                                       \
	       "lifetime is longer than this source may ask for", "s")                             \
	REASON(OUT_OF_RANGE, "out_of_range", WARNING, NONE, "value is out of range", "W")          \
	REASON(NOT_FINITE, "not_finite", WARNING, NONE, "number is not finite", "")                \
	REASON(LOWER_PRIORITY, "lower_priority", INFO, NONE,                                       \
	       "a source with higher priority is in command", "")                                  \
	REASON(LOCAL_LOCK, "local_lock", INFO, NONE, "locked by the local operator", "")           \
	REASON(FAULT, "fault", TRIP, OTHER_ALARM, "bank has tripped", "")                          \
	REASON(NOT_READY, "not_ready", INFO, NONE, "bank is not ready", "")                        \
	REASON(SOC_LOW, "soc_low", DERATE, UNDER_SOC_WARNING, "energy is used up", "")             \
	REASON(SOC_HIGH, "soc_high", DERATE, OVER_SOC_WARNING, "bank is full", "")                 \
	REASON(TEMPERATURE, "temperature", DERATE, OVER_TEMP_WARNING,                              \
	       "power reduced by temperature", "C")                                                \
	REASON(DISABLED, "disabled", INFO, NONE, "disabled by command", "")                        \
	REASON(RATE_LIMITED, "rate_limited", WARNING, NONE, "too many commands", "")               \
	REASON(SHUTTING_DOWN, "shutting_down", INFO, NONE, "bank is stopping", "")                 \
	REASON(INTERNAL, "internal", ALARM, OTHER_ALARM, "internal error: guard intervened", "")   \
	/* life of the bank */                                                                     \
	REASON(STARTED, "started", INFO, NONE, "controller started", "")                           \
	REASON(STATE, "state", INFO, NONE, "bank state changed", "")                               \
	REASON(JOINED, "joined", INFO, NONE, "pack joined the bus", "A")                           \
	REASON(LEFT, "left", INFO, NONE, "pack left the bus", "A")                                 \
	REASON(REGROUP, "regroup", INFO, NONE,                                                     \
	       "bank opens to start again with other packs", "W")                                    \
	REASON(EXPIRED, "expired", INFO, NONE, "setpoint expired", "W")                            \
	REASON(NO_SETPOINT, "no_setpoint", INFO, NONE, "no source wants power", "")                \
	REASON(STOP_COMMAND, "stop_command", INFO, NONE, "stopped by the local operator", "")      \
	REASON(START_WAIT, "start_wait", INFO, NONE, "waiting for the start command", "")          \
	REASON(TRACKING, "tracking", WARNING, OTHER_WARNING,                                       \
	       "measured power does not follow the target", "W")                                   \
	REASON(LOADING, "set_changed", INFO, NONE, "power rises slowly after a change of set", "W")\
	REASON(SITE_CAP, "site_limit", DERATE, NONE, "limited by the site's grid connection", "W") \
	REASON(METER_LOST, "meter_lost", DERATE, COMMUNICATION, "grid meter is silent", "s")       \
	REASON(PCS_LIMIT, "pcs_limit", DERATE, NONE, "limited by the converter", "W")              \
	REASON(PACK_LIMIT, "pack_limit", DERATE, NONE, "limited by the current of a pack", "A")    \
	REASON(BROKER_LOST, "broker_lost", WARNING, COMMUNICATION, "no connection to the broker",  \
	       "")                                                                                 \
	REASON(UNCOMMISSIONED, "uncommissioned", WARNING, CONFIGURATION_ALARM,                     \
	       "site is not commissioned: contactors stay open", "")                               \
	REASON(OUTPUTS_PERSIST, "outputs_persist", ALARM, CONFIGURATION_ALARM,                     \
	       "kernel keeps outputs driven when the controller dies", "")                         \
	REASON(FOUND_DRIVEN, "found_driven", WARNING, CONTACTOR,                                   \
	       "coils were found driven at start and let go", "")                                  \
	REASON(LATE_TICK, "late_tick", ALARM, OTHER_ALARM, "control loop is late", "ms")           \
	REASON(CLOCK_JUMP, "clock_jump", WARNING, OTHER_WARNING, "wall clock stepped", "s")        \
	/* pack readings */                                                                        \
	REASON(PACK_SILENT, "pack_silent", TRIP, COMMUNICATION, "pack readings are stale", "s")    \
	REASON(CELLS_STALE, "cells_stale", TRIP, COMMUNICATION, "cell voltages are stale", "s")    \
	REASON(TEMPS_STALE, "temps_stale", TRIP, COMMUNICATION, "temperatures are stale", "s")     \
	REASON(BMS_STALE, "bms_stale", TRIP, COMMUNICATION, "BMS status is stale", "s")            \
	REASON(COUNTER_FROZEN, "counter_frozen", TRIP, COMMUNICATION,                              \
	       "message counter stands still", "s")                                                \
	REASON(VALUE_FROZEN, "value_frozen", TRIP, COMMUNICATION,                                  \
	       "readings do not move while current flows", "s")                                    \
	REASON(VALUE_JUMP, "value_jump", WARNING, OTHER_WARNING, "reading jumped implausibly", "V")\
	REASON(BAD_FRAMES, "bad_frames", WARNING, COMMUNICATION,                                   \
	       "frames are broken, repeated or not of this pack", "1/10s")                         \
	REASON(LINK_DOWN, "link_down", TRIP, COMMUNICATION, "bus to the pack is off", "")          \
	REASON(LINK_TX_FULL, "link_tx_full", TRIP, COMMUNICATION,                                  \
	       "keep-alive frames cannot be sent", "")                                             \
	REASON(LINK_FOREIGN, "link_foreign", ALARM, COMMUNICATION,                                 \
	       "another node sends our frames", "")                                                \
	REASON(BMS_FAULT, "bms_fault", TRIP, OTHER_ALARM, "pack BMS reports a fault", "")          \
	REASON(BMS_OPEN, "bms_open", TRIP, CONTACTOR, "pack asks to open", "")                     \
	REASON(BMS_NO_CHARGE, "bms_no_charge", DERATE, NONE, "pack BMS forbids charging", "")      \
	REASON(BMS_NO_DISCHARGE, "bms_no_discharge", DERATE, NONE, "pack BMS forbids discharging", \
	       "")                                                                                 \
	REASON(BMS_LIMIT, "bms_limit", DERATE, NONE, "limited by the pack BMS", "A")               \
	REASON(PACK_SWAPPED, "pack_swapped", ALARM, CONFIGURATION_ALARM,                           \
	       "serial number differs from the commissioned pack", "")                             \
	/* cells and temperature */                                                                \
	REASON(CELL_HIGH, "cell_high", DERATE, OVER_VOLT_WARNING,                                  \
	       "cell voltage at its ceiling: no charging", "V")                                    \
	REASON(CELL_LOW, "cell_low", DERATE, UNDER_VOLT_WARNING,                                   \
	       "cell voltage at its floor: no discharging", "V")                                   \
	REASON(CELL_HARD_HIGH, "cell_hard_high", TRIP, OVER_VOLT_ALARM,                            \
	       "cell voltage above its hard limit", "V")                                           \
	REASON(CELL_HARD_LOW, "cell_hard_low", TRIP, UNDER_VOLT_ALARM,                             \
	       "cell voltage below its hard limit", "V")                                           \
	REASON(CELL_OVERVOLTAGE, "cell_overvoltage", TRIP, OVER_VOLT_ALARM, "cell over-voltage",   \
	       "V")                                                                                \
	REASON(CELL_UNDERVOLTAGE, "cell_undervoltage", TRIP, UNDER_VOLT_ALARM,                     \
	       "cell under-voltage", "V")                                                          \
	REASON(PACK_HIGH, "pack_high", DERATE, OVER_VOLT_WARNING,                                  \
	       "pack voltage at its ceiling: no charging", "V")                                    \
	REASON(PACK_LOW, "pack_low", DERATE, UNDER_VOLT_WARNING,                                   \
	       "pack voltage at its floor: no discharging", "V")                                   \
	REASON(CELL_SUM, "cell_sum", WARNING, VOLTAGE_IMBALANCE,                                   \
	       "pack voltage differs from the sum of cells", "V")                                  \
	REASON(CELL_SUM_TRIP, "cell_sum_trip", TRIP, VOLTAGE_IMBALANCE,                            \
	       "pack voltage differs grossly from the sum of cells", "V")                          \
	REASON(CELL_SPREAD, "cell_spread", WARNING, VOLTAGE_IMBALANCE, "cells drift apart", "V")   \
	REASON(CELL_SPREAD_DERATE, "cell_spread_derate", DERATE, VOLTAGE_IMBALANCE,                \
	       "cells drift apart: current halved", "V")                                           \
	REASON(CELL_SPREAD_TRIP, "cell_spread_trip", TRIP, VOLTAGE_IMBALANCE,                      \
	       "cells are too far apart", "V")                                                     \
	REASON(TEMP_WARN, "temp_warn", WARNING, OVER_TEMP_WARNING, "pack is warm", "C")            \
	REASON(TEMP_HIGH, "temp_high", TRIP, OVER_TEMP_ALARM, "pack is hot: it leaves the bus",    \
	       "C")                                                                                \
	REASON(OVER_TEMPERATURE, "over_temperature", ALARM, OVER_TEMP_ALARM, "over-temperature",   \
	       "C")                                                                                \
	REASON(TEMP_CHARGE_LOW, "temp_charge_low", DERATE, UNDER_TEMP_WARNING,                     \
	       "too cold to charge", "C")                                                          \
	REASON(TEMP_CHARGE_HIGH, "temp_charge_high", DERATE, OVER_TEMP_WARNING,                    \
	       "too hot to charge", "C")                                                           \
	REASON(TEMP_DISCHARGE_LOW, "temp_discharge_low", DERATE, UNDER_TEMP_WARNING,               \
	       "too cold to discharge", "C")                                                       \
	REASON(TEMP_SPREAD, "temp_spread", WARNING, TEMPERATURE_IMBALANCE_WARNING,                 \
	       "temperature sensors differ", "K")                                                  \
	REASON(THERMAL_RUNAWAY, "thermal_runaway", ALARM, OVER_TEMP_ALARM,                         \
	       "temperature rises too fast", "K/s")                                                \
	REASON(TEMPS_FEW, "temps_few", WARNING, OTHER_WARNING,                                     \
	       "temperature sensors are missing: current halved", "")                              \
	REASON(SOC_IMPLAUSIBLE, "soc_implausible", DERATE, OTHER_WARNING,                          \
	       "voltage near maximum at a low state of charge", "")                                \
	REASON(SOC_DIFFERS, "soc_differs", WARNING, OTHER_WARNING,                                 \
	       "the BMS's state of charge differs from the measured one", "")                      \
	/* current */                                                                              \
	REASON(OVERCURRENT_CHARGE, "overcurrent_charge", DERATE, OVER_CHARGE_CURRENT_WARNING,      \
	       "charge current above the limit", "A")                                              \
	REASON(OVERCURRENT_DISCHARGE, "overcurrent_discharge", DERATE,                             \
	       OVER_DISCHARGE_CURRENT_WARNING, "discharge current above the limit", "A")           \
	REASON(OVERCURRENT_TRIP, "overcurrent_trip", TRIP, OVER_DISCHARGE_CURRENT_ALARM,           \
	       "current far above the limit", "A")                                                 \
	REASON(FUSE_CURRENT, "fuse_current", ALARM, OVER_DISCHARGE_CURRENT_ALARM,                  \
	       "current above the fuse rating", "A")                                               \
	REASON(CIRCULATION, "circulation", TRIP, CURRENT_IMBALANCE,                                \
	       "current circulates between packs", "A")                                            \
	REASON(SHARE, "share", TRIP, CURRENT_IMBALANCE,                                            \
	       "pack carries far more than its share", "A")                                        \
	REASON(OPEN_CURRENT, "open_current", ALARM, CONTACTOR, "current flows in an open pack",    \
	       "A")                                                                                \
	REASON(CURRENT_SUM, "current_sum", WARNING, CURRENT_IMBALANCE,                             \
	       "sum of pack currents differs from the converter", "A")                             \
	REASON(CURRENT_SUM_TRIP, "current_sum_trip", TRIP, CURRENT_IMBALANCE,                      \
	       "sum of pack currents stays different from the converter", "A")                     \
	/* contactors */                                                                           \
	REASON(NO_CLOSE, "contactor_no_close", TRIP, CONTACTOR, "contactor did not close", "ms")   \
	REASON(WELDED, "contactor_welded", ALARM, CONTACTOR, "contactor did not open", "ms")       \
	REASON(PRECHARGE_WELDED, "precharge_welded", ALARM, CONTACTOR,                             \
	       "bus rises before precharge: precharge contactor or pole welded", "V")              \
	REASON(FEEDBACK_LOST, "feedback_lost", TRIP, CONTACTOR,                                    \
	       "contactor feedback lost while closed", "A")                                        \
	REASON(FEEDBACK_LIES, "feedback_lies", ALARM, CONTACTOR,                                   \
	       "contactor feedback says open but current flows", "A")                              \
	REASON(FEEDBACK_UNKNOWN, "feedback_unknown", ALARM, CONTACTOR,                             \
	       "contactor feedback cannot be read", "s")                                           \
	REASON(CHATTER, "contactor_chatter", TRIP, CONTACTOR, "contactor feedback chatters",       \
	       "1/min")                                                                            \
	REASON(PRECHARGE_TIMEOUT, "precharge_timeout", TRIP, CONTACTOR,                            \
	       "precharge did not finish in time", "V")                                            \
	REASON(PRECHARGE_SHORT, "precharge_short", ALARM, CONTACTOR,                               \
	       "bus does not rise: short circuit", "V")                                            \
	REASON(PRECHARGE_SLOW, "precharge_slow", TRIP, CONTACTOR, "bus rises too slowly", "V")     \
	REASON(PRECHARGE_HOT, "precharge_hot", WARNING, CONTACTOR,                                 \
	       "precharge resistor must cool down", "J")                                           \
	REASON(PRECHARGE_LOCKED, "precharge_locked", ALARM, CONTACTOR,                             \
	       "precharge failed too often", "")                                                   \
	REASON(BUS_LIVE, "bus_live", ALARM, CONTACTOR,                                             \
	       "bus is energised though nothing is connected", "V")                                \
	REASON(LINK_MISMATCH, "link_mismatch", TRIP, CONTACTOR,                                    \
	       "pack voltage differs from the bus while closed", "V")                              \
	REASON(OPEN_UNPROVEN, "open_unproven", WARNING, CONTACTOR,                                 \
	       "open cannot be proven: not isolated", "")                                          \
	REASON(CLOSED_UNASKED, "closed_unasked", ALARM, CONTACTOR,                                 \
	       "pack reports closed contactors that nobody commanded", "")                         \
	REASON(WEAR_WARN, "wear_warn", WARNING, CONTACTOR,                                         \
	       "contactor has used most of its life", "")                                          \
	REASON(WEAR_INHIBIT, "wear_inhibit", WARNING, CONTACTOR,                                   \
	       "contactor life is used up: it closes no more", "")                       \
	REASON(SUPPLY_LOW, "supply_low", WARNING, OTHER_WARNING,                                   \
	       "coil supply is low: nothing closes", "V")                                          \
	REASON(SUPPLY_OPEN, "supply_open", TRIP, OTHER_ALARM,                                      \
	       "coil supply is failing: bank opens in order", "V")                                 \
	REASON(AUX_LOW, "aux_low", WARNING, OTHER_WARNING, "pack BMS supply is low", "V")          \
	REASON(READBACK, "readback_differs", ALARM, CONTACTOR,                                     \
	       "coil line does not follow its output", "ms")                                       \
	REASON(GPIO_GONE, "gpio_gone", ALARM, CONTACTOR, "output chip is gone", "")                \
	/* why a pack does not join */                                                             \
	REASON(JOIN_WAIT, "waiting_for_bus", INFO, NONE,                                           \
	       "waiting until the bus passes the pack's voltage", "V")                             \
	REASON(JOIN_VOLTAGE, "join_voltage", WARNING, NONE,                                        \
	       "open-terminal voltage and estimate disagree", "V")                                 \
	REASON(JOIN_UNSAFE, "join_unsafe", INFO, NONE,                                             \
	       "the set after joining would not be idle-safe", "W")                                \
	REASON(DWELL, "dwell", INFO, NONE, "a minimum time or pause runs", "s")                    \
	REASON(OPS_CAP, "operations_cap", INFO, NONE, "switching budget is used up", "")           \
	REASON(OWN_FLOOR, "own_floor", INFO, UNDER_SOC_WARNING, "pack is at its own floor", "")    \
	REASON(OWN_CEILING, "own_ceiling", INFO, OVER_SOC_WARNING, "pack is at its own ceiling",   \
	       "")                                                                                 \
	REASON(UNPROVEN, "unproven", INFO, NONE, "readings are not proven alive", "")              \
	REASON(NO_BUS_SOURCE, "no_bus_voltage", TRIP, COMMUNICATION,                               \
	       "bus voltage is unknown", "s")                                                      \
	REASON(INCONSISTENT, "inconsistent_set", TRIP, CURRENT_IMBALANCE,                          \
	       "no power is safe for this set of packs", "V")                                      \
	REASON(UNKNOWN_LIMIT, "unknown_limit", TRIP, COMMUNICATION,                                \
	       "a connected pack's source or limits are unknown", "")                              \
	REASON(QUARANTINED, "quarantined", ALARM, OTHER_ALARM, "pack is quarantined", "")          \
	/* bank */                                                                                 \
	REASON(ESTOP, "estop", ALARM, OTHER_ALARM, "emergency stop", "")                           \
	REASON(INTERLOCK, "interlock", ALARM, OTHER_ALARM, "interlock loop is open", "")           \
	REASON(SMOKE, "smoke", ALARM, OTHER_ALARM, "smoke or fire alarm", "")                      \
	REASON(GAS, "gas", ALARM, OTHER_ALARM, "gas alarm", "")                                    \
	REASON(DOOR, "door", TRIP, OPEN_DOOR, "door is open", "")                                  \
	REASON(FAN, "fan", DERATE, FAN, "fan does not turn", "")                                   \
	REASON(MAINS, "mains_lost", TRIP, OTHER_WARNING, "mains is lost", "")                      \
	REASON(INSULATION_WARN, "insulation_warn", WARNING, GROUND_FAULT, "insulation is low",     \
	       "ohm")                                                                              \
	REASON(INSULATION, "insulation", ALARM, GROUND_FAULT, "insulation fault", "ohm")           \
	REASON(IMD_FAULT, "imd_fault", WARNING, GROUND_FAULT, "insulation monitor is not working", \
	       "")                                                                                 \
	REASON(BUS_OVERVOLTAGE, "bus_overvoltage", ALARM, OVER_VOLT_ALARM,                         \
	       "bus voltage is above its limit", "V")                                              \
	REASON(BUS_UNDERVOLTAGE, "bus_undervoltage", TRIP, UNDER_VOLT_ALARM,                       \
	       "bus voltage is below its limit", "V")                                              \
	REASON(BUS_REVERSED, "bus_reversed", ALARM, OTHER_ALARM, "bus voltage is reversed", "V")   \
	REASON(PCS_LOST, "pcs_lost", TRIP, COMMUNICATION, "converter is silent", "s")              \
	REASON(PCS_FAULT, "pcs_fault", TRIP, OTHER_ALARM, "converter reports a fault", "")         \
	REASON(PCS_UNBOUNDED, "pcs_unbounded", TRIP, COMMUNICATION,                                \
	       "a silent converter could overload the bank: all are off", "W")                     \
	REASON(PCS_WINDOW, "pcs_window", TRIP, OTHER_WARNING,                                      \
	       "bus voltage is outside the converter's window", "V")                               \
	REASON(PCS_NO_STOP, "pcs_no_stop", TRIP, CONFIGURATION_ALARM,                              \
	       "no proven dead-man and no enable line: converter stays off", "")                   \
	REASON(PCS_IDLE, "pcs_idle", WARNING, OTHER_WARNING, "converter does not start", "s")      \
	REASON(PCS_EXCESS, "pcs_excess", TRIP, OTHER_ALARM,                                        \
	       "converter gives more power than asked", "W")                                       \
	/* proof tests */                                                                          \
	REASON(ESTOP_TEST_DUE, "estop_test_due", WARNING, OTHER_WARNING,                           \
	       "emergency stop: test it soon", "d")                                                \
	REASON(ESTOP_TEST_OVERDUE, "estop_test_overdue", DERATE, CONFIGURATION_WARNING,            \
	       "emergency stop: test is overdue, nothing closes", "d")                             \
	REASON(ESTOP_TEST_DONE, "estop_test_done", INFO, NONE, "emergency stop: seen working",     \
	       "d")                                                                                \
	REASON(HEARTBEAT_TEST_DUE, "heartbeat_test_due", WARNING, OTHER_WARNING,                   \
	       "heartbeat relay: test it soon", "d")                                               \
	REASON(HEARTBEAT_TEST_OVERDUE, "heartbeat_test_overdue", DERATE, CONFIGURATION_WARNING,    \
	       "heartbeat relay: test is overdue, nothing closes", "d")                            \
	REASON(HEARTBEAT_TEST_DONE, "heartbeat_test_done", INFO, NONE,                             \
	       "heartbeat relay: seen working", "d")                                               \
	REASON(DEAD_MAN_TEST_DUE, "dead_man_test_due", WARNING, OTHER_WARNING,                     \
	       "dead-man of a converter: test it soon", "d")                                       \
	REASON(DEAD_MAN_TEST_OVERDUE, "dead_man_test_overdue", DERATE, CONFIGURATION_WARNING,      \
	       "dead-man of a converter: test is overdue, nothing closes", "d")                    \
	REASON(DEAD_MAN_TEST_DONE, "dead_man_test_done", INFO, NONE,                               \
	       "dead-man of the converters: seen working", "d")                                    \
	REASON(INSULATION_TEST_DUE, "insulation_test_due", WARNING, OTHER_WARNING,                 \
	       "insulation monitor: test it soon", "d")                                            \
	REASON(INSULATION_TEST_OVERDUE, "insulation_test_overdue", DERATE, CONFIGURATION_WARNING,  \
	       "insulation monitor: test is overdue, nothing closes", "d")                         \
	REASON(INSULATION_TEST_DONE, "insulation_test_done", INFO, NONE,                           \
	       "insulation monitor: seen working", "d")                                            \
	REASON(WELD_TEST_DUE, "weld_test_due", WARNING, OTHER_WARNING,                             \
	       "contactors: an opening must be proven soon", "d")                                  \
	REASON(WELD_TEST_OVERDUE, "weld_test_overdue", DERATE, CONFIGURATION_WARNING,              \
	       "contactors: no opening was proven for too long, pack does not close", "d")         \
	REASON(WELD_TEST_DONE, "weld_test_done", INFO, NONE, "contactors: seen open", "d")         \
	REASON(PCS_SIGN, "pcs_sign", ALARM, OTHER_ALARM, "converter power has the wrong sign",     \
	       "W")                                                                                \
	REASON(PCS_RUNAWAY, "pcs_runaway", ALARM, OTHER_ALARM,                                     \
	       "converter keeps pushing power: bank opens", "W")

#define REASON_ENUM(name, word, severity, evt1, sentence, unit) REASON_##name,
enum reason { REASON_TABLE(REASON_ENUM) REASON_COUNT };
#undef REASON_ENUM

struct reason_text {
	const char *word;
	enum severity severity;
	enum evt1 evt1;
	const char *sentence;
	const char *unit;
};

/* The row of `reason`; an unknown code gives the row of REASON_INTERNAL. Never NULL. */
const struct reason_text *reason_text(enum reason reason);

#endif
