--- Heaps, against opening a small file: Lua has nothing nearer.
local neap = require "neap"

return function(bench)
  local name = "neap-bench-" .. tostring({}):match("0x(%x+)")
  local heap = assert(neap.open(name))
  local path = os.tmpname()

  local function open_ours(n)
    for _ = 1, n do assert(neap.open(name)):close() end
  end

  local function open_file(n)
    for _ = 1, n do assert(io.open(path, "r+")):close() end
  end

  local function create_ours(n)
    for _ = 1, n do
      local made = assert(neap.open(name .. "-new"))
      assert(made:unlink())
      made:close()
    end
  end

  local function create_file(n)
    for _ = 1, n do
      local file = assert(io.open(path .. "-new", "w"))
      file:write("x")
      file:close()
      os.remove(path .. "-new")
    end
  end

  bench:row("open and close by name", "us", {"neap", open_ours},
    {"io.open of a file", open_file})
  bench:row("create and unlink", "us", {"neap", create_ours},
    {"io.open, write, os.remove", create_file})

  assert(heap:unlink())
  os.remove(path)
end
