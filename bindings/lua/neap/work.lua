--- Workers: run a function in forked processes and collect what they return.
--
-- A child never returns to the script: it runs the function, sends the answer
-- and ends without lua_close, so no finalizer of the parent's objects runs
-- there. What was garbage before the fork is collected before the fork, for
-- otherwise parent and child would both finalize it.
--
-- An answer is a letter and a value: V and what the function returned, E and
-- what it raised, F and a text of what went wrong.
--
-- @module neap

local core = require "neap.core"
local progress = require "neap.progress"
local value = require "neap.value"

local work = {}

local POLL = 0.1  -- seconds between two looks at the progress
local GRACE = 1   -- seconds that a worker is given to end after SIGTERM

-- Errors ---------------------------------------------------------------------

--- The frames of the script: what xpcall and neap add below is cut off.
local function script_frames(traceback)
  local cut = traceback:find("\n\t%[C%]: in function 'xpcall'\n[^\n]*neap/work")
  return cut and traceback:sub(1, cut - 1) or traceback
end

local function says_what_it_is(raised)
  local meta = getmetatable(raised)
  return type(meta) == "table" and meta.__tostring
end

--- A message handler: keeps what was raised, as it is or as text.
local function caught(raised)
  if type(raised) == "table" and not says_what_it_is(raised) then
    local bytes = value.pack(raised)
    if bytes then return "E" .. bytes end
  end
  return "F" .. value.pack(tostring(raised)
    .. script_frames(debug.traceback("", 2)))
end

-- In the child ---------------------------------------------------------------

local function packed(result)
  local bytes, found = value.pack(result)
  return bytes and "V" .. bytes or "F" .. value.pack("cannot return " .. found
    .. "; nil, booleans, numbers, strings and tables of them can travel")
end

--- Run the function, send what came of it, end the process.
local function live(fn, ...)
  local ok, result = xpcall(fn, caught, ...)
  if ok then
    ok, result = xpcall(packed, caught, result)
  end
  core.answer(result)
  core.exit(result:sub(1, 1) == "V" and 0 or 1)
end

--- Another sequence of random numbers than the parent's and each sibling's,
-- the same whenever `seed` and `id` are.
local function seed_random(seed, id)
  if _VERSION == "Lua 5.3" then
    math.randomseed((seed ~ id * 0x9E3779B97F4A7C15) >> 32)
  else
    math.randomseed(seed, id)
  end
end

local function draw_seed()
  if _VERSION == "Lua 5.3" then return math.random(0, 0x7fffffff) end
  return math.random(0)
end

-- In the parent --------------------------------------------------------------

local function ended_without_answer(who, how)
  return ("%s (pid %d) ended with exit code %d and returned nothing: "
    .. "did it call os.exit?"):format(who, how.pid, how.code)
end

local function was_killed(who, how)
  return ("%s (pid %d) was killed by %s%s"):format(
    who, how.pid, how.signal, how.core and " (core dumped)" or "")
end

--- What an ended process came to: true and its value; or false, the error, and
-- its code. `who` names the process in texts.
local function outcome(who, how, answer)
  if how.signal then return false, was_killed(who, how), "EKILLED" end
  if answer == "" then
    return false, ended_without_answer(who, how), "EWORKER"
  end
  local letter, sound, result =
    answer:sub(1, 1), pcall(value.unpack, answer:sub(2))
  if sound and letter == "V" then return true, result end
  if sound and letter == "E" then return false, result, "EWORKER" end
  return false, who .. ": " .. tostring(result), "EWORKER"
end

--- What a worker is given.
local Worker = {}
Worker.__index = Worker

local range_options = {chunk = true}

--- Hand out first, first + step, ... last among the workers: each index goes
-- to exactly one of them, whoever is free takes the next. Every worker must
-- open the same ranges in the same order.
--
-- @usage for i in worker:range(1, 512) do grid:row(i):fill(worker.id) end
-- @function worker:range
-- @tparam integer first
-- @tparam integer last
-- @tparam[opt=1] integer step
-- @tparam[opt] table options chunk: how many indices to take at a time
function Worker:range(first, last, step, options)
  if type(step) == "table" and options == nil then step, options = nil, step end
  for key in pairs(options or {}) do
    if not range_options[key] then
      error("bad argument to 'range' (no option '" .. tostring(key)
        .. "'; there is chunk)", 2)
    end
  end
  return self.team:range(first, last, step, options and options.chunk)
end

local function work_as(id, team, n, fn, seed)
  seed_random(seed, id)
  live(fn, setmetatable({id = id, workers = n, team = team}, Worker))
end

local function start(team, n, fn, seed)
  for id = 1, n do
    local ok, text, code = team:fork(id, work_as, id, team, n, fn, seed)
    if not ok then return nil, text, code end
  end
  return true
end

--- Wait for the next worker that ends, with an eye on the bar.
local function next_ended(team, bar)
  if not bar then return team:next() end
  while true do
    local id, how, code = team:next(POLL)
    if id ~= false then return id, how, code end
    bar:draw(team:progress())
  end
