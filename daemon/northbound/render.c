#include "northbound/render.h"

#include <math.h>

#include "northbound/sentence.h"

json_t *render_number(double value, int decimals)
{
	double scale = pow(10.0, decimals);
	double rounded = round(value * scale) / scale;

	return isfinite(rounded) ? json_real(rounded + 0.0) : json_null(); /* + 0.0: no -0 */
}

char *render_text(const json_t *document)
{
	return json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(15));
}

static json_t *number_or_null(int64_t value, bool known)
{
	return known ? json_integer(value) : json_null();
}

json_t *render_status(const struct status_view *view)
{
	return json_pack("{si sb ss sI sI sb ss ss}", "v", 1, "online", view->online, "boot",
			 view->boot, "conn", (json_int_t)view->conn, "ts",
			 (json_int_t)view->ts_utc_ms, "clock_synced", view->clock_synced, "sw",
			 REBANK_VERSION, "reason", view->reason);
}

static const char *chemistry_name(enum chemistry chemistry)
{
	switch (chemistry) {
	case CHEMISTRY_LMO:
		return "lmo";
	case CHEMISTRY_NMC_SDI:
		return "nmc-sdi";
	case CHEMISTRY_NMC:
		return "nmc";
	case CHEMISTRY_NCA:
		return "nca";
	case CHEMISTRY_LFP:
		return "lfp";
	case CHEMISTRY_UNKNOWN:
	case CHEMISTRY_COUNT:
		break;
	}
	return "unknown";
}

/* Poles whose state is reported: of the others neither open nor closed can be proven by feedback. */
static json_t *info_feedback(const struct pack_contactors *contactors)
{
	static const char *const poles[POLE_COUNT] = {"negative", "positive", "precharge"};
	json_t *list = json_array();

	for (int pole = 0; pole < POLE_COUNT; pole++)
		if (contactors->feedback[pole])
			json_array_append_new(list, json_string(poles[pole]));
	return list;
}

static json_t *info_packs(const struct site *site)
{
	json_t *packs = json_array();

	for (unsigned i = 0; i < site->n_packs; i++) {
		const struct pack_site *pack = &site->pack[i];

		json_array_append_new(
			packs,
			json_pack("{ss ss ss si so so so so sb sb so}", "id", pack->id, "profile",
				  pack->profile, "chemistry", chemistry_name(pack->model.chemistry),
				  "cells_series", (int)pack->model.cells_series, "nominal_ah",
				  render_number(pack->model.nominal_ah, 2), "capacity_ah",
				  render_number(pack->model.capacity_ah, 2), "dis_max_a",
				  render_number(pack->limit.dis_max_a, 1), "cha_max_a",
				  render_number(pack->limit.cha_max_a, 1), "shared_pole",
				  pack->contactors.shared_pole, "by_frames",
				  pack->contactors.by_frames, "feedback",
				  info_feedback(&pack->contactors)));
	}
	return packs;
}

static json_t *info_sources(const struct config *config)
{
	const struct site *site = &config->site;
	json_t *sources = json_array();

	for (unsigned i = 0; i < site->n_sources; i++) {
		const struct source_site *source = &site->source[i];

		json_array_append_new(
			sources, json_pack("{ss si so so so so sb sb}", "id", source->id,
					   "priority", (int)source->priority, "valid_max_s",
					   render_number(source->valid_max_s, 3), "stale_s",
					   render_number(source->stale_s, 3), "future_s",
					   render_number(source->future_s, 3), "rate_per_s",
					   config->mqtt.rate_per_s[i] > 0.0
						   ? render_number(config->mqtt.rate_per_s[i], 3)
						   : json_null(),
					   "may_setpoint", source->may_setpoint, "may_command",
					   source->may_command));
	}
	return sources;
}

static double longest_valid_s(const struct site *site)
{
	double longest = 0.0;

	for (unsigned i = 1; i < site->n_sources; i++)
		if (site->source[i].valid_max_s > longest)
			longest = site->source[i].valid_max_s;
	return longest;
}

