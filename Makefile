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
CPPFLAGS  := -Idaemon -I. -D_GNU_SOURCE -DREBANK_VERSION='"$(VERSION)"' \
	     -DREBANK_DATADIR='"$(prefix)/share/rebank"'
LDFLAGS   := -pie -Wl,-z,relro,-z,now,--as-needed $(if $(SAN),-fsanitize=$(SAN)) $(EXTRA)
LDLIBS    := -lmosquitto -ljansson -lconfig -lsystemd -lsqlite3 -lm -pthread

# -ffast-math would make NaN, our "unknown", undefined.
ifneq ($(findstring fast-math,$(CFLAGS) $(CPPFLAGS))$(findstring Ofast,$(CFLAGS)),)
$(error -ffast-math breaks NaN as unknown)
endif

CORE      := $(sort $(wildcard daemon/core/*.c))
LIBSRC    := $(CORE) $(sort $(wildcard drivers/*/*.c daemon/config/*.c daemon/northbound/*.c \
	     daemon/store/*.c)) $(filter-out daemon/main.c,$(sort $(wildcard daemon/*.c))) \
	     $(filter-out daemon/ctl/main.c,$(sort $(wildcard daemon/ctl/*.c)))
LIBOBJ    := $(LIBSRC:%.c=$(BUILD)/%.o)
PROGRAMS  := $(BUILD)/rebankd $(BUILD)/rebankctl
TESTSRC   := $(sort $(wildcard tests/unit/*.c tests/property/*.c))
TESTS     := $(TESTSRC:%.c=$(BUILD)/%)
BENCHES   := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/bench/*.c)))
FUZZ_SECONDS ?= 60

.PHONY: all demo test bench install clean need build-tests cover fuzz layers
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

build-tests: $(TESTS) $(BUILD)/tests/system/northbound_peer

# ---- install what is missing, run, test ----

BUILD_PACKAGES := gcc make libc6-dev pkg-config libmosquitto-dev libjansson-dev libconfig-dev \
		  libsystemd-dev libsqlite3-dev
DEMO_PACKAGES  := mosquitto mosquitto-clients iproute2
TEST_PACKAGES  := libcunit1-dev mosquitto mosquitto-clients python3 python3-jsonschema binutils git \
		  iproute2 procps

need:
	@tests/need $(BUILD_PACKAGES)

demo: need
	@tests/need $(DEMO_PACKAGES)
	@$(MAKE) --no-print-directory -s all
	@tests/demo $(BUILD)

test: need
	@tests/need $(TEST_PACKAGES)
	@$(MAKE) --no-print-directory -s all build-tests
	@tests/run $(BUILD)

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
	install -d $(DESTDIR)$(prefix)/bin $(DESTDIR)$(prefix)/share/rebank/packs \
		$(DESTDIR)$(prefix)/lib/systemd/system $(DESTDIR)$(sysconfdir)/rebank
	install -m 755 $(PROGRAMS) $(DESTDIR)$(prefix)/bin
	install -m 644 config/packs/*.conf $(DESTDIR)$(prefix)/share/rebank/packs
	install -m 644 config/site-example.conf $(DESTDIR)$(sysconfdir)/rebank
	sed 's|@bindir@|$(prefix)/bin|g' systemd/rebankd.service > \
		$(DESTDIR)$(prefix)/lib/systemd/system/rebankd.service

clean:
	rm -rf build build-* .demo

-include $(LIBOBJ:.o=.d) $(TESTSRC:%.c=$(BUILD)/%.d) $(BENCHES:=.d) $(BUILD)/daemon/main.d \
	$(BUILD)/daemon/ctl/main.d
