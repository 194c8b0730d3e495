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
.PHONY: all core lua python bin examples deps demo check test install uninstall \
        clean dist bench storm fresh help FORCE
.DELETE_ON_ERROR:
.PRECIOUS: $(OBJ)/%.o

all: deps
	@$(MAKE) --no-print-directory build-all
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
	$(LINK) -shared $(NODEFS) -Wl,-soname,libneap.so.$(ABI) \
	    -Wl,--version-script=core/libneap.map $(CORE_O) -o $@.$(ABI)
	ln -sf libneap.so.$(ABI) $@

$(BUILD)/lib/pkgconfig/neap.pc: core/neap.pc.in core/include/neap/version.h
	@mkdir -p $(@D)
	sed -e 's|@prefix@|$(CURDIR)/$(BUILD)|' -e 's|@includedir@|$(CURDIR)/core/include|' \
	    -e 's|@version@|$(VERSION)|' $< > $@

# Lua ------------------------------------------------------------------------
lua: core $(LUA_SO) $(LUA_OUT)

$(OBJ)/%.lua$(LUAVER).o: %.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(COMPILE) $(LUA_INC) -MMD -MP -c $< -o $@

$(LUA_SO): $(LUA_O) $(LIB_SO)
	@mkdir -p $(@D)
	$(LINK) -shared $(LUA_O) -L$(BUILD)/lib -lneap -Wl,-rpath,'$$ORIGIN/../../lib' -o $@

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
	    $< -L$(BUILD)/lib -lneap -Wl,-rpath,'$$ORIGIN/../../lib' -o $@

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
	$(LINK) $< -L$(BUILD)/lib -lneap -lm -Wl,-rpath,'$$ORIGIN/../lib' -o $@

# Tests (the library is linked statically: they look inside) ------------------
$(BUILD)/tests/%: $(OBJ)/tests/core/%.o $(TESTLIB) $(LIB_A)
	@mkdir -p $(@D)
	$(LINK) $< $(TESTLIB) $(LIB_A) -lm -o $@

tests: $(TESTS)

# Benchmarks: `make bench ARGS="--filter mutex --json"` ------------------------
$(BUILD)/bench/%: $(OBJ)/bench/%.o $(OBJ)/bench/bench.o $(LIB_SO)
	@mkdir -p $(@D)
	$(LINK) -rdynamic $< $(OBJ)/bench/bench.o -L$(BUILD)/lib -lneap -lm -Wl,-rpath,'$$ORIGIN/../lib' -o $@

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
SIM_OUT  := $(patsubst %,$(OBJ)/crash/core/os/%.o,life futex time)
CRASH_T  := $(OBJ)/crash/tests/crash

$(OBJ)/crash/core/%.o: core/%.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(CRASH_CC) -fsanitize=thread -MMD -MP -c $< -o $@

$(OBJ)/crash/tests/%.o: tests/%.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(CRASH_CC) -MMD -MP -c $< -o $@

$(BUILD)/tests/crash_abandon: $(filter-out $(SIM_OUT),$(CRASH_O)) \
    $(patsubst %,$(CRASH_T)/%.o,crash_abandon operations world actors sim_os hooks)
	@mkdir -p $(@D)
	$(CC) -pthread $^ -lm -o $@

$(BUILD)/tests/crash_kill: $(CRASH_O) \
    $(patsubst %,$(CRASH_T)/%.o,crash_kill operations world real_os hooks)
	@mkdir -p $(@D)
	$(CC) -pthread $^ -lm -o $@

$(BUILD)/tests/crash_birth: $(CRASH_O) $(CRASH_T)/crash_birth.o $(CRASH_T)/hooks.o
	@mkdir -p $(@D)
	$(CC) -pthread $^ -lm -o $@

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)
