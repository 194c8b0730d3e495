# neap: a heap that processes share. `make help` lists the targets.

# What a user may set -------------------------------------------------------
CC       = gcc
CXX      = g++
CFLAGS   = -O2 -g
LDFLAGS  =
SAN      =
LUA      = lua5.4
PYTHON   = python3
SWIG     = swig
PREFIX   = /usr/local
DESTDIR  =
NO_DEPS  =

VERSION := $(shell sed -n 's/^\#define NEAP_VERSION "\(.*\)"/\1/p' core/include/neap/version.h)
ABI     := $(shell sed -n 's/^\#define NEAP_ABI_VERSION //p' core/include/neap/version.h)

# Each compiler and sanitizer builds in a place of its own; the plain build
# in build/ itself, from where everything runs.
comma   := ,
variant := $(strip $(subst $(comma),-,$(SAN))$(if $(filter-out gcc,$(notdir $(CC))),$(if $(SAN),-)$(notdir $(CC))))
BUILD   := build$(if $(variant),/$(variant))
OBJ     := $(BUILD)/obj

WARN    = -Wall -Wextra -Wconversion -Wshadow $(WERROR)
SANFLAG = $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
BASE    = -std=c11 -D_GNU_SOURCE -fPIC -fvisibility=hidden -pthread \
          -Icore/include -Icore -Itests $(WARN) $(SANFLAG)
COMPILE = $(CC) $(BASE) $(CFLAGS)
LINK    = $(CC) $(SANFLAG) -pthread $(LDFLAGS)
NODEFS  = $(if $(SAN),,-Wl,-z,defs)

