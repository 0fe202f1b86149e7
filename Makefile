# SPDX-License-Identifier: Apache-2.0
# The folders are the build description: every main.c becomes a program, every
# other source joins libsocmod.a (or, for the peers, libpeer.a), every
# tests/unit/test_*.c a Criterion program, every tests/fuzz/fuzz_*.c a fuzzer,
# every tests/bench/bench_*.c a benchmark. A new file needs no edit here.
#
# make [all] demo check asan coverage fuzz bench screenshots lint deb converge format install clean
# V=1 shows commands

VARIANT ?= release
B       := build/$(VARIANT)
Q       := $(if $(V),,@)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
prefix  ?= /usr/local
CFLAGS  ?= -O2 -g
WERROR  ?= -Werror
FUZZ_SECONDS ?= 60

PKG_CONFIG ?= pkg-config
PACKAGES := inih jansson libmicrohttpd libmodbus libpq libssl libcrypto zlib
INCLUDES := -D_GNU_SOURCE -I. -Icommon $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
LIBS     := $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null) -lpaho-mqtt3as -lpthread -lm
LINK     := -Wl,--as-needed -Wl,-z,relro,-z,now
WARN     := -Wall -Wextra -Wpedantic -Wcast-qual -Wconversion -Wformat=2 -Wmissing-prototypes \
            -Wnull-dereference -Wshadow -Wstrict-prototypes -Wundef -Wvla -Wwrite-strings

release_FLAGS  := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE
release_LINK   := -pie
asan_FLAGS     := -fsanitize=address,undefined -fno-sanitize-recover=all
coverage_FLAGS := -O0 --coverage
# clang, unlike gcc, finds fault with a designated initializer that leaves fields out.
fuzz_FLAGS     := -Wno-missing-field-initializers -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
ifeq ($(VARIANT),fuzz)
CC := clang
endif
COMPILE = $(CC) -std=c17 $(INCLUDES) $(WARN) $(WERROR) $(CPPFLAGS) $(CFLAGS) $($(VARIANT)_FLAGS)

MAINS     := $(wildcard services/*/main.c gateway/main.c)
PEERS     := $(wildcard tests/peer/*/main.c)
SOURCES   := $(filter-out $(MAINS),$(wildcard common/*/*.c services/*/*.c gateway/*.c))
PEER_SRC  := $(filter-out $(PEERS),$(wildcard tests/peer/*.c tests/peer/*/*.c))
PROGRAMS  := $(foreach main,$(MAINS),$(B)/socmod-$(notdir $(main:/main.c=))) \
             $(foreach main,$(PEERS),$(B)/peer-$(notdir $(main:/main.c=)))
TESTS     := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c))
FUZZERS   := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCHES   := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/bench_*.c))
UNITS     := $(wildcard deploy/*.service deploy/*.timer)
MANUALS   := $(wildcard services/*/*.8 gateway/*.8 tests/peer/*/*.8)
OURS      := $(wildcard common/*/*.[ch] services/*/*.[ch] gateway/*.[ch] tests/*/*.[ch] tests/peer/*/*.[ch])
STRICT    := common/io/durable_file.c common/wire/p1_reader.c common/wire/p1_telegram.c common/wire/seal.c \
             $(addprefix gateway/,$(addsuffix .c,backlog journal meter_clock pilot seal_gate setpoint state trust))
SCRIPTS   := $(wildcard tests/*.sh tests/system/[0-9]*-* tests/system/*.sh deploy/demo/*.sh tests/bench/*.sh tests/page/*.sh deploy/*.sh ansible/test/*.sh) .ci/run

.PHONY: all deps demo check asan coverage strict-coverage fuzz run-fuzzers bench screenshots lint deb converge format install clean tests
.SECONDARY:
all: $(PROGRAMS)
tests: $(TESTS) $(BENCHES)

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D) && echo '  CC    $<'
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<
$(B)/%/main.o: INCLUDES += -DVERSION='"$(VERSION)"'
# The migrations travel inside socmod-admin, as octets: no C string literal may be that long.
$(B)/migration_built_in.c: sql $(wildcard sql/*.sql) Makefile
	@mkdir -p $(@D) && echo '  EMBED sql'
	$(Q)(printf '#include "services/admin/migration.h"\nconst struct migration_file migration_built_in[] = {\n'; \
	    for f in $(sort $(filter %.sql,$^)); do printf '{"%s", (const unsigned char[]){\n' $${f##*/}; \
	        od -An -v -tu1 $$f | sed 's/[0-9]\+/&,/g'; printf '0}, %d},\n' $$(wc -c <$$f); done; echo '{0}};') >$@
