--- Mutexes. Lua has none: beside them stands a call of two methods that do
-- nothing, which is what the language alone costs.
local neap = require "neap"

local Nothing = {}
Nothing.__index = Nothing
function Nothing:lock() end
function Nothing:unlock() end

local function pair(lock)
  return function(n)
    for _ = 1, n do
      lock:lock()
      lock:unlock()
    end
  end
end

return function(bench)
  local heap = assert(neap.heap())
  local lock = assert(heap:mutex("lock"))

  local function inside() end

  local function with(n)
    for _ = 1, n do lock:with(inside) end
  end

  local theirs = {"two empty Lua methods", pair(setmetatable({}, Nothing))}
  bench:row("lock and unlock", "ns", {"neap", pair(lock)}, theirs)
  bench:row("with a function", "ns", {"neap", with}, theirs)
end
