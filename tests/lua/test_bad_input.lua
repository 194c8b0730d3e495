--- Any file or segment may be offered to open: what is no sound heap gets a
-- clear error, is not written, and crashes nobody.
local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises, fails = support.test, support.raises, support.fails

--- The bytes of a heap with some objects in it.
local function image()
  local path = support.path("model.neap")
  local heap = assert(neap.open("file:" .. path))
  heap:counter("hits"):add(7)
  heap:array("list", "i32", 100):fill(3)
  heap:mutex("lock")
  heap:semaphore("slots", 2, {undo = true})
  heap:close()
  collectgarbage()
  return support.read(path)
end

--- Offer a file; it must be refused and stay as it was.
local function refused(code, bytes)
  local path = support.file("offered.bin", bytes)
  for _, options in ipairs {{}, {create = false}, {read_only = true}} do
    fails(code, neap.open("file:" .. path, options))
    lu.assertTrue(support.read(path) == bytes, "the file was changed")
  end
end

test("files that are no heap are EFOREIGN", function()
  refused("EFOREIGN", "just a text\n")
  refused("EFOREIGN", ("\0"):rep(100000))
  refused("EFOREIGN", ("\x7fELF"):rep(5000))
  refused("EFOREIGN", support.read(arg[0]))
end)

test("raw segments are EFOREIGN", function()
  local name = support.name("raw")
  local made = assert(neap.segment.create(name, 100000))
  made:map():write_bytes(0, ("text"):rep(100))
  lu.assertStrContains(fails("EFOREIGN", neap.open(name)), name)
  lu.assertEquals(made:map():bytes(0, 8), "texttext")
  made:unlink()
  local key = support.sysv(3)
  made = assert(neap.segment.create(key, 100000))
  made:map():write_bytes(0, ("text"):rep(100))
  fails("EFOREIGN", neap.open(key))
  made:unlink()
end)

test("truncated heaps are refused at every length", function()
  local whole = image()
  local step = #whole // 37
  for length = 1, #whole - 1, step do
    local path = support.file("short.neap", whole:sub(1, length))
    local heap, text, code = neap.open("file:" .. path)
    lu.assertNil(heap)
    lu.assertTrue(code == "ECORRUPT" or code == "EFOREIGN", tostring(code))
    lu.assertTrue(#text > 10)
  end
end)

test("a heap of another layout is ELAYOUT", function()
  local whole = image()
  local seen = {}
  for at = 1, 200 do -- somewhere in the header stands the layout's version
    local other = whole:sub(1, at - 1)
      .. string.char((whole:byte(at) + 1) % 256) .. whole:sub(at + 1)
    local path = support.file("other.neap", other)
    local heap, _, code = neap.open("file:" .. path, {read_only = true})
    if heap then heap:close() end
    seen[code or "opened"] = true
  end
  lu.assertTrue(seen.ELAYOUT)
  lu.assertTrue(seen.EFOREIGN)
end)

test("scrambled heaps never crash the one who opens and reads them", function()
  local whole = image()
  math.randomseed(20240607)
  for round = 1, 150 do
    local bytes = whole
    for _ = 1, math.random(1, 20) do
      local at = math.random(1, round % 2 == 0 and 4096 or #bytes)
      bytes = bytes:sub(1, at - 1) .. string.char(math.random(0, 255))
        .. bytes:sub(at + 1)
    end
    local path = support.file("scrambled.neap", bytes)
    local process = neap.fork(function()
      local heap, text, code = neap.open("file:" .. path, {read_only = true})
      if not heap then return #text > 10 and code end
      for _, item in ipairs(heap:list() or {}) do
        local object = heap:object(item.name)
        if object and item.kind == "array" then object:sum() end
        if object and item.kind == "counter" then object:get() end
      end
      heap:check()
      return "opened"
    end)
    local ok, result = process:wait(20)
    lu.assertTrue(ok, ("round %d: %s"):format(round, tostring(result)))
    lu.assertEquals(type(result), "string")
    process:close()
    lu.assertTrue(support.read(path) == bytes, "the file was changed")
  end
end)

test("a directory and a device are refused", function()
  for _, path in ipairs {"/tmp", "/dev/null", "/dev/zero"} do
    raises("not a regular file", neap.open, "file:" .. path)
  end
  fails("ENOENT", neap.open("file:/no/such/place/x.neap"))
end)

--- Run a script as a user who may do nothing here. It may not even look into
-- the directories above, so the library is named as seen from this one.
local function as_nobody(source)
  return support.shell("chmod 755 " .. support.path("") .. "; setpriv "
    .. "--reuid=65534 --regid=65534 --clear-groups env LD_LIBRARY_PATH="
    .. (os.getenv("NEAP_BUILD") or support.root .. "/build") .. "/lib " .. support.command(source))
end

test("another user gets EACCES, or what the mode gives", function()
  if support.shell("id -u") ~= "0\n"
    or select(2, support.shell("setpriv --reuid=65534 true")) ~= 0 then
    return -- who is not root cannot be someone else
  end
  local name = support.name("sky")
  local heap = assert(neap.open(name))
  heap:counter("hits"):add(7)
  local script = ([[
    local neap = require "neap"
    local heap, text, code = neap.open(%q, {read_only = ...})
    print(heap and heap:counter("hits"):get() or code, text)
    print(select(3, neap.unlink(%q)))
    print(select(3, neap.segment.open(%q)))
  ]]):format(name, name, name)
  local output = as_nobody(script)
  lu.assertStrContains(output, "EACCES")
  lu.assertStrContains(output, name)
  lu.assertNotStrContains(output, "\n7")
  assert(heap:unlink())

  heap = assert(neap.open(name, {mode = "0644"}))
  heap:counter("hits"):add(7)
  output = as_nobody(script:gsub("%.%.%.", "true"))
  lu.assertStrMatches(output, "7\t.*")
  output = as_nobody(script:gsub("%.%.%.", "false"))
  lu.assertStrContains(output, "EACCES")
  assert(heap:unlink())
end)

test("a full /dev/shm is ENOSPC, and no signal", function()
  local name = support.name("huge")
  fails("ENOSPC", neap.segment.create(name, "512T"))
  fails("ENOENT", neap.segment.open(name))
  local heap = assert(neap.open(name, {reserve = "3T"}))
  fails("ENOSPC", heap:array("huge", "f64", 1 << 38))
  heap:counter("hits"):add()
  lu.assertTrue(heap:check().ok)
  heap:unlink()
end)

test("exhausted slots are told, and free ones are used again", function()
  local heap = neap.heap {slots = 2}
  local lock = heap:mutex("lock")
  local go, ready = heap:semaphore("go", 0), heap:semaphore("ready", 0)
  lock:lock()
  lock:unlock()
  local inside = neap.fork(function()
    ready:release()
    go:acquire()
  end)
  ready:acquire()
  local outside = neap.fork(function() return select(3, go:acquire(0.1)) end)
  lu.assertEquals({outside:wait()}, {true, "ESLOTS"})
  go:release()
  lu.assertEquals({inside:wait()}, {true})
  lu.assertEquals({neap.fork(function()
    return (lock:lock())
  end):wait()}, {true, true})
end)