$(B)/migration_built_in.o: $(B)/migration_built_in.c services/admin/migration.h
	$(Q)$(COMPILE) -c -o $@ $<
# The description of the API likewise inside socmod-audit.
$(B)/openapi_built_in.c: services/audit/openapi.yaml Makefile
	@mkdir -p $(@D) && echo '  EMBED $<'
	$(Q)(printf '#include "services/audit/routes.h"\nconst unsigned char openapi_built_in[] = {\n'; \
	    od -An -v -tu1 $< | sed 's/[0-9]\+/&,/g'; printf '0};\nconst int openapi_built_in_len = %d;\n' $$(wc -c <$<)) >$@
$(B)/openapi_built_in.o: $(B)/openapi_built_in.c services/audit/routes.h
	$(Q)$(COMPILE) -c -o $@ $<
# And the operator's page, by file name.
$(B)/assets_built_in.c: services/audit/page services/audit/page/vendor $(wildcard services/audit/page/*.* services/audit/page/vendor/*.*) Makefile
	@mkdir -p $(@D) && echo '  EMBED services/audit/page'
	$(Q)(printf '#include "services/audit/asset.h"\nconst struct asset assets_built_in[] = {\n'; \
	    for f in $(sort $(filter services/audit/page/%.html %.css %.js %.svg %.txt,$^)); do printf '{"%s", (const unsigned char[]){\n' $${f##*/}; \
	        od -An -v -tu1 $$f | sed 's/[0-9]\+/&,/g'; printf '0}, %d},\n' $$(wc -c <$$f); done; echo '{0}};') >$@
$(B)/assets_built_in.o: $(B)/assets_built_in.c services/audit/asset.h
	$(Q)$(COMPILE) -c -o $@ $<
# And what an export of the trail is checked with.
$(B)/recipe_built_in.c: services/audit/recipe $(wildcard services/audit/recipe/*) Makefile
	@mkdir -p $(@D) && echo '  EMBED services/audit/recipe'
	$(Q)(printf '#include "services/audit/incident.h"\nconst struct asset recipe_built_in[] = {\n'; \
	    for f in $(sort $(filter services/audit/recipe/%,$^)); do printf '{"%s", (const unsigned char[]){\n' $${f##*/}; \
	        od -An -v -tu1 $$f | sed 's/[0-9]\+/&,/g'; printf '0}, %d},\n' $$(wc -c <$$f); done; echo '{0}};') >$@
$(B)/recipe_built_in.o: $(B)/recipe_built_in.c services/audit/incident.h
	$(Q)$(COMPILE) -c -o $@ $<
$(B)/libsocmod.a: $(SOURCES:%.c=$(B)/%.o) $(B)/migration_built_in.o $(B)/openapi_built_in.o $(B)/assets_built_in.o \
        $(B)/recipe_built_in.o
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(B)/libpeer.a: $(PEER_SRC:%.c=$(B)/%.o)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
link = $(Q)echo '  LINK  $@' && $(COMPILE) $(1) $(LINK) $($(VARIANT)_LINK) $(LDFLAGS) -o $@ $^ $(LIBS)
define program
$(B)/socmod-$(notdir $(1)): $(B)/$(1)/main.o $(B)/libsocmod.a
	$$(call link)
endef
define peer
$(B)/peer-$(notdir $(1)): $(B)/$(1)/main.o $(B)/libpeer.a $(B)/libsocmod.a
	$$(call link)
