--- The types for editors must name what there is, and nothing else.
local lu = require "luaunit"
local neap = require "neap"
local core = require "neap.core"
local support = require "support"
local test = support.test

local source = support.read(support.root .. "/bindings/lua/types/neap.d.lua")

local function described(pattern)
  local names = {}
  for owner, name in source:gmatch(pattern) do
    names[owner] = names[owner] or {}
    names[owner][name] = true
  end
  return names
end

local function names_of(functions)
  local names = {}
  for name, item in pairs(functions) do
    if type(item) == "function" then names[name] = true end
  end
  return names
end

test("every method is described, and every description is of a method",
function()
  local methods = described("function ([%a_]+):([%w_]+)")
  for _, noun in ipairs {"heap", "counter", "array", "mutex", "semaphore",
                         "event", "latch", "condition", "rwlock", "barrier",
                         "once", "segment", "mapping", "process", "guard",
                         "kernel_semaphore", "overlay"} do
    lu.assertEquals(methods[noun], names_of(core.methods[noun]), noun)
  end
end)

test("every function is described", function()
  local functions = described("function ([%a_]+)%.([%w_]+)")
  lu.assertEquals(functions.neap, names_of(neap))
  lu.assertEquals(functions.segments, names_of(neap.segment))
  lu.assertEquals(functions.kernel_semaphores,
                  names_of(neap.kernel_semaphore))
end)

test("the file of types is sound Lua", function()
  assert(load(source))
end)
