# Rebank. `make demo` and `make test` install what is missing; `make` only builds.
#   make [SAN=address,undefined] [WERROR=1] [CC=clang]

VERSION   := 0.1.0
prefix    ?= /usr/local
sysconfdir ?= /etc
BUILD     ?= build$(if $(SAN),-$(subst $(comma),-,$(SAN)))
comma     := ,
CC        ?= gcc
WARN      := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	     -Wundef -Wformat=2 -Wswitch-enum -Wcast-qual $(if $(WERROR),-Werror)
HARDEN    := $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
OPT       ?= -O2 -g
CFLAGS    := -std=c11 -ffp-contract=off $(OPT) $(WARN) $(HARDEN) $(if $(SAN),-fsanitize=$(SAN) \
	     -fno-sanitize-recover=all -fno-omit-frame-pointer) $(EXTRA)
CPPFLAGS  := -Idaemon -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DREBANK_VERSION='"$(VERSION)"' \
	     -DREBANK_DATADIR='"$(prefix)/share/rebank"'
LDFLAGS   := -pie -Wl,-z,relro,-z,now,--as-needed $(if $(SAN),-fsanitize=$(SAN)) $(EXTRA)
LDLIBS    := -lgpiod -lmodbus -lmosquitto -ljansson -lconfig -lsystemd -lsqlite3 -lm -pthread

# -ffast-math would make NaN, our "unknown", undefined.
ifneq ($(findstring fast-math,$(CFLAGS) $(CPPFLAGS))$(findstring Ofast,$(CFLAGS)),)
$(error -ffast-math breaks NaN as unknown)
endif

# libgpiod 2 where it is installed, else libgpiod 1: two files behind drivers/gpio/gpio.h.
GPIOD     := $(if $(shell pkg-config --atleast-version=2 libgpiod 2>/dev/null && echo yes),v2,v1)