endef
$(foreach main,$(MAINS),$(eval $(call program,$(main:/main.c=))))
$(foreach main,$(PEERS),$(eval $(call peer,$(main:/main.c=))))
$(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/libpeer.a $(B)/libsocmod.a
	$(call link) -lcriterion
$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/libsocmod.a
	$(call link,-fsanitize=fuzzer)
$(B)/tests/bench/%: $(B)/tests/bench/%.o $(B)/libpeer.a $(B)/libsocmod.a
	$(call link)

# What runs needs; silent when nothing is missing.
deps:
	@deploy/deps.sh

# The recipes below call make again, so that a machine that lacked the libraries a moment
# ago reads their flags afresh.
demo: deps
	$(Q)$(MAKE) --no-print-directory all
	@BIN=$(B) deploy/demo/demo.sh
check: deps
	$(Q)$(MAKE) --no-print-directory all tests
	@BIN=$(B) tests/run.sh
asan coverage:
	$(Q)$(MAKE) --no-print-directory VARIANT=$@ check
	$(if $(filter coverage,$@),gcovr --root . --exclude tests/ --print-summary build/coverage)
	$(if $(filter coverage,$@),$(Q)$(MAKE) --no-print-directory strict-coverage)
# What decides whether a limit is obeyed: every branch of it, but for failed assertions.
strict-coverage:
	gcovr --root . --branches --exclude-branches-by-pattern '.*assert\(.*' --fail-under-branch 100 \
	    $(addprefix --filter ,$(STRICT)) build/coverage
fuzz: deps
	$(Q)$(MAKE) --no-print-directory VARIANT=fuzz run-fuzzers
run-fuzzers: $(FUZZERS)
	@for f in $(notdir $(FUZZERS)); do mkdir -p $(B)/corpus/$$f tests/data/$$f && $(B)/tests/fuzz/$$f \
	    -max_total_time=$(FUZZ_SECONDS) $(B)/corpus/$$f tests/data/$$f || exit 1; done
bench: deps
	$(Q)$(MAKE) --no-print-directory all run-bench
run-bench: $(BENCHES)
	@for b in $(BENCHES); do $$b || exit 1; done
	@for b in $(wildcard tests/bench/*.sh); do BIN=$(B) $$b || exit 1; done
screenshots: deps
	$(Q)$(MAKE) --no-print-directory all
	@BIN=$(B) tests/page/screenshots.sh || [ $$? -eq 77 ]
lint:
	tests/layers.sh
	shellcheck -x $(SCRIPTS)
	tests/manuals.sh $(MANUALS)
	! command -v ansible-lint >/dev/null || (cd ansible && ansible-lint --offline -q)
	@if command -v promtool >/dev/null; then promtool check rules deploy/prometheus/*.yml && promtool test rules tests/alerts.yml; \
	else echo 'no promtool: apt install prometheus'; fi
	clang-format --dry-run -Werror $(OURS)
	cppcheck --quiet --error-exitcode=1 --enable=warning,portability,performance --inline-suppr \
	    --suppressions-list=.cppcheck $(INCLUDES) -j2 common gateway services
	printf '%s\n' $(filter %.c,$(OURS)) | xargs -P2 -n1 \
	    sh -c 'case $$1 in */main.c) set "$$1" -DVERSION=\"\";; esac; \
	        clang-tidy --quiet "$$1" -- -std=c17 $(INCLUDES) $$2' tidy
deb: deps
	deploy/deb.sh $(ARCH)
# From empty Debian roots to a running chain, and the packages through their life; needs root and network.
converge:
	ansible/test/converge.sh
	ansible/test/packages.sh
	ansible/test/cluster.sh
format:
	clang-format -i $(OURS)
install: all
	install -D -t $(DESTDIR)$(prefix)/bin $(PROGRAMS)
	install -D -m 644 -t $(DESTDIR)$(prefix)/share/man/man8 $(MANUALS)
	install -D -m 644 -t $(DESTDIR)$(prefix)/share/socmod/grafana $(wildcard deploy/grafana/*.json)
	install -D -m 644 -t $(DESTDIR)$(prefix)/share/socmod/prometheus $(wildcard deploy/prometheus/*.yml)
	install -D -m 644 -t $(DESTDIR)$(prefix)/share/socmod/sql $(wildcard sql/*.sql)
	install -D -m 644 -t $(DESTDIR)$(prefix)/share/socmod/drivers $(wildcard gateway/drivers/*.ini)
	install -D -m 644 -t $(DESTDIR)$(prefix)/share/socmod/meters $(wildcard gateway/meters/*.ini)
	install -D -m 644 -t $(DESTDIR)$(prefix)/lib/systemd/system $(UNITS)
	for p in $(notdir $(PROGRAMS)); do install -D -m 644 deploy/completion.bash \
	    $(DESTDIR)$(prefix)/share/bash-completion/completions/$$p || exit 1; done
clean:
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
