-- Checkpoint and migration: a job is stopped on its way, its heap is carried as
-- a file to another process, and the job goes on there.
--
--     neap 12_checkpoint_and_migration.lua

local neap = require "neap"

local HALF, END = 50000, 100000

-- Adds 1, 2, 3, ... up, and rests half-way until it may go on.
local function work(heap)
  local lock, go = heap:mutex("lock"), heap:event("go")
  local done, sum = heap:counter("done"), heap:counter("sum")
  while done:get() < END do
    if done:get() == HALF then go:wait() end
    lock:with(function()
      local n = done:get() + 1
      sum:add(n)
      done:set(n)
    end)
  end
end

local heap = neap.heap()
local worker = neap.fork(function() work(heap) end)
while heap:counter("done"):get() < HALF do end
local report = assert(heap:checkpoint("job.ckpt"))
print(("%d processes stood still"):format(report.stopped))
worker:kill("SIGKILL")                       -- this machine is lost
worker:wait()
heap:close()

local elsewhere = neap.fork(function()       -- and here is another one
  local again <close> = assert(neap.restore("job.ckpt"))
  print(("the job goes on at %d"):format(again:counter("done"):get()))
  again:event("go"):set()
  work(again)
  print(("the sum to %d is %d"):format(again:counter("done"):get(),
                                       again:counter("sum"):get()))
end)
assert(elsewhere:wait())
os.remove("job.ckpt")