end

--- All results; or nil and the error of the first worker that failed.
local function collect(team, n, bar)
  local results = {n = n}
  while true do
    local id, how, code = next_ended(team, bar)
    if code then error(how, 0) end -- no worker: the wait itself failed
    if not id then return results end
    local ok, result = outcome(("worker %d of %d"):format(id, n), how,
                               team:answered(id))
    if not ok then return nil, {raised = result} end
    results[id] = result
  end
end

local run_options = {progress = "any", seed = "integer", name = "string"}

local function check_options(options)
  if options == nil then return {} end
  if type(options) ~= "table" then
    error("bad argument #3 to 'run' (table expected, got " .. type(options)
      .. ")", 3)
  end
  for key, item in pairs(options) do
    local wanted = run_options[key]
    local got = math.type(item) or type(item)
    if not wanted then
      error("bad argument #3 to 'run' (no option '" .. tostring(key)
        .. "'; there are progress, seed, name)", 3)
    elseif wanted ~= "any" and got ~= wanted then
      error(("bad argument #3 to 'run' (option '%s': %s expected, got %s)")
        :format(key, wanted, got), 3)
    end
  end
  local bar = options.progress
  if bar ~= nil and type(bar) ~= "boolean" and bar ~= "auto" then
    error("bad argument #3 to 'run' (option 'progress': true, false or 'auto' "
      .. "expected)", 3)
  end
  return options
end

local function check_function(fn, name, at)
  local meta = getmetatable(fn)
  if type(fn) == "function" or type(meta) == "table" and meta.__call then
    return
  end
  error(("bad argument #%d to '%s' (function expected, got %s)"):format(
    at, name, type(fn)), 3)
end

--- Run a function in n forked workers, wait for all, and return what each of
-- them returned, in order, with n in the field n. Only the first value that a
-- worker returns counts; nil, booleans, numbers, strings and tables of them
-- can travel (metatables do not).
--
-- An error in a worker is raised here with the worker's traceback (a table is
-- raised as it is); a killed worker is an error that names the signal; either
-- way the other workers are stopped. Ctrl-C stops all of them and is raised.
--
-- Each worker gets a table: id (1 to n), workers (n), and range().
-- math.random differs between workers: it is seeded with options.seed, or with
-- a number drawn from the parent's generator, and the id.
--
-- Options: progress (true, false, or "auto": a bar when stderr is a terminal),
-- name (in front of the bar), seed.
--
-- @usage local results = neap.run(4, function(worker) return worker.id end)
-- @function run
-- @tparam integer n workers, 1 to 1024
-- @tparam function fn
-- @tparam[opt] table options
-- @treturn table results, or nil, text and code when workers cannot be forked
function work.run(n, fn, options)
  local workers = type(n) == "number" and math.tointeger(n)
  if not workers or workers < 1 or workers > 1024 then
    error("bad argument #1 to 'run' (1 to 1024 workers expected, got "
      .. tostring(n) .. ")", 2)
  end
  n = workers
  check_function(fn, "run", 2)
  options = check_options(options)
  value.prepare()

  local team, text, code = core.team(n)
  if not team then return nil, text, code end
  local bar = progress.wanted(options.progress) and progress.new(options.name)
  collectgarbage()

  local results, failed
  local ok, raised = pcall(function()
    local started
    started, text, code = start(team, n, fn, options.seed or draw_seed())
    if started then results, failed = collect(team, n, bar) end
  end)
  if bar then bar:clear() end
  if not ok or failed or code then team:stop(GRACE) end
  team:close()

  if not ok then error(raised, 0) end
  if failed then error(failed.raised, 0) end
  if code then return nil, text, code end
  return results
end

local function fork_as(seed, fn, ...)
  seed_random(seed, 0)
  live(fn, ...)
end

--- Run a function in a forked process.
--
-- @usage local process = assert(neap.fork(function() return 6 * 7 end))
-- @usage print(process:wait())  --> true  42
-- @function fork
-- @tparam function fn
-- @param ... its arguments
-- @treturn process the process, or nil, text and code
function work.fork(fn, ...)
  check_function(fn, "fork", 1)
  value.prepare()
  local seed = draw_seed()
  collectgarbage()

  return core.fork(fork_as, seed, fn, ...)
end

--- Wait for its end and take what the function returned.
--
-- @usage local ok, result = process:wait(5)
-- @function process:wait
-- @tparam[opt] number timeout seconds
-- @treturn boolean true; false and "timeout"; or nil, text and code: "EWORKER"
-- for an error, "EKILLED" for a signal
-- @return when true, the value
function core.methods.process:wait(timeout)
  local ended, how, code = self:status(timeout)
  if not ended then return ended, how, code end
  local ok, result
  ok, result, code = outcome("process", how, self:answered())
  if ok then return true, result end
  return nil, result, code
end

return work
