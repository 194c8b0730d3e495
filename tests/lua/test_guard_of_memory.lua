--- Memory that is gone, or forbidden: an error, not the end of the process.
local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test, raises, fails = support.test, support.raises, support.fails

local PAGE = 4096

local function file_of(pages)
  local path = support.file("numbers", ("\7"):rep(pages * PAGE))
  return path, assert(neap.segment.open("file:" .. path))
end

local function shorten(path, bytes)
  assert(os.execute(("truncate -s %d '%s'"):format(bytes, path)))
end

test("a file that was made shorter is an error on access", function()
  local path, segment = file_of(8)
  local map = assert(segment:map())
  local bytes = map:array("u8", 8 * PAGE)
  shorten(path, 2 * PAGE)
  lu.assertEquals(bytes[2 * PAGE], 7)
  raises("made it shorter while it was mapped", function()
    return bytes[2 * PAGE + 1]
  end)
  raises("map it again", map.read, map, 0, "u8")
  lu.assertEquals(bytes[1], 7)
  map:close()
  lu.assertEquals(assert(segment:map()):length(), 2 * PAGE)
end)

test("each way to touch it raises, and in coroutines too", function()
  local ways = {
    function(bytes) return bytes[7 * PAGE] end,
    function(bytes) bytes[7 * PAGE] = 1 end,
    function(bytes) return bytes:get(7 * PAGE) end,
    function(bytes) bytes:set(7 * PAGE, 1) end,
    function(bytes) return bytes:sum() end,
    function(bytes) return bytes:fill(1) end,
    function(bytes) return bytes:totable() end,
    function(bytes) return bytes:fetch_add(7 * PAGE, 1) end,
    function(_, map) return map:read(7 * PAGE, "u8") end,
    function(_, map) return map:bytes() end,
    function(_, map) map:write_bytes(7 * PAGE, "x") end,
    function(bytes) return coroutine.wrap(function() return bytes:max() end)() end,
    function(bytes) return select(2, assert(pcall(error, bytes:sum()))) end,
  }
  for _, way in ipairs(ways) do
    local path, segment = file_of(8)
    local map = assert(segment:map())
    local bytes = map:array("u8", 8 * PAGE)
    shorten(path, PAGE)
    raises("made it shorter", way, bytes, map)
    bytes:close()
    map:close()
  end
end)

test("others' hooks are put back", function()
  local path, segment = file_of(4)
  local bytes = assert(segment:map()):array("u8", 4 * PAGE)
  local count = 0
  local function hook() count = count + 1 end
  shorten(path, PAGE)
  debug.sethook(hook, "", 1000000)
  raises("shorter", bytes.sum, bytes)
  local there, _, every = debug.gethook()
  debug.sethook()
  lu.assertEquals({there, every}, {hook, 1000000})
end)

test("a heap whose file was made shorter refuses", function()
  local path = support.path("sky.neap")
  local heap = assert(neap.open("file:" .. path))
  local hits, grid = heap:counter("hits"), heap:array("grid", "f64", 100000)
  hits:add()
  shorten(path, PAGE)
  raises("shorter", grid.sum, grid)
  fails("ESTALE", hits:add())
  fails("ESTALE", heap:mutex("lock"))
  heap:close()
end)

test("it is turned off and on", function()
  lu.assertTrue(neap.guard())
  lu.assertTrue(neap.guard(false))
  lu.assertFalse(neap.guard())
  lu.assertFalse(neap.guard(true))
  raises("boolean", neap.guard, 1)
  local path, segment = file_of(4)
  local bytes = assert(segment:map()):array("u8", 4 * PAGE)
  shorten(path, PAGE)
  local child = neap.fork(function()
    neap.guard(false)
    return bytes:sum()
  end)
  local _, text, code = child:wait()
  lu.assertEquals(code, "EKILLED")
  lu.assertStrContains(text, "SIGBUS")
  child = neap.fork(function() return bytes:sum() end)
  _, text, code = child:wait()
  lu.assertEquals(code, "EWORKER")
  lu.assertStrContains(text, "made it shorter")
end)

test("the environment turns it off from the beginning", function()
  local script = support.file("guard.lua",
                              "print(require('neap').guard())")
  lu.assertEquals(support.shell(("NEAP_GUARD=0 lua5.4 %s"):format(script)),
                  "false\n")
  lu.assertEquals(support.shell(("NEAP_GUARD=1 lua5.4 %s"):format(script)),
                  "true\n")
end)