CORE_C   := $(wildcard core/*/*.c)
CORE_O   := $(CORE_C:%.c=$(OBJ)/%.o)
HEADERS  := core/include/neap.h $(wildcard core/include/neap/*.h)
LIB_A    := $(BUILD)/lib/libneap.a
LIB_SO   := $(BUILD)/lib/libneap.so

# The interpreters' words on where they live; asked only when needed.
LUAVER    = $(shell $(LUA) -e 'print((_VERSION:match("%d.%d")))')
LUA_INC   = $(shell pkg-config --cflags lua$(LUAVER) 2>/dev/null || echo -I/usr/include/lua$(LUAVER))
PY_INC    = $(shell $(PYTHON) -c 'import sysconfig; print("-I" + sysconfig.get_paths()["include"])')
PY_EXT    = $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
PY_SITE   = $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib", vars={"base": "$(PREFIX)", "platbase": "$(PREFIX)"}))')

LUA_C    := $(wildcard bindings/lua/*.c)
LUA_O     = $(LUA_C:%.c=$(OBJ)/%.lua$(LUAVER).o)
LUA_SO   := $(BUILD)/lua/neap/core.so
LUA_SRC  := $(wildcard bindings/lua/neap/*.lua)
LUA_OUT  := $(LUA_SRC:bindings/lua/%=$(BUILD)/lua/%)
PY_I     := $(wildcard bindings/python/*.i)
PY_SRC   := $(wildcard bindings/python/neap/*.py bindings/python/neap/*.pyi bindings/python/neap/py.typed)
PY_OUT   := $(PY_SRC:bindings/python/%=$(BUILD)/python/%)
PY_SO     = $(BUILD)/python/neap/_neap$(PY_EXT)
SCRIPTS  := $(wildcard scripts/neap/*.lua)

TESTS    := $(patsubst tests/core/%.c,$(BUILD)/tests/%,$(wildcard tests/core/test_*.c))
TESTLIB  := $(patsubst %.c,$(OBJ)/%.o,$(wildcard tests/lib/*.c))
BENCHES  := $(patsubst %.c,$(BUILD)/%,$(filter-out bench/bench.c,$(wildcard bench/*.c)))
EXAMPLES := $(patsubst examples/%.c,$(BUILD)/examples/%,$(wildcard examples/*.c))

# ---------------------------------------------------------------------------
.PHONY: all build-all core lua python bin examples tests deps demo check \
        install uninstall clean dist bench storm storm-long sched step fresh \
        help FORCE
.DELETE_ON_ERROR:
.PRECIOUS: $(OBJ)/%.o

all: deps
	@$(MAKE) --no-print-directory build-all

deps:
	@CC="$(CC)" SAN="$(SAN)" LUA="$(LUA)" PYTHON="$(PYTHON)" NO_DEPS="$(NO_DEPS)" scripts/deps

build-all: core lua python bin examples $(BUILD)/env

core: $(LIB_A) $(LIB_SO) $(BUILD)/lib/pkgconfig/neap.pc

# Rebuild when the flags change.
$(OBJ)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILE) $(CRASH_CC)' | cmp -s - $@ || echo '$(COMPILE) $(CRASH_CC)' > $@

$(OBJ)/%.o: %.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c $< -o $@

$(LIB_A): $(CORE_O)
	@mkdir -p $(@D)
	rm -f $@ && ar rcs $@ $^

$(LIB_SO): $(CORE_O) core/libneap.map
	@mkdir -p $(@D)
	$(LINK) -shared $(NODEFS) -Wl,-z,nodelete -Wl,-soname,libneap.so.$(ABI) \
	    -Wl,--version-script=core/libneap.map $(CORE_O) -lm -ldl -o $@.$(ABI)
	ln -sf libneap.so.$(ABI) $@

$(BUILD)/lib/pkgconfig/neap.pc: core/neap.pc.in core/include/neap/version.h
	@mkdir -p $(@D)
	sed -e 's|@prefix@|$(CURDIR)/$(BUILD)|' -e 's|@includedir@|$(CURDIR)/core/include|' \
	    -e 's|@version@|$(VERSION)|' $< > $@

# A module finds the library from where it is, in build/ and installed. It stays
# loaded once it is: threads have destructors in it.
RPATHS = -Wl,-rpath,'$$ORIGIN/../../lib:$$ORIGIN/../../..' -Wl,-z,nodelete

# Lua ------------------------------------------------------------------------
lua: core $(LUA_SO) $(LUA_OUT)

$(OBJ)/%.lua$(LUAVER).o: %.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(COMPILE) $(LUA_INC) -MMD -MP -c $< -o $@

$(LUA_SO): $(LUA_O) $(LIB_SO)
	@mkdir -p $(@D)
	$(LINK) -shared $(LUA_O) -L$(BUILD)/lib -lneap $(RPATHS) -o $@

$(BUILD)/lua/%.lua: bindings/lua/%.lua
	@mkdir -p $(@D)
	cp $< $@

# Python ---------------------------------------------------------------------
python: core $(PY_SO) $(PY_OUT)

# Rebuild when the interpreter changes: suffixes of two may be the same.
$(OBJ)/python.flags: FORCE
	@mkdir -p $(@D)
	@echo '$(PYTHON) $(PY_INC)' | cmp -s - $@ || echo '$(PYTHON) $(PY_INC)' > $@

# Warning 321: set, max, min and range are words of Python, and fine methods.
$(OBJ)/neap_wrap.c: $(PY_I) $(HEADERS)
	@mkdir -p $(@D)
	$(SWIG) -python -builtin -Wextra -w321 -Icore/include -Ibindings/python \
	    -module _neap -interface _neap -outdir $(@D) -o $@ bindings/python/neap.i

$(PY_SO): $(OBJ)/neap_wrap.c $(LIB_SO) $(OBJ)/flags $(OBJ)/python.flags
	@mkdir -p $(@D)
	$(CC) $(filter-out $(WARN),$(BASE)) $(CFLAGS) -fno-strict-aliasing $(PY_INC) -shared \
	    $< -L$(BUILD)/lib -lneap $(RPATHS) -o $@

$(BUILD)/python/%: bindings/python/%
	@mkdir -p $(@D)
	cp $< $@

# The front-end, the environment, the examples -------------------------------
bin: $(BUILD)/bin/neap $(SCRIPTS:scripts/%=$(BUILD)/lua/%)

$(BUILD)/bin/neap: scripts/neap.in
	@mkdir -p $(@D)
	sed -e 's|@LUA@|$(LUA)|' $< > $@ && chmod +x $@

$(BUILD)/lua/neap/%.lua: scripts/neap/%.lua
	@mkdir -p $(@D)
	cp $< $@

$(BUILD)/env: scripts/env.in Makefile
	@mkdir -p $(@D)
	sed -e 's|@BUILD@|$(CURDIR)/$(BUILD)|g' $< > $@

examples: $(EXAMPLES)
$(BUILD)/examples/%: $(OBJ)/examples/%.o $(LIB_SO)
	@mkdir -p $(@D)
	$(LINK) $< -L$(BUILD)/lib -lneap -lm -ldl -Wl,-rpath,'$$ORIGIN/../lib' -o $@

# Tests (the library is linked statically: they look inside) ------------------
$(BUILD)/tests/%: $(OBJ)/tests/core/%.o $(TESTLIB) $(LIB_A)
	@mkdir -p $(@D)
	$(LINK) $< $(TESTLIB) $(LIB_A) -lm -ldl -o $@

STRESS   := $(BUILD)/tests/storm $(BUILD)/tests/fuzz_image
CRASHES  := $(patsubst %,$(BUILD)/tests/%,crash_abandon crash_kill crash_birth sched $(if $(SAN),,step step_spoilt))
tests: $(TESTS) $(STRESS) $(CRASHES)

$(BUILD)/tests/storm: $(patsubst %.c,$(OBJ)/%.o,$(wildcard tests/stress/*.c))
$(BUILD)/tests/fuzz_image: $(patsubst %.c,$(OBJ)/%.o,$(wildcard tests/fuzz/*.c))
$(STRESS): $(OBJ)/tests/lib.a $(LIB_A)
	@mkdir -p $(@D)
	$(LINK) $(filter %.o,$^) $(filter %.a,$^) -lm -ldl -o $@

# As an archive, so that a program with a main of its own takes what it needs.
$(OBJ)/tests/lib.a: $(TESTLIB)
	rm -f $@ && ar rcs $@ $^

check: deps
	@$(MAKE) --no-print-directory build-all tests
	@BUILD=$(BUILD) SAN=$(SAN) CC=$(CC) LUA=$(LUA) PYTHON=$(PYTHON) scripts/run_tests $(ARGS)

# make storm SECONDS_OF_STORM=3600; the kills are random, the seed is printed.
SECONDS_OF_STORM = 600
storm: core $(STRESS)
	$(BUILD)/tests/storm --seconds $(SECONDS_OF_STORM) $(ARGS)

# Every order of turns, for an hour; `make check` goes through fewer.
sched: $(BUILD)/tests/sched
	$< --preemptions 3
	$< --preemptions 2 --deaths 1

# A million kills, an hour or some: make storm-long KILLS=1000000.
KILLS = 1000000
storm-long: core $(STRESS)
	$(BUILD)/tests/storm --kills $(KILLS) --seconds 86400 $(ARGS)

# A real SIGKILL at every instruction; `make check` takes a sample.
step: $(BUILD)/tests/step
	$<

demo: deps
	@$(MAKE) --no-print-directory build-all
	@BUILD=$(BUILD) LUA=$(LUA) PYTHON=$(PYTHON) examples/demo

fresh:
	@scripts/deps fresh
	@scripts/fresh

# Benchmarks: `make bench ARGS="--filter mutex --json"` ------------------------
$(BUILD)/bench/%: $(OBJ)/bench/%.o $(OBJ)/bench/bench.o $(LIB_SO)
	@mkdir -p $(@D)
	$(LINK) -rdynamic $< $(OBJ)/bench/bench.o -L$(BUILD)/lib -lneap -lm -ldl -Wl,-rpath,'$$ORIGIN/../lib' -o $@

# Boost and a C++ compiler may be missing; the rows then say so.
$(BUILD)/bench/boost.so: bench/boost.cpp bench/bench.h $(OBJ)/flags
	@mkdir -p $(@D)
	-$(CXX) -std=c++17 -fPIC -shared -pthread $(CFLAGS) $< -o $@

bench: core lua python $(BENCHES) $(BUILD)/bench/boost.so
	@BUILD=$(BUILD) PYTHON=$(PYTHON) LUA=$(LUA) $(PYTHON) bench/run $(ARGS)

# Enumerating crashes: the core with a hook at every access, and tiny limits.
CRASH_CC := $(CC) $(filter-out $(SANFLAG),$(BASE)) -O1 -g -DNEAP_SABOTAGE -DNEAP_TINY \
            -DNEAP_COUNTER_WITHOUT_INLINE
CRASH_O  := $(CORE_C:%.c=$(OBJ)/crash/%.o)
SIM_OUT  := $(patsubst %,$(OBJ)/crash/core/os/%.o,life futex fence time)
CRASH_T  := $(OBJ)/crash/tests/crash

$(OBJ)/crash/core/%.o: core/%.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(CRASH_CC) -fsanitize=thread -MMD -MP -c $< -o $@

$(OBJ)/crash/tests/%.o: tests/%.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(CRASH_CC) -MMD -MP -c $< -o $@

$(BUILD)/tests/crash_abandon: $(filter-out $(SIM_OUT),$(CRASH_O)) \
    $(patsubst %,$(CRASH_T)/%.o,crash_abandon operations world actors sim_os sim_life hooks)
	@mkdir -p $(@D)
	$(CC) -pthread $^ -lm -ldl -o $@

# Processes that take turns, in every order.
$(BUILD)/tests/sched: $(filter-out $(SIM_OUT),$(CRASH_O)) \
    $(patsubst %,$(CRASH_T)/%.o,world sim_life hooks) \
    $(patsubst %.c,$(OBJ)/crash/%.o,$(wildcard tests/sched/*.c))
	@mkdir -p $(@D)
	$(CC) -pthread $^ -lm -ldl -o $@

$(BUILD)/tests/crash_kill: $(CRASH_O) \
    $(patsubst %,$(CRASH_T)/%.o,crash_kill operations world real_os hooks)
	@mkdir -p $(@D)
	$(CC) -pthread $^ -lm -ldl -o $@

$(BUILD)/tests/crash_birth: $(CRASH_O) $(CRASH_T)/crash_birth.o $(CRASH_T)/hooks.o
	@mkdir -p $(@D)
	$(CC) -pthread $^ -lm -ldl -o $@

# Single-stepping the release; and the same with a line taken out.
STEP_O   := $(patsubst %.c,$(OBJ)/%.o,$(wildcard tests/step/*.c))
SPOILT_O := $(CORE_C:%.c=$(OBJ)/spoilt/%.o)

$(OBJ)/spoilt/%.o: %.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(COMPILE) -DNEAP_SABOTAGE_ALWAYS=NEAP__WITHOUT_INTENT -MMD -MP -c $< -o $@

$(BUILD)/tests/step: $(STEP_O) $(LIB_A)
	@mkdir -p $(@D)
	$(LINK) $^ -lm -ldl -o $@

$(BUILD)/tests/step_spoilt: $(STEP_O) $(SPOILT_O)
	@mkdir -p $(@D)
	$(LINK) $^ -lm -ldl -o $@

# Installing -------------------------------------------------------------------
D          = $(DESTDIR)$(PREFIX)
LUA_SHARE  = $(D)/share/lua/$(LUAVER)/neap
LUA_LIB    = $(D)/lib/lua/$(LUAVER)/neap
COMPLETION = $(D)/share/bash-completion/completions/neap

install: build-all
	install -d $(D)/lib/pkgconfig $(D)/bin $(D)/include/neap $(LUA_SHARE) $(LUA_LIB) \
	    $(DESTDIR)$(PY_SITE)/neap $(dir $(COMPLETION))
	install -m 644 $(LIB_A) $(D)/lib
	install -m 755 $(LIB_SO).$(ABI) $(D)/lib
	ln -sf libneap.so.$(ABI) $(D)/lib/libneap.so
	install -m 644 core/include/neap.h $(D)/include
	install -m 644 core/include/neap/*.h $(D)/include/neap
	sed -e 's|@prefix@|$(PREFIX)|' -e 's|@includedir@|$${prefix}/include|' \
	    -e 's|@version@|$(VERSION)|' core/neap.pc.in > $(D)/lib/pkgconfig/neap.pc
	install -m 644 $(LUA_OUT) $(SCRIPTS:scripts/%=$(BUILD)/lua/%) $(LUA_SHARE)
	install -m 755 $(LUA_SO) $(LUA_LIB)
	install -m 644 $(PY_OUT) $(DESTDIR)$(PY_SITE)/neap
	install -m 755 $(PY_SO) $(DESTDIR)$(PY_SITE)/neap
	install -m 755 $(BUILD)/bin/neap $(D)/bin
	install -m 644 scripts/completion/neap.bash $(COMPLETION)

uninstall:
	rm -rf $(D)/include/neap.h $(D)/include/neap $(D)/lib/libneap.* \
	    $(D)/lib/pkgconfig/neap.pc $(LUA_SHARE) $(LUA_LIB) \
	    $(DESTDIR)$(PY_SITE)/neap $(D)/bin/neap $(COMPLETION)

clean:
	rm -rf build

dist:
	@mkdir -p build
	git archive --prefix=neap-$(VERSION)/ -o build/neap-$(VERSION).tar.gz HEAD
	@echo build/neap-$(VERSION).tar.gz

help:
	@echo 'make            install what is missing, build everything under build/'
	@echo 'make demo       the same, then count words and draw a picture with workers'
	@echo 'make check      the same, then run every test'
	@echo 'make bench      measure against peers (ARGS="--filter mutex --json")'
	@echo 'make storm      kill processes at random for ten minutes (SECONDS_OF_STORM=n)'
	@echo 'make storm-long the same, until a million were killed (KILLS=n)'
	@echo 'make sched      two and three processes take turns in every order (an hour)'
	@echo 'make step       kill a process at every instruction of each operation'
	@echo 'make fresh      prove demo and check in a new Debian root (needs root)'
	@echo 'make install    under PREFIX=/usr/local, below DESTDIR; make uninstall'
	@echo 'make deps       only install what is missing; NO_DEPS=1 only says what'
	@echo 'make core lua python bin examples tests    parts of the build'
	@echo 'make dist clean'
	@echo 'Variables: CC=clang SAN=address,undefined|thread LUA=lua5.4 PYTHON=python3'
	@echo 'Then:  . build/env   puts neap into the paths of this shell'

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)
