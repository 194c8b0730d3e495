--- Writes the rockspec's lists of files anew, for a rockspec cannot list a
-- directory. Run it at the top of the tree after adding or removing a file:
--
--     lua bindings/lua/rockspec.lua neap-*.rockspec

local path = assert(arg[1], "usage: lua bindings/lua/rockspec.lua FILE")

local function files(pattern)
  local pipe = assert(io.popen("ls " .. pattern))
  local text = pipe:read("a")
  assert(pipe:close(), "run it at the top of the tree")
  return text:gmatch("[^\n]+")
end

local function sources()
  local lines = {}
  for source in files("bindings/lua/*.c core/*/*.c") do
    lines[#lines + 1] = ("        %q,\n"):format(source)
  end
  return table.concat(lines)
end

local function modules()
  local lines = {}
  for source in files("bindings/lua/neap/*.lua scripts/neap/*.lua") do
    local name = source:match("neap/([%w_]+)%.lua$")
    name = name == "init" and "neap" or ("[\"neap.%s\"]"):format(name)
    lines[#lines + 1] = ("    %s = %q,\n"):format(name, source)
  end
  return table.concat(lines)
end

local file = assert(io.open(path))
local text = file:read("a")
file:close()

local head, middle, tail = text:match(
  "^(.-\n      sources = {\n).-(      },\n.-\n    },\n).-(  },\n.*)$")
assert(head, path .. " has no lists of files")
file = assert(io.open(path, "w"))
file:write(head, sources(), middle, modules(), tail)
file:close()
