-- Four workers add to one counter at once, and nothing is lost.
--
--     neap 01_share_a_counter.lua

local neap = require "neap"

local WORKERS, TIMES = 4, 100000

local heap = assert(neap.heap()) -- without a name: it goes with its last user
local hits = assert(heap:counter("hits"))

neap.run(WORKERS, function() -- in a process of its own
  for _ = 1, TIMES do
    hits:add(1)
  end
end)

print(("%d workers counted to %d"):format(WORKERS, hits:get()))
