rockspec_format = "3.0"
package = "neap"
version = "0.1.0-1"

-- `luarocks make` builds the checkout that this file stands in.
source = {url = "."}

description = {
  summary = "A heap that processes share",
  detailed = [[
    Scripts fork workers that share arrays, counters, mutexes and semaphores
    as if they were local, and a worker that is killed at any instruction
    harms nobody else. The same objects are open to Python and C.
  ]],
  license = "MIT",
}

supported_platforms = {"linux"}

-- neap.run and neap.fork need lua-messagepack too, and the command `neap` needs
-- argparse. They are not in this list, for Debian has both as packages that
-- LuaRocks does not see; where one is missing, what needs it says so.
dependencies = {
  "lua >= 5.3, < 5.6",
}

-- The core is compiled in, so that the rock needs no library of neap's. A test
-- (tests/lua/test_rockspec.lua) keeps the lists of files whole, and
-- bindings/lua/rockspec.lua writes them anew.
build = {
  type = "builtin",
  modules = {
    ["neap.core"] = {
      sources = {
        "bindings/lua/argument.c",
        "bindings/lua/array.c",
        "bindings/lua/barrier.c",
        "bindings/lua/bulk.c",
        "bindings/lua/condition.c",
        "bindings/lua/core.c",
        "bindings/lua/counter.c",
        "bindings/lua/directory.c",
        "bindings/lua/element.c",
        "bindings/lua/event.c",
        "bindings/lua/guard.c",
        "bindings/lua/handle.c",
        "bindings/lua/heap.c",
        "bindings/lua/interrupt.c",
        "bindings/lua/mapping.c",
        "bindings/lua/mutex.c",
        "bindings/lua/object.c",
        "bindings/lua/once.c",
        "bindings/lua/process.c",
        "bindings/lua/rwlock.c",
        "bindings/lua/segment.c",
        "bindings/lua/semaphore.c",
        "bindings/lua/status.c",
        "bindings/lua/team.c",
        "bindings/lua/value.c",
        "core/base/error.c",
        "core/base/status.c",
        "core/base/type.c",
        "core/base/version.c",
        "core/data/array.c",
        "core/data/array_bulk.c",
        "core/data/array_copy.c",
        "core/data/array_element.c",
        "core/data/array_extreme.c",
        "core/data/array_reduce.c",
        "core/data/array_shape.c",
        "core/data/counter.c",
        "core/heap/check.c",
        "core/heap/directory.c",
        "core/heap/extent.c",
        "core/heap/header.c",
        "core/heap/heap.c",
        "core/heap/inspect.c",
        "core/heap/meta.c",
        "core/heap/name.c",
        "core/heap/object.c",
        "core/heap/open.c",
        "core/heap/open_sysv.c",
        "core/memory/access.c",
        "core/memory/address.c",
        "core/memory/anonymous.c",
        "core/memory/birth.c",
        "core/memory/descriptor.c",
        "core/memory/file.c",
        "core/memory/list.c",
        "core/memory/mapping.c",
        "core/memory/memfd.c",
        "core/memory/name.c",
        "core/memory/posix.c",
        "core/memory/segment.c",
        "core/memory/sysv.c",
        "core/memory/value.c",
        "core/os/file.c",
        "core/os/flock.c",
        "core/os/fork.c",
        "core/os/futex.c",
        "core/os/life.c",
        "core/os/map.c",
        "core/os/pages.c",
        "core/os/process.c",
        "core/os/room.c",
        "core/os/set_aside.c",
        "core/os/shm.c",
        "core/os/time.c",
        "core/recovery/lock.c",
        "core/recovery/reap.c",
        "core/recovery/redo.c",
        "core/recovery/seat.c",
        "core/recovery/share.c",
        "core/recovery/wait.c",
        "core/sync/barrier.c",
        "core/sync/condition.c",
        "core/sync/event.c",
        "core/sync/finishers.c",
        "core/sync/mutex.c",
        "core/sync/once.c",
        "core/sync/rwlock.c",
        "core/sync/semaphore.c",
        "core/work/answer.c",
        "core/work/kin.c",
        "core/work/process.c",
        "core/work/range.c",
        "core/work/run.c",
        "core/work/signal.c",
        "core/work/team.c",
      },
      incdirs = {"core/include", "core"},
      defines = {"_GNU_SOURCE"},
      libraries = {"pthread"},
    },
    ["neap.condition"] = "bindings/lua/neap/condition.lua",
    neap = "bindings/lua/neap/init.lua",
    ["neap.progress"] = "bindings/lua/neap/progress.lua",
    ["neap.value"] = "bindings/lua/neap/value.lua",
    ["neap.work"] = "bindings/lua/neap/work.lua",
    ["neap.cli"] = "scripts/neap/cli.lua",
    ["neap.cli_care"] = "scripts/neap/cli_care.lua",
    ["neap.cli_heap"] = "scripts/neap/cli_heap.lua",
    ["neap.cli_inspect"] = "scripts/neap/cli_inspect.lua",
    ["neap.cli_ls"] = "scripts/neap/cli_ls.lua",
    ["neap.cli_out"] = "scripts/neap/cli_out.lua",
    ["neap.cli_prompt"] = "scripts/neap/cli_prompt.lua",
    ["neap.cli_run"] = "scripts/neap/cli_run.lua",
    ["neap.cli_show"] = "scripts/neap/cli_show.lua",
    ["neap.cli_start"] = "scripts/neap/cli_start.lua",
    ["neap.cli_value"] = "scripts/neap/cli_value.lua",
  },
  install = {bin = {neap = "bindings/lua/bin/neap.lua"}},
}
