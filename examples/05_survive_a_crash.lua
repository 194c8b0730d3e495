-- Workers move coins from one purse to another, under a lock. One of them is
-- killed between taking a coin and putting it down, with the lock held. The
-- next one is told so, and picks the coin up.
--
--     neap 05_survive_a_crash.lua
--     LIVE_DANGEROUSLY=1 neap 05_survive_a_crash.lua     with a lock of 1 bit

local neap = require "neap"

local WORKERS, MOVES, COINS = 4, 100, 1000
local dangerous = (os.getenv("LIVE_DANGEROUSLY") or "") ~= ""

local heap = assert(neap.heap())
local purses = assert(heap:array("purses", "i64", 2))
local repairs = assert(heap:counter("repairs"))
local mutex = assert(heap:mutex("mutex"))
local start = assert(heap:semaphore("start", 0))
purses[1] = COINS

local function lock()
  local _, news = assert(mutex:lock())
  if news == "abandoned" then -- only we know what a half-done move looks like
    purses[2] = COINS - purses[1]
    repairs:add()
  end
  return true
end

local function unlock() mutex:unlock() end

-- What one might write over bare memory: 1 is locked, 0 is free. It has no
-- owner, so nobody learns that he is dead; and two may see the same 0.
if dangerous then
  local map = assert(neap.map("anonymous:", 4096))
  function lock()
    local deadline = neap.now() + 1
    while map:read(0, "i32") ~= 0 do
      if neap.now() > deadline then return false end
    end
    map:write(0, "i32", 1)
    return true
  end
  function unlock() map:write(0, "i32", 0) end
end

local function move_coins(id)
  if id > 1 then start:acquire() end -- the first one dies first
  for i = 1, MOVES do
    if not lock() then return "still locked after 1 s" end
    purses[1] = purses[1] - 1
    if id == 1 and i == 11 then
      for _ = 2, WORKERS do start:release() end
      os.execute("kill -KILL $PPID")
    end
    purses[2] = purses[2] + 1
    unlock()
  end
end

local workers = {}
for id = 1, WORKERS do workers[id] = assert(neap.fork(move_coins, id)) end
for id, worker in ipairs(workers) do
  local _, why, code = worker:wait()
  if code == "EKILLED" then
    print(("worker %d was killed inside the critical section"):format(id))
  elseif why then
    print(("worker %d gave up: %s"):format(id, why))
  end
end

if not dangerous then
  lock() -- the last one may have been the one that was killed
  unlock()
  print(("%d time the lock was abandoned, and the purses were put right")
    :format(repairs:get()))
end
print(("%d + %d = %d coins of %d"):format(purses[1], purses[2], purses:sum(),
                                         COINS))