CORE      := $(sort $(wildcard daemon/core/*.c))
LIBSRC    := $(CORE) $(sort $(filter-out drivers/gpio/gpiod_%.c,$(wildcard drivers/*/*.c))) \
	     drivers/gpio/gpiod_$(GPIOD).c $(sort $(wildcard daemon/config/*.c daemon/plant/*.c \
	     daemon/northbound/*.c daemon/store/*.c)) $(filter-out daemon/main.c,$(sort $(wildcard daemon/*.c))) \
	     $(filter-out daemon/ctl/main.c,$(sort $(wildcard daemon/ctl/*.c)))
LIBOBJ    := $(LIBSRC:%.c=$(BUILD)/%.o)
PROGRAMS  := $(BUILD)/rebankd $(BUILD)/rebankctl
TESTSRC   := $(sort $(wildcard tests/unit/*.c tests/property/*.c))
TESTS     := $(TESTSRC:%.c=$(BUILD)/%)
BENCHES   := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/bench/*.c)))
FUZZ_SECONDS ?= 60

.PHONY: all demo test test-vm test-debian13 test-arm bench install clean need build-tests cover fuzz layers
all: $(PROGRAMS)

$(BUILD)/librebank.a: $(LIBOBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/rebankd: $(BUILD)/daemon/main.o $(BUILD)/librebank.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/rebankctl: $(BUILD)/daemon/ctl/main.o $(BUILD)/librebank.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# A recording names the build that made it: a digest of all that decides or rounds.
$(BUILD)/daemon/store/build.o: $(CORE) $(wildcard daemon/core/*.h)
$(BUILD)/daemon/store/build.o: CPPFLAGS += -DREBANK_BUILD='"$(shell (cat $(CORE) daemon/core/*.h; \
	echo '$(CFLAGS)'; $(CC) --version) | sha256sum | cut -c1-16)"'

$(BUILD)/tests/bench/bench_ack: LDLIBS := -lmosquitto -pthread
$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/librebank.a
	$(CC) $(LDFLAGS) -o $@ $^ -lcunit $(LDLIBS)

# Plays contactors in the guest, and what the guest itself can do; no part of Rebank.
$(BUILD)/tests/vm/plant $(BUILD)/tests/vm/bare: $(BUILD)/%: %.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(OPT) $(WARN) -o $@ $<

# Plays vehicle packs on CAN buses there; no part of Rebank either.
$(BUILD)/tests/vm/packs: $(wildcard tests/vm/packs/*.[ch])
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(OPT) $(WARN) -o $@ $(filter %.c,$^) -lm

build-tests: $(TESTS) $(BUILD)/tests/system/northbound_peer $(BUILD)/tests/system/can_bms_encode $(BUILD)/tests/system/modbus_pack_peer \
	$(BUILD)/tests/vm/plant $(BUILD)/tests/vm/bare $(BUILD)/tests/vm/packs \
	$(BUILD)/tests/system/pcs_peer

# ---- install what is missing, run, test ----

BUILD_PACKAGES := gcc make libc6-dev pkg-config libmosquitto-dev libjansson-dev libconfig-dev \
		  libsystemd-dev libsqlite3-dev libmodbus-dev libgpiod-dev
DEMO_PACKAGES  := mosquitto mosquitto-clients iproute2
TEST_PACKAGES  := libcunit1-dev mosquitto mosquitto-clients python3 python3-can python3-jsonschema binutils git \
		  iproute2 procps systemd python3-pymodbus python3-serial-asyncio

VM_PACKAGES    := can-utils cpio e2fsprogs iproute2 mosquitto mosquitto-clients python3 qemu-system-x86 systemd

need:
	@tests/need $(BUILD_PACKAGES)

demo:
	@tests/need $(BUILD_PACKAGES) $(DEMO_PACKAGES)
	@$(MAKE) --no-print-directory -s all
	@tests/demo $(BUILD)

test:
	@tests/need $(BUILD_PACKAGES) $(TEST_PACKAGES)
	@$(MAKE) --no-print-directory -s all build-tests
	@tests/run $(BUILD)

# The installed daemon on a kernel with GPIO lines, in a guest. CASE: some of tests/vm/cases only.
test-vm: need
	@tests/need $(VM_PACKAGES)
	@DEBIAN13_PACKAGES="$(BUILD_PACKAGES) can-utils iproute2 mosquitto mosquitto-clients python3 systemd" \
		tests/vm/run $(BUILD) $(CASE)

# Tests with peers in Python, with the modules of Debian 13. TEST: some of them only.
test-debian13: need
	@DEBIAN13_PACKAGES="$(BUILD_PACKAGES) $(TEST_PACKAGES)" tests/debian13 $(TEST)

# Built for the boards' processors, with the libraries of Debian 13; unit and property tests on an emulated one.
# ARCH: one of armhf, arm64.
test-arm: need
	@ARM_LIBRARIES="libcunit1-dev $(filter-out libc6-dev,$(filter lib%-dev,$(BUILD_PACKAGES)))" tests/arm $(ARCH)

bench: need
	@tests/need $(TEST_PACKAGES)
	@$(MAKE) --no-print-directory -s all $(BENCHES)
	@tests/bench/run $(BUILD)

layers: $(CORE:%.c=$(BUILD)/%.o) $(LIBOBJ)
	@tests/layers $(BUILD)

cover:
	@tests/need $(TEST_PACKAGES) gcovr
	@tests/cover

fuzz:
	@tests/need $(BUILD_PACKAGES) clang libclang-rt-dev
	@tests/fuzz/run $(FUZZ_SECONDS)

install: all
	install -d $(DESTDIR)$(prefix)/bin $(DESTDIR)$(prefix)/share/rebank/packs/parts \
		$(DESTDIR)$(prefix)/share/rebank/pcs $(DESTDIR)$(prefix)/lib/systemd/system \
		$(DESTDIR)$(sysconfdir)/rebank
	install -m 755 $(PROGRAMS) $(DESTDIR)$(prefix)/bin
	install -m 644 config/packs/*.conf $(DESTDIR)$(prefix)/share/rebank/packs
	install -m 644 config/packs/parts/*.inc $(DESTDIR)$(prefix)/share/rebank/packs/parts
	install -m 644 config/pcs/*.conf $(DESTDIR)$(prefix)/share/rebank/pcs
	install -m 644 config/site-example.conf $(DESTDIR)$(sysconfdir)/rebank
	sed 's|@bindir@|$(prefix)/bin|g; s|@sysconfdir@|$(sysconfdir)|g' systemd/rebankd.service > \
		$(DESTDIR)$(prefix)/lib/systemd/system/rebankd.service
	install -d $(DESTDIR)$(prefix)/lib/sysusers.d $(DESTDIR)$(prefix)/lib/udev/rules.d
	install -m 644 systemd/rebank.sysusers $(DESTDIR)$(prefix)/lib/sysusers.d/rebank.conf
	install -m 644 systemd/rebank.rules $(DESTDIR)$(prefix)/lib/udev/rules.d/60-rebank.rules
	$(if $(DESTDIR),,systemd-sysusers $(prefix)/lib/sysusers.d/rebank.conf)

clean:
	rm -rf build build-* .demo

# Whatever was compiled knows its headers.
-include $(shell find $(BUILD) -path $(BUILD)/vm -prune -o -type f -name '*.d' -print 2>/dev/null)
