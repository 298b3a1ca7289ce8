#include "northbound/sunspec_image.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/*
 * Kinds of points after ID and L, each with how often it repeats: u uint16, i int16, e enum16,
 * b bitfield16, U uint32, I int32, B bitfield32, L uint64, s scale factor, p pad; S string with its
 * registers.
 */
struct model {
	uint16_t id;
	const char *kinds;
};

static const struct model common = {1, "S16S16S8S8S16up"};
static const struct model measurement = {701, "e4B2i5u2UL4i11u2L4i5u2L4i5u2L4uBs10S32"};
static const struct model capacity = {702, "u19e2Bbu18bs7"};
static const struct model controls = {704, "e2U2e2U2eu2eU2e2I2i2eU2e3I2i2eU2ueues6ueueueue"};
static const struct model storage = {713, "u4es2"};
static const struct model control = {715, "eU2ue"};
static const struct model battery = {802, "u12Ue2u3e3UB4u10iu2ieie2s12"};
static const struct model bank = {803, "u2iu2iu2iu5iuiuius6"};
static const struct model string = {804, "u2Beu3Uuiu6iuiuipB5e2s7p3"};
static const char bank_string[] = "uBeu2iu5iuiuieB5e2p2";
static const char string_module[] = "u8iuiuip3";

static const double wide[] = {1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};

/* ---- layout -------------------------------------------------------------------------------- */

static unsigned width_of(char kind)
{
	return kind == 'U' || kind == 'I' || kind == 'B' ? 2 : kind == 'L' ? 4 : 1;
}

/* What a point that is not implemented reads. */
static void clear_point(struct sunspec_image *image, unsigned at, char kind)
{
	uint16_t first = kind == 'i' || kind == 's' || kind == 'I' || kind == 'p' ? 0x8000 : 0xffff;

	for (unsigned i = 0; i < width_of(kind); i++)
		image->value[at + i] = kind == 'S' ? 0 : kind == 'I' && i > 0 ? 0 : first;
}

static void add_point(struct sunspec_image *image, char kind)
{
	image->kind[image->n] = kind;
	clear_point(image, image->n, kind);
	image->n += width_of(kind);
}

static void add_points(struct sunspec_image *image, const char *kinds)
{
	while (*kinds) {
		char kind = *kinds++;
		unsigned n = 0;

		while (isdigit((unsigned char)*kinds))
			n = 10 * n + (unsigned)(*kinds++ - '0');
		for (unsigned i = 0; i == 0 || i < n; i++)
			add_point(image, kind);
	}
}

/* Returns where it begins; its length is set by model_end. */
static unsigned model_begin(struct sunspec_image *image, const struct model *model)
{
	unsigned at = image->n;

	add_points(image, "uu");
	image->value[at] = model->id;
	add_points(image, model->kinds);
	return at;
}

static void model_end(struct sunspec_image *image, unsigned at)
{
	image->value[at + 1] = (uint16_t)(image->n - at - 2);
}

static unsigned model_add(struct sunspec_image *image, const struct model *model)
{
	unsigned at = model_begin(image, model);

	model_end(image, at);
	return at;
}

static void lay_out(struct sunspec_image *image)
{
	add_points(image, "uu");
	image->value[0] = 0x5375; /* "SunS" */
	image->value[1] = 0x6e53;
	image->common = model_add(image, &common);
	image->measurement = model_add(image, &measurement);
	image->capacity = model_add(image, &capacity);
	image->controls = model_add(image, &controls);
	image->storage = model_add(image, &storage);
	image->control = model_add(image, &control);
	image->battery = model_add(image, &battery);
	image->bank = model_begin(image, &bank);
	for (unsigned k = 0; k < image->n_packs; k++)
		add_points(image, bank_string);
	model_end(image, image->bank);
	for (unsigned k = 0; k < image->n_packs; k++) {
		image->string[k] = model_begin(image, &string);
		add_points(image, string_module);
		model_end(image, image->string[k]);
	}
	add_points(image, "uu");
	image->value[image->n - 2] = 0xffff;
	image->value[image->n - 1] = 0;
}

/* ---- numbers ------------------------------------------------------------------------------- */

static double scaled(double value, int sf)
{
	return sf >= 0 ? value / wide[sf] : value * wide[-sf];
}

static void put_word(struct sunspec_image *image, unsigned at, uint32_t word)
{
	image->value[at] = (uint16_t)(word >> 16);
	image->value[at + 1] = (uint16_t)(word & 0xffff);
}

static bool fits(double raw, double lo, double hi)
{
	return lo <= raw && raw <= hi;
}