json_t *render_info(const struct config *config, const struct bank_report *report)
{
	const struct site *site = &config->site;

	return json_pack("{si sI ss ss ss so so so so ss sb so so s[sssss] s[sssssss] s{ss si ss}}",
			 "v", 1, "ts", (json_int_t)report->utc_ms, "bank", site->id, "sign",
			 "discharge_positive", "point", site->grid.measured_at_ac ? "ac" : "dc",
			 "p_rated_w", render_number(site->grid.p_max_w, 0), "export_max_w",
			 render_number(site->grid.export_max_w, 0), "import_max_w",
			 render_number(site->grid.import_max_w, 0), "valid_max_s",
			 render_number(longest_valid_s(site), 3), "clock", "system",
			 "mixed_chemistry", site->mixed_chemistry, "packs", info_packs(site),
			 "sources", info_sources(config), "services", "setpoint", "afrr", "mfrr",
			 "peak", "test", "features", "clamp", "reject", "ramp", "start", "dry_run",
			 "on_expiry", "response_topic", "versions", "sw", REBANK_VERSION,
			 "protocol", 1, "config", config->digest);
}

json_t *render_event(const struct event *event, const struct site *site, int64_t utc_offset_ms)
{
	const struct reason_text *text = reason_text(event->reason);
	bool has_pack = event->pack >= 0 && (unsigned)event->pack < site->n_packs;
	bool has_pcs = event->pcs >= 0 && (unsigned)event->pcs < site->n_pcs;
	char sentence[256];

	event_sentence(event, site, sentence, sizeof sentence);
	return json_pack("{si sI so ss ss ss ss? ss? so so so ss ss}", "v", 1, "ts",
			 (json_int_t)(event->at_ms + utc_offset_ms), "seq",
			 number_or_null(event->seq, event->seq > 0), "code", text->word, "kind",
			 event_kind_word(event->kind), "severity", severity_word(text->severity),
			 "pack", has_pack ? site->pack[event->pack].id : NULL, "pcs",
			 has_pcs ? site->pcs[event->pcs].id : NULL, "evt1",
			 number_or_null(text->evt1, text->evt1 != EVT1_NONE), "value",
			 render_number(event->value, 4), "threshold",
			 render_number(event->threshold, 4), "unit", text->unit, "text", sentence);
}

/* IEEE 2030.5 response numbers. */
static int ack_code(enum ack_status status)
{
	switch (status) {
	case ACK_ACCEPTED:
	case ACK_LIMITED:
		return 1;
	case ACK_STARTED:
		return 2;
	case ACK_COMPLETED:
		return 3;
	case ACK_CANCELLED:
		return 6;
	case ACK_SUPERSEDED:
		return 7;
	case ACK_EXPIRED:
		return 254;
	case ACK_NONE:
	case ACK_REJECTED:
		break;
	}
	return 253;
}

json_t *render_ack(const struct ack *ack, const struct ack_view *view)
{
	const struct reason_text *text = reason_text(ack->reason);
	const char *detail = view->detail && *view->detail ? view->detail
			     : ack->reason != REASON_OK    ? text->sentence
							   : "";

	return json_pack(
		"{si ss so ss ss sI so ss si ss so so so ss}", "v", 1, "id", ack->id, "seq",
		number_or_null(ack->seq, ack->seq >= 0), "src", view->source, "boot", view->boot,
		"ts", (json_int_t)view->ts_utc_ms, "t_rx",
		number_or_null(ack->received_ms + view->utc_offset_ms, ack->received_ms > 0),
		"status", ack_status_word(ack->status), "code", ack_code(ack->status), "reason",
		text->word, "p_req_w", render_number(ack->p_req_w, 1), "p_set_w",
		render_number(ack->p_set_w, 1), "expires",
		number_or_null(ack->expires_ms + view->utc_offset_ms, ack->expires_ms > 0),
		"detail", detail);
}
