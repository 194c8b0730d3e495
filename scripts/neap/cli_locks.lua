--- neap locks: who holds what, who waits for what, deadlocks.

local neap = require "neap"
local heaps = require "neap.cli_heap"
local out = require "neap.cli_out"

local locks = {}

function locks.describe(command)
  command:summary "Show who holds what, who waits, and deadlocks."
  command:description(
    "List what the threads that use a heap hold and what they wait for, and "
    .. "for how long. Threads that wait for each other for ever are named; the "
    .. "exit status is then 1. Nobody is disturbed: what is shown was so a "
    .. "moment ago. With --measure, what happens at each mutex, rwlock and "
    .. "semaphore in so many seconds: how often it was taken, how often that "
    .. "meant to wait, and the longest times.")
  command:argument("heap", "sky, sysv:5678, ./results.neap.")
  command:option("-w --watch", "Again every so many seconds.")
    :argname("SECONDS"):args("?")
  command:option("-m --measure", "Measure for so many seconds, 5 unless said, or "
                 .. "until Ctrl-C. 0 ends what a script began.")
    :argname("SECONDS"):args("?")
end

--- The command of a process, if it is one of this PID namespace.
local function command_of(pid)
  local file = io.open(("/proc/%d/comm"):format(pid))
  local name = file and file:read("l") or "?"
  if file then file:close() end
  return name
end

local columns = {
  {"OBJECT"}, {"KIND"}, {"WHO"}, {"PID", right = true}, {"THREAD", right = true},
  {"COMMAND"}, {"FOR", right = true},
}

local function duration(seconds)
  if not seconds then return {"-", "dim"} end
  if seconds >= 1 then return ("%.1f s"):format(seconds) end
  if seconds >= 1e-3 then return ("%.1f ms"):format(seconds * 1e3) end
  return ("%.1f us"):format(seconds * 1e6)
end

local styles = {holds = "green", reads = "green", waits = "yellow"}

local function row_of(use)
  local role = use.role
  if use.permits then role = ("%s %d"):format(role, use.permits) end
  if use.dead then role = role .. " (dead)" end
  return {
    out.printable(use.name), use.kind, {role, styles[use.role]},
    ("%d"):format(use.pid), ("%d"):format(use.tid), out.printable(use.command),
    duration(use.waited or use.held),
  }
end

local function look(heap)
  local uses, deadlocks = heap:locks()
  for _, use in ipairs(uses) do use.command = command_of(use.pid) end
  table.sort(uses, function(a, b)
    if a.name ~= b.name then return a.name < b.name end
    if a.role ~= b.role then return a.role < b.role end
    return a.slot < b.slot
  end)
  return out.list(uses), out.list(deadlocks)
end

local function tell(uses, deadlocks)
  if #uses == 0 then
    print("Nobody holds anything, and nobody waits.")
  else
    local rows = {}
    for i, use in ipairs(uses) do rows[i] = row_of(use) end
    out.table(columns, rows)
  end
  for _, deadlock in ipairs(deadlocks) do
    print(out.styled("deadlock: ", "red") .. out.printable(deadlock.text))
  end
end

local function seconds_of(option, otherwise, least)
  local asked = option
  if type(option) == "table" then asked = option[1] end -- a bare one is {}
  local seconds = otherwise
  if asked then seconds = tonumber(asked) end
  if not seconds or seconds < least then
    out.fail(("'%s' is no number of seconds"):format(tostring(asked)))
  end
  return seconds
end

-- --measure ------------------------------------------------------------------

local measured_columns = {
  {"OBJECT"}, {"KIND"}, {"TAKEN", right = true}, {"A SECOND", right = true},
  {"WAITED", right = true}, {"LONGEST WAIT", right = true},
  {"LONGEST HOLD", right = true}, {"HELD", right = true},
}

local function percent(part, all)
  if not part or all == 0 then return {"-", "dim"} end
  return ("%.1f %%"):format(100 * part / all)
end

local function measured_row(item)
  return {
    out.printable(item.name), item.kind, ("%d"):format(item.acquisitions),
    ("%.0f"):format(item.acquisitions / item.seconds),
    percent(item.contended, item.acquisitions), duration(item.longest_wait),
    duration(item.longest_hold), percent(item.held, item.seconds),
  }
end

--- What was measured in that time, the most contended first.
local function measured_items(heap, seconds)
  local items = out.list()
  for _, object in ipairs(heap:list()) do
    local item = heap:statistics(object.name)
    if item and item.measured then
      item.name, item.seconds = object.name, seconds
      items[#items + 1] = item
    end
  end
  table.sort(items, function(a, b)
    if a.contended ~= b.contended then return a.contended > b.contended end
    if a.acquisitions ~= b.acquisitions then
      return a.acquisitions > b.acquisitions
    end
    return a.name < b.name
  end)
  return items
end

local function measure(args)
  local seconds = seconds_of(args.measure, 5, 0)
  local heap, why = heaps.try(args.heap)
  if not heap then out.fail(why) end
  if seconds == 0 then
    heap:measure(nil, false)
    heap:close()
    return 0
  end
  local count = heap:measure()
  local began = neap.now()
  if count > 0 then os.execute(("sleep %g"):format(seconds)) end
  local items = measured_items(heap, neap.now() - began)
  heap:measure(nil, false)
  heap:close()
  if args.json then
    out.json(items)
  elseif count == 0 then
    print("There is no mutex, no rwlock and no semaphore.")
  else
    local rows = {}
    for i, item in ipairs(items) do rows[i] = measured_row(item) end
    out.table(measured_columns, rows)
  end
  return 0
end

function locks.run(args)
  if args.measure then return measure(args) end
  local heap, why = heaps.try(args.heap, {read_only = true})
  if not heap then out.fail(why) end
  local uses, deadlocks = look(heap)
  if args.json then
    out.json({locks = uses, deadlocks = deadlocks})
  elseif args.watch then
    local seconds = seconds_of(args.watch, 1, 1e-3)
    while true do
      io.write("\27[H\27[2J")
      tell(uses, deadlocks)
      io.stdout:flush()
      if not os.execute(("sleep %g"):format(seconds)) then break end
      uses, deadlocks = look(heap)
    end
  else
    tell(uses, deadlocks)
  end
  heap:close()
  return #deadlocks > 0 and 1 or 0
end

return locks