void sunspec_put(struct sunspec_image *image, unsigned at, double value, int sf)
{
	double raw = floor(scaled(value, sf) + 0.5);

	clear_point(image, at, image->kind[at]);
	switch (image->kind[at]) {
	case 'u':
	case 'e':
	case 'b':
		if (fits(raw, 0, 0xfffe))
			image->value[at] = (uint16_t)raw;
		break;
	case 'i':
	case 's':
		if (fits(raw, -0x7fff, 0x7fff))
			image->value[at] = (uint16_t)(int16_t)raw;
		break;
	case 'U':
	case 'B':
		if (fits(raw, 0, 0xfffffffe))
			put_word(image, at, (uint32_t)raw);
		break;
	case 'I':
		if (fits(raw, -0x7fffffff, 0x7fffffff))
			put_word(image, at, (uint32_t)(int32_t)raw);
		break;
	case 'L':
		if (!fits(raw, 0, 9e15))
			break;
		put_word(image, at, (uint32_t)((uint64_t)raw >> 32));
		put_word(image, at + 2, (uint32_t)((uint64_t)raw & 0xffffffff));
		break;
	default:
		break;
	}
}

void sunspec_put_bits(struct sunspec_image *image, unsigned at, uint32_t bits)
{
	put_word(image, at, bits & 0x7fffffff);
}

void sunspec_put_text(struct sunspec_image *image, unsigned at, unsigned registers,
		      const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < registers; i++) {
		unsigned high = 2 * i < length ? (unsigned char)text[2 * i] : 0;
		unsigned low = 2 * i + 1 < length ? (unsigned char)text[2 * i + 1] : 0;

		image->value[at + i] = (uint16_t)(high << 8 | low);
	}
}

/* ---- what never changes -------------------------------------------------------------------- */

/* Finest scale, not finer than `finest`, at which `most` fits into `room`. */
static int scale_for(double most, double room, int finest)
{
	int sf = finest;

	while (sf < 6 && scaled(most, sf) > room)
		sf++;
	return sf;
}

static void choose_scales(struct sunspec_image *image, const struct site *site)
{
	double a = 0.0, ah = 0.0, wh = 0.0;

	for (unsigned k = 0; k < site->n_packs; k++) {
		const struct pack_site *pack = &site->pack[k];
		double v = 0.5 * (pack->limit.pack_min_v + pack->limit.pack_max_v);

		a += pack->limit.fuse_a;
		ah += pack->model.nominal_ah;
		wh += pack->model.nominal_ah * v;
	}
	/* Twice the rating: a measurement may exceed it. */
	image->scale.w = scale_for(2.0 * site->grid.p_max_w, 32000.0, 0);
	image->scale.wh = scale_for(wh, 65000.0, 0);
	image->scale.ah = scale_for(ah, 65000.0, -1);
	image->scale.v = -1;
	image->scale.a = scale_for(a, 32000.0, -1);
	image->scale.cell_v = -3;
	image->scale.percent = -1;
	image->scale.temperature = -1;
}

static void fill_common(struct sunspec_image *image, const struct config *config)
{
	unsigned at = image->common;

	sunspec_put_text(image, at + 2, 16, "Rebank");
	sunspec_put_text(image, at + 18, 16, "Battery bank");
	sunspec_put_text(image, at + 42, 8, REBANK_VERSION);
	sunspec_put_text(image, at + 50, 16, config->site.id);
	sunspec_put(image, at + 66, config->sunspec.unit, 0);
}

static void fill_scales(struct sunspec_image *image)
{
	const struct sunspec_scale *scale = &image->scale;
	const struct {
		unsigned at;
		int sf;
	} factors[] = {
		{image->measurement + 116, scale->w},
		{image->measurement + 120, 0},
		{image->capacity + 45, scale->w},
		{image->capacity + 49, scale->v},
		{image->controls + 55, 0},
		{image->controls + 56, scale->percent},
		{image->storage + 7, scale->wh},
		{image->storage + 8, scale->percent},
		{image->battery + 52, scale->ah},
		{image->battery + 53, scale->wh},
		{image->battery + 54, scale->w},
		{image->battery + 56, scale->percent},
		{image->battery + 58, scale->percent},
		{image->battery + 59, scale->v},
		{image->battery + 60, scale->cell_v},
		{image->battery + 61, scale->a},
		{image->battery + 62, scale->a},
		{image->battery + 63, scale->w},
		{image->bank + 22, scale->cell_v},
		{image->bank + 23, scale->temperature},
		{image->bank + 24, scale->a},
		{image->bank + 25, scale->percent},
		{image->bank + 26, scale->percent},
		{image->bank + 27, scale->v},
	};

	for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++)
		sunspec_put(image, factors[i].at, factors[i].sf, 0);
	for (unsigned k = 0; k < image->n_packs; k++) {
		unsigned at = image->string[k];

		sunspec_put(image, at + 38, scale->percent, 0);
		sunspec_put(image, at + 39, scale->percent, 0);
		sunspec_put(image, at + 41, scale->a, 0);
		sunspec_put(image, at + 42, scale->v, 0);
		sunspec_put(image, at + 43, scale->cell_v, 0);
		sunspec_put(image, at + 44, scale->temperature, 0);
	}
}

void sunspec_image_init(struct sunspec_image *image, const struct config *config)
{
	memset(image, 0, sizeof *image);
	image->n_packs = config->site.n_packs;
	choose_scales(image, &config->site);
	lay_out(image);
	fill_common(image, config);
	fill_scales(image);
}
