--- The command `neap`, run as a user would run it.

local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test = support.test

local json = require "dkjson"

local build = os.getenv("NEAP_BUILD") or support.root .. "/build"
local command = build .. "/bin/neap"

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Run `neap ARGS`: what it prints, on stderr, and its exit status.
local function run(arguments, before)
  local errors = support.path("stderr")
  local pipe = assert(io.popen(("%s %s %s 2>%s"):format(
    before or "", command, arguments, errors)))
  local output = pipe:read("a")
  local _, _, code = pipe:close()
  return output, support.read(errors), code
end

--- The same; it must succeed and complain of nothing.
local function says(arguments, before)
  local output, errors, code = run(arguments, before)
  lu.assertEquals(errors, "")
  lu.assertEquals(code, 0)
  return output
end

local function told(arguments)
  return assert(json.decode(says(arguments .. " --json")))
end

--- It must fail with that exit status and have these words on stderr.
local function refuses(arguments, status, words)
  local output, errors, code = run(arguments)
  lu.assertEquals(output, "")
  lu.assertEquals(code, status)
  lu.assertStrContains(errors, "neap: ")
  lu.assertStrContains(errors, words)
  lu.assertNotStrContains(errors, "traceback")
end

local function find(items, key, value)
  for _, item in ipairs(items) do
    if item[key] == value then return item end
  end
end

--- A heap with one thing of each kind, and its name.
local function furnished()
  local name = support.name("sky")
  local heap = assert(neap.open(name))
  heap:counter("hits"):set(41)
  heap:counter("mean", {kind = "double"}):set(0.1)
  local grid = heap:array("grid", "f64", 2, 3)
  grid[2][3] = 7.25
  heap:array("flags", "bool", 3)[2] = true
  heap:array("waves", "c64", 2):set(1, 1, -2)
  heap:mutex("lock")
  heap:semaphore("slots", 3, {undo = true})
  return heap, name
end

-- Scripts --------------------------------------------------------------------

