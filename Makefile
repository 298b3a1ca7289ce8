# Rebank. `make demo` and `make test` install what is missing; `make` only builds.
#   make [SAN=address,undefined] [WERROR=1] [CC=clang]

VERSION   := 0.1.0
BUILD     ?= build$(if $(SAN),-$(subst $(comma),-,$(SAN)))
comma     := ,
CC        ?= gcc
WARN      := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	     -Wundef -Wformat=2 -Wswitch-enum -Wcast-qual $(if $(WERROR),-Werror)
HARDEN    := $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
OPT       ?= -O2 -g
CFLAGS    := -std=c11 -ffp-contract=off $(OPT) $(WARN) $(HARDEN) $(if $(SAN),-fsanitize=$(SAN) \
	     -fno-sanitize-recover=all -fno-omit-frame-pointer) $(EXTRA)
CPPFLAGS  := -Idaemon -I. -D_GNU_SOURCE -DREBANK_VERSION='"$(VERSION)"'
LDFLAGS   := -pie -Wl,-z,relro,-z,now,--as-needed $(if $(SAN),-fsanitize=$(SAN)) $(EXTRA)
LDLIBS    := -lmosquitto -ljansson -lconfig -lsystemd -lsqlite3 -lm -pthread
prefix    ?= /usr/local
sysconfdir ?= /etc

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

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/librebank.a
	$(CC) $(LDFLAGS) -o $@ $^ -lcunit $(LDLIBS)

build-tests: $(TESTS)

clean:
	rm -rf build build-* .demo

-include $(LIBOBJ:.o=.d) $(TESTSRC:%.c=$(BUILD)/%.d) $(BUILD)/daemon/main.d $(BUILD)/daemon/ctl/main.d
