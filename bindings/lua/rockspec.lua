--- Writes the rockspec's list of C files anew, for a rockspec cannot list a
-- directory. Run it at the top of the tree after adding or removing a file:
--
--     lua bindings/lua/rockspec.lua neap-*.rockspec

local path = assert(arg[1], "usage: lua bindings/lua/rockspec.lua FILE")

local function listing()
  local lines = {}
  local pipe = assert(io.popen("ls bindings/lua/*.c core/*/*.c"))
  for source in pipe:lines() do
    lines[#lines + 1] = ("        %q,\n"):format(source)
  end
  assert(pipe:close(), "run it at the top of the tree")
  return table.concat(lines)
end

local file = assert(io.open(path))
local text = file:read("a")
file:close()

local head, tail = text:match("^(.-sources = {\n).-(\n?      },\n.*)$")
assert(head, path .. " has no list of sources")
file = assert(io.open(path, "w"))
file:write(head, listing(), (tail:gsub("^\n", "")))
file:close()
