--- A list of files forgets. bindings/lua/rockspec.lua writes it anew.
local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test = support.test

local function rockspec()
  local path = support.shell("ls " .. support.root .. "/neap-*.rockspec")
  local spec = {}
  assert(loadfile(path:match("[^\n]+"), "t", spec))()
  return spec
end

local function files(pattern)
  local found = {}
  local listing = support.shell("cd " .. support.root .. " && ls " .. pattern)
  for path in listing:gmatch("[^\n]+") do found[#found + 1] = path end
  table.sort(found)
  return found
end

test("the rock has every C file", function()
  local listed = rockspec().build.modules["neap.core"].sources
  table.sort(listed)
  lu.assertEquals(listed, files("bindings/lua/*.c core/*/*.c"))
end)

test("the rock has every Lua file", function()
  local listed = {}
  for _, source in pairs(rockspec().build.modules) do
    if type(source) == "string" then listed[#listed + 1] = source end
  end
  table.sort(listed)
  lu.assertEquals(listed, files("bindings/lua/neap/*.lua scripts/neap/*.lua"))
end)

test("the rock has the library's version", function()
  lu.assertEquals(rockspec().version:match("^(.*)%-%d+$"), neap.version)
end)
