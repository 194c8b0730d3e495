--- The harness of the Lua benchmarks: neap and its peers, in turns.
--
--     lua bench/bench.lua NOUN [FILTER]
--
-- runs bench/NOUN.lua, which returns a function of a bench whose rows are
--
--     bench:row("add", "ns", {"neap", ours}, {"table field", theirs})
--
-- where ours(n) and theirs(n) do n operations. The first is neap's, each of
-- the others makes one line. All are warmed up and then measured again and
-- again, one repetition each in turn, loop included for everybody. What counts
-- is the best repetition, or the median where processes come and go
-- (bench:row_free).

local neap = require "neap"

local REPETITION = 0.001    -- seconds; less than the scheduler gives at a time
local REPETITIONS = 40      -- at least, and so many after the last better one
local REPETITIONS_FREE = 15 -- where processes come and go
local REPETITIONS_MAX = 1000
local ROW = 3               -- seconds, and then it is enough
local UNITS = {ns = 1e9, us = 1e6, ms = 1e3}

local function measure(run, n)
  local start = neap.now()
  run(n)
  return (neap.now() - start) / n
end

--- How many operations make a repetition; that is the warm-up too.
local function calibrate(run)
  local n = 1
  while true do
    local cost = measure(run, n) * n
    if cost >= REPETITION then return n end
    n = math.floor(n * math.min(100, REPETITION / math.max(cost, 1e-9) * 1.1))
      + 1
  end
end

--- A figure and how far the upper quartile lies above it, as text.
local function figure(times, statistic, unit)
  table.sort(times)
  local value = times[statistic == "median" and (#times + 1) // 2 or 1]
  local upper = times[(3 * #times + 3) // 4]
  return ("%.6g\t%.3f"):format(value * UNITS[unit], upper / value - 1)
end

local Bench = {}
Bench.__index = Bench

--- One repetition of each. Returns true if one was better than any before.
local function run_round(subjects)
  local better = false
  for _, subject in ipairs(subjects) do
    collectgarbage()
    local time = measure(subject[2], subject.n)
    table.insert(subject.times, time)
    if time < subject.best * 0.99 then
      subject.best, better = time, true
    end
  end
  return better
end

--- Rounds until nothing becomes better any more.
local function run_rounds(subjects, least)
  local finish, rounds, last = neap.now() + ROW, 0, 0
  while rounds < least or rounds - last < least
    and rounds < REPETITIONS_MAX and neap.now() < finish do
    rounds = rounds + 1
    if run_round(subjects) then last = rounds end
  end
end

local function measure_row(self, what, unit, subjects, least, statistic)
  local full = ("lua %s: %s"):format(self.noun, what)
  if not full:lower():find(self.wanted, 1, true) then return end
  for _, subject in ipairs(subjects) do
    subject.n, subject.times = calibrate(subject[2]), {}
    subject.best = math.huge
  end
  run_rounds(subjects, least)
  local ours = figure(subjects[1].times, statistic, unit)
  for i = 2, #subjects do
    print(table.concat({"Lua", self.noun, what, unit, statistic, ours,
      subjects[i][1], figure(subjects[i].times, statistic, unit)}, "\t"))
  end
end

function Bench:row(what, unit, ...)
  measure_row(self, what, unit, {...}, REPETITIONS, "minimum")
end

function Bench:row_free(what, unit, ...)
  measure_row(self, what, unit, {...}, REPETITIONS_FREE, "median")
end

local noun, wanted = arg[1], (arg[2] or ""):lower()
local bench = setmetatable({noun = noun, wanted = wanted}, Bench)
local here = arg[0]:match("^(.*)/") or "."
assert(loadfile(here .. "/" .. noun .. ".lua"))()(bench)
