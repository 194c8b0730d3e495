--- neap locks: who holds what, who waits for what, deadlocks.

local heaps = require "neap.cli_heap"
local out = require "neap.cli_out"

local locks = {}

function locks.describe(command)
  command:summary "Show who holds what, who waits, and deadlocks."
  command:description(
    "List what the threads that use a heap hold and what they wait for, and "
    .. "for how long. Threads that wait for each other for ever are named; the "
    .. "exit status is then 1. Nobody is disturbed: what is shown was so a "
    .. "moment ago.")
  command:argument("heap", "sky, sysv:5678, ./results.neap.")
  command:option("-w --watch", "Again every so many seconds.")
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

local styles = {holds = "green", reads = "green", waits = "yellow"}

local function row_of(use)
  local role = use.role
  if use.permits then role = ("%s %d"):format(role, use.permits) end
  if use.dead then role = role .. " (dead)" end
  return {
    out.printable(use.name), use.kind, {role, styles[use.role]},
    ("%d"):format(use.pid), ("%d"):format(use.tid), out.printable(use.command),
    use.waited and ("%.1f s"):format(use.waited) or {"-", "dim"},
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

local function seconds_of(args)
  local asked = type(args.watch) == "table" and args.watch[1] or args.watch
  local seconds = asked and tonumber(asked) or 1
  if not seconds or seconds <= 0 then
    out.fail(("'%s' is no number of seconds"):format(tostring(asked)))
  end
  return seconds
end

function locks.run(args)
  local heap, why = heaps.try(args.heap, {read_only = true})
  if not heap then out.fail(why) end
  local uses, deadlocks = look(heap)
  if args.json then
    out.json({locks = uses, deadlocks = deadlocks})
  elseif args.watch then
    local seconds = seconds_of(args)
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
