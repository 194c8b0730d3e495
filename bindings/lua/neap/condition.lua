--- condition:wait_for, the loop around condition:wait.
--
-- @module neap

local core = require "neap.core"

local holds = core.methods.mutex.mine
local condition = core.methods.condition

local function check(predicate, timeout)
  local meta = getmetatable(predicate)
  if type(predicate) ~= "function"
    and not (type(meta) == "table" and meta.__call) then
    error(("bad argument #2 to 'wait_for' (function expected, got %s)"):format(
      type(predicate)), 3)
  end
  if timeout ~= nil and not (type(timeout) == "number" and timeout >= 0) then
    error("bad argument #3 to 'wait_for' (a timeout is seconds from 0 up, or "
      .. "nil to wait for ever)", 3)
  end
end

--- Wait, as wait does, until a predicate holds. It is called with the mutex
-- locked: before the first wait, after each, and once more at the timeout.
--
-- @usage local n = changed:wait_for(lock, function()
--   return jobs:get() > 0 and jobs:get()
-- end, 10)
-- @function condition:wait_for
-- @tparam mutex mutex one of the same heap, which this thread holds
-- @tparam function predicate
-- @tparam[opt] number timeout seconds; nil waits for ever
-- @return what the predicate gave; false on timeout; or nil, text and code
-- @treturn string "abandoned" if an owner of the mutex died inside meanwhile;
-- "timeout"
function condition:wait_for(mutex, predicate, timeout)
  check(predicate, timeout)
  if not holds(mutex) then return self:wait(mutex, 0) end
  local deadline = timeout and core.now() + timeout
  local news, expired

  while true do
    local value = predicate()
    if value then return value, news end
    if expired then return false, "timeout" end
    local ok, said, code =
      self:wait(mutex, deadline and math.max(0, deadline - core.now()))
    if ok == nil then return nil, said, code end
    expired = not ok
    news = ok and said or news
  end
end