test("a script has neap, its arguments and its name", function()
  local path = support.file("a script.lua", [[
    print(neap.version, arg[0], #arg, arg[1], arg[2], ...)
  ]])
  lu.assertEquals(says(quoted(path) .. " one 'two words' -- --json"),
    table.concat({neap.version, path, 4, "one", "two words", "one", "two words",
                  "--", "--json\n"}, "\t"))
end)

test("a script runs from any directory, through any link", function()
  local link = support.path("link")
  assert(os.execute(("ln -s %s %s"):format(
    "$(readlink -f " .. command .. ")", link)))
  local output = support.shell(
    "cd / && env -i PATH=/usr/bin:/bin " .. link
    .. " -e 'print(neap.now() > 0)'")
  lu.assertEquals(output, "true\n")
end)

test("what a script starts finds neap too", function()
  local path = support.file("outer.lua", [[
    os.execute(arg[1] .. " -e 'print(require(\"neap\").version)'")
  ]])
  lu.assertEquals(says(path .. " " .. quoted(arg[-1]),
                       "env -u LUA_PATH -u LUA_CPATH"), neap.version .. "\n")
end)

test("-e runs a line, with arguments", function()
  lu.assertEquals(says("-e 'print(#arg, ...)' a b"), "2\ta\tb\n")
  refuses("-e", 2, "-e needs")
end)

test("a script comes from a pipe as well", function()
  lu.assertEquals(says("", "echo 'print(1 + 1)' |"), "2\n")
  lu.assertEquals(says("- x", "echo 'print(...)' |"), "x\n")
end)

test("an error in a script has a traceback, and status 1", function()
  local path = support.file("wrong.lua",
    "local function f()\n  error('boo')\nend\nf() print()")
  local output, errors, code = run(path)
  lu.assertEquals({output, code}, {"", 1})
  lu.assertStrContains(errors, "neap: " .. path .. ":2: boo\nstack traceback:")
  lu.assertNotStrContains(errors, "neap/cli")
  local _, syntax, status = run("-e 'x ='")
  lu.assertEquals(status, 1)
  lu.assertStrContains(syntax, "unexpected symbol near <eof>")
end)

test("the exit status of a script passes", function()
  for _, status in ipairs{0, 1, 7, 255} do
    local _, _, code = run(("-e 'os.exit(%d)'"):format(status))
    lu.assertEquals(code, status)
  end
  local _, _, code = run("-e 'os.exit(true, true)'")
  lu.assertEquals(code, 0)
end)

test("a command wins over a script, and a path over a command", function()
  local directory = support.path(""):gsub("/$", "")
  support.file("ls", "print('the file ls ran')")
  local here = "cd " .. directory .. " && "
  local absolute = support.shell("readlink -f " .. command):gsub("%s+$", "")
  lu.assertEquals(support.shell(here .. absolute .. " ./ls"),
    "the file ls ran\n")
  lu.assertNotStrContains(support.shell(here .. absolute .. " ls"),
    "the file ls ran")
end)

-- The command line -----------------------------------------------------------

test("what makes no sense is status 2, and --help tells", function()
  refuses("frobnicate", 2, "'frobnicate' is neither a command nor a script")
  refuses("--frobnicate", 2, "--frobnicate")
  refuses("show", 2, "missing argument 'heap'")
  refuses("ls --frobnicate", 2, "--frobnicate")
  refuses("get sky hits one", 2, "an index is a whole number")
  refuses("./missing.lua", 1, "missing.lua")
end)

test("every command has --help", function()
  for _, name in ipairs{"ls", "show", "get", "set", "rm", "gc", "check",
                       "locks", "map", "maps", "doctor", "checkpoint", "restore",
                       "serve", "bench"} do
    local text = says(name .. " --help")
    lu.assertStrContains(text, "Usage: neap " .. name)
    lu.assertStrContains(text, "--json")
    lu.assertStrContains(says("--help"), name)
  end
  lu.assertEquals(says("--version"),
                  ("neap %s (%s)\n"):format(neap.version, _VERSION))
end)

test("a library that is missing is named, with the cure", function()
  local path = support.file("blind.lua", [[
    local hidden = arg[1]
    local search = package.searchers[2]
    package.searchers[2] = function(name)
      if name == hidden then return "hidden" end
      return search(name)
    end
    os.exit(require "neap.cli".main{"ls", "--json"})
  ]])
  for library, package in pairs{argparse = "lua-argparse",
                                dkjson = "lua-dkjson"} do
    local _, errors, code = run(path .. " " .. library)
    lu.assertEquals(code, 1)
    lu.assertStrContains(errors, "apt install " .. package)
  end
end)

-- ls, show -------------------------------------------------------------------

test("ls tells of heaps and raw segments of every kind", function()
  local heap, name = furnished()
  local raw = support.name("raw")
  assert(neap.segment.create(raw, 5000)):close()
  local sysv = assert(neap.open(support.sysv(1), {size = "4M"}))
  local path = support.path("sky.neap")
  local file = assert(neap.open("file:" .. path))

  local items = told("ls " .. path)
  local sky, info = find(items, "address", name), heap:info()
  lu.assertTrue(sky.heap)
  for _, key in ipairs{"kind", "size", "used", "reserved", "attached", "dead",
                       "uuid", "objects"} do
    lu.assertEquals(sky[key], info[key], key)
  end
  lu.assertEquals(sky.mode, "0600")
  local bytes = find(items, "address", raw)
  lu.assertEquals({bytes.heap, bytes.kind, bytes.size}, {false, "posix", 5000})
  lu.assertTrue(find(items, "address", sysv:address()).heap)
  lu.assertEquals(find(items, "address", "file:" .. path).kind, "file")

  local lines = says("ls --quiet --heaps")
  lu.assertStrContains(lines, name .. "\n")
  lu.assertNotStrContains(lines, raw)
  lu.assertStrMatches(says("ls"):match("[^\n]+"),
    "ADDRESS +IS +KIND +USED +SIZE +RESERVED +OWNER +MODE +ATTACHED +DEAD")
  refuses("ls --quiet --heaps ./missing.neap >/dev/null", 1, "missing.neap")

  assert(heap:unlink() and sysv:unlink() and file:unlink()
         and neap.unlink(raw))
end)

test("ls tells of segments that are removed but attached", function()
  local segment = assert(neap.segment.create(support.sysv(3), 4096))
  local map <close> = assert(segment:map())
  assert(segment:unlink())
  local item = find(told("ls"), "id", segment:stat().id)
  lu.assertEquals({item.removed, item.address, item.attached},
                  {true, "sysv:0", 1})
  lu.assertStrContains(says("ls"), "removed")
end)

test("ls and rm know the semaphores of the kernel", function()
  local name, set = support.name("jobs"), support.sysv(2)
  local semaphores = neap.kernel_semaphore
  assert(semaphores.open(name, {create = true, initial = 3})):close()
  assert(semaphores.open(set, {create = true, initial = 1, count = 2})):close()
  local items = told("ls --semaphores")
  lu.assertEquals(find(items, "address", name).values, {3})
  local item = find(items, "address", set)
  lu.assertEquals({item.values, item.waiting, item.kind, item.mode},
                  {{1, 1}, 0, "sysv", "0600"})
  lu.assertStrContains(says("ls --semaphores --quiet"), name .. "\n")
  lu.assertStrMatches(says("ls --semaphores"):match("[^\n]+"),
    "ADDRESS +KIND +VALUES +WAITING +OWNER +MODE")
  refuses("ls --semaphores --heaps", 2, "--heaps")
  refuses("rm " .. name, 1, name)
  lu.assertEquals(says(("rm --semaphores %s %s"):format(name, set)), "")
  lu.assertNil(find(told("ls --semaphores"), "address", set))
  refuses("rm --semaphores " .. name, 1, "gone already")
end)

test("ls goes on where a heap cannot be read", function()
  local name = support.name("sky")
  local heap <close> = assert(neap.open(name))
  assert(os.execute("truncate -s 3000 /dev/shm/" .. name))
  local item = find(told("ls"), "address", name)
  lu.assertTrue(item.heap)
  lu.assertStrContains(item.error, name)
  lu.assertStrContains(says("ls"), "heap?")
  neap.unlink(name)
end)

test("show tells all of a heap, and changes nothing", function()
  local heap, name = furnished()
  local lock <close> = heap:mutex("lock"):guard()
  local facts = told("show " .. name)
  lu.assertEquals(facts.uuid, heap:info().uuid)
  lu.assertEquals(#facts.objects, 7)
  local grid = find(facts.objects, "name", "grid")
  lu.assertEquals({grid.kind, grid.type, grid.shape[1], grid.shape[2]},
                  {"array", "f64", 2, 3})
  lu.assertEquals(find(facts.objects, "name", "hits").value, 41)
  lu.assertEquals(find(facts.objects, "name", "lock").holder, support.pid())
  lu.assertEquals(facts.slots[1].pid, support.pid())
  lu.assertEquals(facts.slots[1].held, 1)

  local text = says("show " .. name)
  lu.assertStrMatches(text:match("grid[^\n]*"), "grid +array +f64 +2x3 .*")
  lu.assertStrContains(text, "held by pid " .. support.pid())
  lu.assertEquals(says("show --names " .. name),
                  "flags\ngrid\nhits\nlock\nmean\nslots\nwaves\n")
  lu.assertEquals(heap:info().attached, 1)
  refuses("show " .. support.name("missing"), 1, "there is no heap")
  lu.assertTrue(heap:unlink())
end)

test("show and get tell what waits, and who holds", function()
  local name = support.name("sky")
  local heap = assert(neap.open(name))
  heap:event("go"):set()
  heap:latch("loaded", 2)
  heap:barrier("step", 3)
  heap:once("filled"):run(function() end)
  heap:condition("changed")
  local guard <close> = heap:rwlock("table"):write_guard()
  local text = says("show " .. name)
  lu.assertStrMatches(text:match("go  [^\n]*"), "go +event +set")
  lu.assertStrMatches(text:match("loaded[^\n]*"), "loaded +latch +2 left")
  lu.assertStrMatches(text:match("step[^\n]*"), "step +barrier +0 waiting")
  lu.assertStrMatches(text:match("filled[^\n]*"), "filled +once +done")
  lu.assertStrContains(text, "written by pid " .. support.pid())
  lu.assertEquals(find(told("show " .. name).objects, "name", "go").value, 1)
  lu.assertEquals(says("get " .. name .. " loaded"), "2\n")
  lu.assertEquals(says("get " .. name .. " go"), "1\n")
  lu.assertEquals(says("get " .. name .. " table"), support.pid() .. "\n")
  refuses("get " .. name .. " changed", 1, "is a condition and has no value")
  refuses("set " .. name .. " go 0", 1, "belongs to who uses it")
  lu.assertTrue(heap:unlink())
end)

test("a name cannot steer the terminal", function()
  local name = support.name("sky")
  local heap = assert(neap.open(name))
  heap:counter("red\27[31m\n")
  local text = says("show " .. name)
  lu.assertStrContains(text, "red\\x1b[31m\\x0a")
  lu.assertNotStrContains(text, "\27")
  lu.assertTrue(heap:unlink())
end)

-- get, set -------------------------------------------------------------------

test("get prints counters, elements, arrays, permits, holders", function()
  local heap, name = furnished()
  local expected = {
    ["hits"] = "41\n", ["mean"] = "0.1\n", ["slots"] = "3\n", ["lock"] = "0\n",
    ["grid"] = "0\t0\t0\n0\t0\t7.25\n", ["grid 2 3"] = "7.25\n",
    ["flags"] = "false\ntrue\nfalse\n", ["waves"] = "1,-2\n0,0\n",
    ["waves 1"] = "1,-2\n",
  }
  for what, output in pairs(expected) do
    lu.assertEquals(says(("get %s %s"):format(name, what)), output)
  end
  local item = told(("get %s grid 2 3"):format(name))
  lu.assertEquals({item.value, item.index, item.type}, {7.25, {2, 3}, "f64"})
  refuses(("get %s nothing"):format(name), 1, "there is no nothing in heap")
  refuses(("get %s grid 3 1"):format(name), 1, "out of range 1..2")
  refuses(("get %s grid 1"):format(name), 1, "2 indices expected")
  refuses(("get %s hits 1"):format(name), 1, "has no elements")
  lu.assertTrue(heap:unlink())
end)

test("set changes counters and elements, and takes no nonsense", function()
  local heap, name = furnished()
  local function set(what) return says(("set %s %s"):format(name, what)) end
  lu.assertEquals(set("hits -5"), "")
  lu.assertEquals(heap:counter("hits"):get(), -5)
  set("mean -2.5e3")
  lu.assertEquals(heap:counter("mean"):get(), -2500.0)
  set("grid .5 1 2")
  lu.assertEquals(heap:array("grid")[1][2], 0.5)
  set("flags true 1")
  lu.assertTrue(heap:array("flags")[1])
  set("waves -3,4 2")
  lu.assertEquals({heap:array("waves"):get(2)}, {-3.0, 4.0})
  lu.assertEquals(told(("set %s hits 7"):format(name)).value, 7)

  local wrong = {
    ["hits many"] = "'many' is no value for hits", ["hits 1.5"] = "integer",
    ["hits 1 1"] = "has no elements", ["grid 1"] = "give 2 indices",
    ["grid 1 9 9"] = "out of range", ["flags 2 1"] = "no value for flags",
    ["lock 1"] = "is a mutex", ["slots 1"] = "is a semaphore",
    ["nothing 1"] = "there is no nothing",
  }
  for what, words in pairs(wrong) do
    refuses(("set %s %s"):format(name, what), 1, words)
  end
  lu.assertEquals(heap:counter("hits"):get(), 7)
  lu.assertTrue(heap:unlink())
end)

-- rm, gc, check --------------------------------------------------------------

test("rm removes heaps and segments, and tells what is not there", function()
  local heap, name = furnished()
  local raw, path = support.name("raw"), support.path("sky.neap")
  assert(neap.segment.create(raw, 5000)):close()
  assert(neap.open("file:" .. path)):close()
  lu.assertEquals(says(("rm %s %s %s"):format(name, raw, path)), "")
  lu.assertNil(support.read(path))
  lu.assertEquals(heap:counter("hits"):add(), 42)
  refuses("rm " .. name, 1, name)
  lu.assertEquals(says("rm --force " .. name), "")
  lu.assertFalse(told("rm --force " .. name)[1].removed)
end)

test("rm leaves a file alone that is no heap", function()
  local path = support.file("letter.txt", ("Dear all, "):rep(1000))
  refuses("rm " .. path, 1, "letter.txt")
  refuses("rm --force " .. path, 1, "letter.txt")
  lu.assertEquals(#support.read(path), 10000)
end)

test("gc reaps the dead and removes what nobody uses", function()
  local heap, name = furnished()
  local killed = neap.fork(function()
    heap:mutex("lock"):lock()
    os.execute("kill -KILL $PPID")
  end)
  killed:wait()
  lu.assertStrContains(says("show " .. name), "which is dead")
  local passing = support.name("passing")
  neap.fork(function()
    neap.open(passing, {ephemeral = true}):counter("n"):add()
    os.execute("kill -KILL $PPID")
  end):wait()
  lu.assertNotNil(support.read("/dev/shm/" .. passing))
  local half = support.file(".neap-birth-1-2", "half")

  local path = support.path("sky.neap")
  local report = told("gc " .. path)
  lu.assertEquals(find(report.heaps, "address", name).reaped, 1)
  lu.assertTrue(find(report.heaps, "address", passing).removed)
  lu.assertEquals(report.swept[1] and report.swept[#report.swept], half)
  lu.assertNil(support.read("/dev/shm/" .. passing))
  lu.assertNil(support.read(half))
  local locked, news = heap:mutex("lock"):lock(0)
  lu.assertEquals({locked, news}, {true, "abandoned"})
  lu.assertStrContains(says("gc"), "dead slots reaped")
  lu.assertTrue(heap:unlink())
end)

test("gc leaves alone what is still being made", function()
  local half = support.file(".neap-birth-1-3", "half")
  local report = json.decode(support.shell(("flock %s %s gc %s --json"):format(
    half, command, support.path("sky.neap"))))
  for _, path in ipairs(report.swept) do lu.assertNotEquals(path, half) end
  lu.assertEquals(support.read(half), "half")
end)

test("check tells a sound heap from a damaged one", function()
  local heap, name = furnished()
  lu.assertEquals(says("check " .. name):match("^[^,]*"), name .. ": sound")
  lu.assertTrue(told("check " .. name)[1].ok)

  -- Wipe what comes behind the slots: names, blocks, records.
  local map = assert(neap.map(name))
  local grid = find(heap:list(), "name", "grid")
  lu.assertNotNil(grid)
  local bytes = map:bytes()
  local at = assert(bytes:find("flags", 1, true)) - 1
  map:write_bytes(at, "\255\255\255\255\255")
  local output, _, code = run("check " .. name)
  lu.assertEquals(code, 1)
  lu.assertStrContains(output, name .. ": ")
  lu.assertStrContains(output, "problem")
  map:close()
  refuses("check", 1, "--all")
  refuses("check " .. support.name("missing"), 1, "there is no heap")
  lu.assertTrue(heap:unlink())
end)

-- The prompt -----------------------------------------------------------------

--- A terminal without editing, fed with these lines.
local function at_prompt(lines)
  local path = support.file("lines", lines)
  return (support.shell(("TERM=dumb HOME=%s timeout 20 script -qec %s /dev/null "
    .. "< %s"):format(support.path(""), command, path)):gsub("\r", ""))
end

test("the prompt prints expressions and goes on after errors", function()
  local text = at_prompt("x = 6\n= x * 7\nerror('boo')\nx + 1\n{1, a = 'b'}\n")
  lu.assertStrContains(text, "neap " .. neap.version)
  lu.assertStrContains(text, "neap> 42\n")
  lu.assertStrContains(text, "boo\nstack traceback:")
  lu.assertStrContains(text, "neap> 7\n")
  lu.assertStrContains(text, '{1, a = "b"}')
end)

test("the prompt asks on until a chunk is whole", function()
  local text = at_prompt("for i = 1, 2 do\nprint('i', i)\nend\n(1 +\n2)\n")
  lu.assertStrContains(text, "i\t1\ni\t2\n")
  lu.assertStrContains(text, "3\n")
end)

test("the prompt completes names of modules, handles and arrays", function()
  local inspect = require "neap.cli_inspect"
  _G.sky = neap.heap()
  _G.grid = _G.sky:array("grid", "f64", 2)
  lu.assertEquals(inspect.complete("sky:cou"), {"sky:counter"})
  lu.assertEquals(inspect.complete("string.gs"), {"string.gsub"})
  lu.assertEquals(inspect.complete("grid:fetch"), {"grid:fetch_add"})
  lu.assertItemsEquals(inspect.complete("unt"), {"until"})
  lu.assertEquals(inspect.complete("nowhere.to.go"), {})
  _G.sky:close()
  _G.sky, _G.grid = nil, nil
end)

-- The environment ------------------------------------------------------------

test("build/env keeps what is set, and sourcing twice adds nothing", function()
  local source = ". " .. build .. "/env; "
  for _, shell in ipairs{"sh", "bash"} do
    local output = support.shell(("env PYTHONPATH=/mine LUA_PATH='/mine/?.lua' "
      .. "%s -c %s"):format(shell, quoted(source .. source
      .. "echo $PYTHONPATH; echo \"$LUA_PATH\"; command -v neap")))
    local python, lua, path = output:match("^(.-)\n(.-)\n(.-)\n$")
    lu.assertStrMatches(python, "[^:]*/python:/mine")
    lu.assertStrMatches(lua, "[^;]*/lua/%?%.lua;[^;]*/lua/%?/init%.lua;"
                        .. "/mine/%?%.lua")
    lu.assertStrMatches(path, ".*/bin/neap")
  end
end)

-- The tree's own checks ------------------------------------------------------

test("check_layers finds an include from above", function()
  local checker = support.root .. "/scripts/check_layers"
  local tree = support.path("tree")
  assert(os.execute(("mkdir -p %s/core/os %s/core/heap %s/bindings %s/examples")
    :gsub("%%s", tree)))
  support.file("tree/core/heap/a.c", '#include "os/os.h"\n#include <stdio.h>\n')
  local lua = quoted(arg[-1])
  local said, code = support.shell(("%s %s %s"):format(lua, checker, tree))
  lu.assertEquals(code, 0, said)
  support.file("tree/core/os/b.c", '\n# include "heap/heap.h"\n')
  said, code = support.shell(("%s %s %s"):format(lua, checker, tree))
  lu.assertEquals(code, 1)
  lu.assertStrContains(said, "core/os/b.c:2: heap/heap.h is above")
end)

-- checkpoint, restore ----------------------------------------------------------

test("a heap goes to a file and comes back", function()
  local name, again = support.name("sky"), support.name("again")
  local heap = assert(neap.open(name))
  heap:counter("hits"):add(7)
  local path = support.path("night.ckpt")
  lu.assertStrContains(says(("checkpoint %s %s"):format(name, path)),
                       "2 processes stood still")
  local info = told("checkpoint " .. path)
  lu.assertEquals(info.uuid, heap:info().uuid)
  lu.assertStrContains(says(("restore %s %s"):format(path, again)), "1 object")
  local restored <close> = assert(neap.open(again, {create = false}))
  lu.assertEquals(restored:counter("hits"):get(), 7)
  refuses(("restore %s %s"):format(path, again), 1, "is there already")
  refuses(("checkpoint %s /etc/passwd"):format(name), 1,
          "something else is there")
  refuses(("checkpoint %s %s --compress 23"):format(name, path), 2,
          "no level of compression")
  assert(restored:unlink())
  assert(heap:unlink())
end)

-- maps, doctor -----------------------------------------------------------------

test("maps shows what a process has mapped", function()
  local name = support.name("sky")
  local map = assert(neap.map(name, "64K"))
  map:write(0, "i32", 7)
  local items = told("maps " .. support.pid())
  local item = find(items, "name", name)
  lu.assertEquals({item.kind, item.size, item.protection, item.shared},
                  {"posix", 65536, "rw-", true})
  lu.assertTrue(item.resident >= 4096)
  lu.assertNotNil(find(items, "kind", "stack"))
  for _, shared in ipairs(told("maps --shared " .. support.pid())) do
    lu.assertTrue(shared.shared)
  end
  lu.assertStrContains(says("maps"), "mappings: ")
  refuses("maps nobody", 1, "not the number of a process")
  refuses("maps 4194304", 1, "no process")
  assert(neap.unlink(name))
end)

test("doctor tells what there is", function()
  local items = told("doctor")
  lu.assertEquals(find(items, "what", "a heap").health, "good")
  lu.assertEquals(find(items, "what", "neap").state, neap.version)
  for _, feature in ipairs(neap.features()) do
    lu.assertEquals(find(items, "what", feature.name).health,
                    feature.present and "good" or "note")
  end
  lu.assertStrContains(says("doctor"), "/dev/shm")
end)

-- map --------------------------------------------------------------------------

test("map shows what the bytes of a heap are used for", function()
  local heap, name = furnished()
  heap:array("large", "f64", 100000)
  heap:drop("large")
  heap:array("small <&>", "u8", 5000):fill(1)
  local parts = told("map " .. name)
  local at, info = 0, heap:info()
  for _, part in ipairs(parts) do -- without a gap
    lu.assertEquals(part.offset, at)
    at = at + part.size
    lu.assertTrue(part.resident <= part.size)
  end
  lu.assertEquals(at, info.reserved)
  lu.assertEquals({parts[1].kind, parts[2].kind, parts[#parts].kind},
                  {"header", "slots", "reserve"})
  local small = find(parts, "name", "small <&>")
  lu.assertEquals(small.kind, "array")
  lu.assertTrue(small.size >= 5000 and small.resident >= 4096)
  lu.assertNil(find(parts, "name", "large"))
  lu.assertStrContains(says("map " .. name), "small <&>")
  lu.assertStrContains(says("map " .. name),
                       ("mapped by 1 process: %d"):format(support.pid()))
  if small.others then -- this process has filled it
    lu.assertTrue(small.others >= 4096 and small.others <= small.size)
  end
  local svg, html = support.path("map.svg"), support.path("map.html")
  lu.assertEquals(says(("map %s --svg %s --html %s"):format(name, svg, html)),
                  "")
  lu.assertStrContains(support.read(svg), "small &lt;&amp;&gt;")
  lu.assertStrContains(support.read(html), "<td>array</td>")
  refuses(("map %s --svg /no/such/place"):format(name), 1, "/no/such/place")
  refuses("map nothing", 1,
          "nothing")
  heap:unlink()
end)

-- bench ------------------------------------------------------------------------

test("bench ipc measures each way", function()
  local path = support.path("ipc.svg")
  local items = told(("bench ipc --sizes 8,64K --seconds 0.01 --svg %s"):format(
    quoted(path)))
  lu.assertEquals(#items, 14)
  for _, item in ipairs(items) do
    if item.size > 8192 and item.way:find("mq") then
      lu.assertStrContains(item.why, "bytes at once")
    else
      lu.assertTrue(item.latency > 0 and item.latency < 1e9, item.way)
      lu.assertTrue(item.transfer > 0 and item.touched > 0, item.way)
    end
  end
  local svg = support.read(path)
  lu.assertStrContains(svg, "<svg ")
  local _, lines = svg:gsub("<polyline", "")
  lu.assertEquals(lines, 14)
  lu.assertStrMatches(says("bench ipc --sizes 8 --ways pipe,neap --seconds 0.01")
    :match("[^\n]+"), " *SIZE +WAY +ONE WAY +TRANSFER +.*")
  refuses("bench ipc --sizes many", 1, "--sizes: 'many'")
  refuses("bench ipc --ways pigeon", 1, "there is no 'pigeon'")
  refuses("bench ipc --seconds 0", 1, "--seconds: '0'")
  refuses("bench other", 2, "'ipc'")
  refuses("bench ipc --svg /no/such/place.svg", 1, "/no/such/place.svg")
end)

-- serve ------------------------------------------------------------------------

test("serve gives snapshots to whoever takes them", function()
  local heap, name = furnished()
  local path = support.path("sky.sock")
  local server = neap.fork(function()
    return says(("serve --count 1 %s %s"):format(name, path))
  end)
  local segment = assert(neap.segment.take(path, 20))
  lu.assertEquals(assert(segment:heap()):counter("hits"):get(),
                  heap:counter("hits"):get())
  lu.assertStrContains(select(2, server:wait()), "1 snapshot taken")
  lu.assertEquals(told(("serve --timeout 0.01 %s %s"):format(name, path)).served,
                  0)
  refuses(("serve --count few %s %s"):format(name, path), 1, "--count: 'few'")
  refuses(("serve %s /no/such/place"):format(name), 1, "/no/such/place")
  heap:unlink()
end)

-- locks ------------------------------------------------------------------------

test("locks --measure tells what happens at each lock", function()
  local heap <close> = assert(neap.open(support.name("sky")))
  local name, lock = heap:address(), heap:mutex("lock")
  lu.assertStrContains(says("locks --measure=0.01 " .. name), "OBJECT")
  local child = neap.fork(function()
    while true do
      lock:lock()
      os.execute("sleep 0.01")
      lock:unlock()
    end
  end)
  local items = told("locks --measure=0.3 " .. name)
  lu.assertEquals({#items, items[1].name, items[1].measured}, {1, "lock", true})
  lu.assertTrue(items[1].acquisitions > 0)
  lu.assertTrue(items[1].longest_hold > 0.01)
  lu.assertEquals(heap:statistics("lock").measured, false)
  heap:measure("lock")
  lu.assertEquals(says("locks --measure=0 " .. name), "")
  lu.assertEquals(heap:statistics("lock").measured, false)
  refuses("locks --measure=soon " .. name, 1, "'soon' is no number")
  lu.assertStrContains(says("locks --measure 0.01 " .. name), "OBJECT")
  local bare = neap.now() -- 5 seconds unless said, wherever the option stands
  lu.assertStrContains(says("locks --measure " .. name), "OBJECT")
  lu.assertTrue(neap.now() - bare >= 5)
  support.kill(child)
  heap:unlink()
end)

test("locks shows who holds and who waits", function()
  local name = support.name("sky")
  local heap = assert(neap.open(name))
  local lock, other = heap:mutex("lock"), heap:mutex("other")
  lu.assertStrContains(says("locks " .. name), "Nobody holds anything")
  lock:lock()
  local child = neap.fork(function() other:lock(); lock:lock() end)
  support.eventually(function() return #heap:locks() == 3 end, "the wait")
  local found = told("locks " .. name)
  lu.assertEquals(found.deadlocks, {})
  local waits = find(found.locks, "role", "waits")
  lu.assertEquals({waits.name, waits.kind, waits.pid}, {"lock", "mutex", child.pid})
  lu.assertTrue(waits.waited >= 0)
  lu.assertStrContains(says("locks " .. name), "waits")
  support.kill(child)
  lock:unlock()
  assert(heap:unlink())
end)
