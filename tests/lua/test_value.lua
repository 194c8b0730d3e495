--- What neap/value.lua adds to the MessagePack library.
local lu = require "luaunit"
local value = require "neap.value"
local support = require "support"
local test = support.test

local function round_trip(what)
  return value.unpack((assert(value.pack(what))))
end

test("lists, maps and holes come back as they were", function()
  for _, what in ipairs {
    {}, {1}, {1, 2, 3}, {[2] = 1}, {nil, 2}, {1, nil, 3},
    {[1] = "a", [1.5] = "b", [3] = "c"}, {[0] = 0, 1}, {x = 1, 2},
    {[-1] = 1}, {[2.0 ^ 53] = 1}, {[1 / 0] = "inf"},
  } do
    lu.assertEquals(round_trip(what), what)
  end
  local long = {}
  for i = 1, 70000 do long[i] = i end
  lu.assertEquals(#round_trip(long), 70000)
end)

test("integers and floats stay apart, as values and as keys", function()
  for _, number in ipairs {0, 1, -1, 127, 128, 255, 256, 65535, 65536,
                           -128, -129, -32769, 2 ^ 31 | 0, 2 ^ 32 | 0,
                           math.maxinteger, math.mininteger,
                           0.0, 1.0, -1.0, 0.1, 2.0 ^ 53, 1e308} do
    lu.assertEquals(round_trip(number), number)
    lu.assertEquals(math.type(round_trip(number)), math.type(number))
  end
end)

test("strings keep every byte", function()
  local bytes = {}
  for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
  local all = table.concat(bytes)
  for _, count in ipairs {0, 1, 31, 32, 255, 256, 300} do
    lu.assertEquals(round_trip(all:rep(count)), all:rep(count))
  end
end)

test("metatables are not asked and do not travel", function()
  local odd = setmetatable({1, 2}, {
    __pairs = function() error("asked") end,
    __index = function() error("asked") end,
    __len = function() return 100 end,
  })
  local back = round_trip {odd, {k = odd}}
  lu.assertEquals(back, {{1, 2}, {k = {1, 2}}})
  lu.assertNil(getmetatable(back[1]))
end)

test("what a script does to the library does not reach values", function()
  local path = package.searchpath("MessagePack", package.path
                                  .. ";/usr/share/lua/5.3/?.lua")
  if not path then return end
  local shared = assert(loadfile(path))()
  package.loaded.MessagePack = shared
  shared.set_number "float"
  lu.assertEquals(round_trip(0.1), 0.1)
end)

test("deep tables come back; endless ones are an error", function()
  local deep = {}
  for _ = 1, 150 do deep = {deep} end
  lu.assertEquals(#assert(value.pack(deep)), 151)
  lu.assertEquals(round_trip(deep), deep)
  local loop = {}
  loop[1] = loop
  lu.assertEquals({value.pack(loop)},
                  {nil, "a table that contains itself (in [1])"})
end)

test("without the library the error says how to get it", function()
  local output = support.script [[
    package.searchpath = function() end
    local neap = require "neap"
    print(pcall(neap.run, 1, print))
    print(neap.heap():counter("hits"):add())
  ]]
  lu.assertStrContains(output, "apt install lua-messagepack")
  lu.assertStrContains(output, "\n1\n")
end)
