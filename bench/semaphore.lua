--- Semaphores. Lua has none: beside them stands a call of two methods that do
-- nothing, which is what the language alone costs.
local neap = require "neap"

local Nothing = {}
Nothing.__index = Nothing
function Nothing:acquire() end
function Nothing:release() end

local function pair(semaphore)
  return function(n)
    for _ = 1, n do
      semaphore:acquire()
      semaphore:release()
    end
  end
end

return function(bench)
  local heap = assert(neap.heap())
  local theirs = {"two empty Lua methods", pair(setmetatable({}, Nothing))}
  bench:row("acquire and release", "ns",
    {"neap", pair(assert(heap:semaphore("classic", 3)))}, theirs)
  bench:row("undo, acquire and release", "ns",
    {"neap", pair(assert(heap:semaphore("undo", 3, {undo = true})))}, theirs)
end
